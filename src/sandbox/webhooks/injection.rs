//! Who has the API server trust the pod behind a webhook: pure functions of its configuration.

use serde_json::{Value, json};

/// The annotations by which cert-manager's cainjector fills in `caBundle`
/// (<https://cert-manager.io/docs/concepts/ca-injector/>).
const FROM_CERTIFICATE: &str = "cert-manager.io/inject-ca-from";
const FROM_SECRET: &str = "cert-manager.io/inject-ca-from-secret";
const OF_SERVER: &str = "cert-manager.io/inject-apiserver-ca";

/// Who fills in the `caBundle` of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Injector {
    /// cert-manager, once there is something at this path.
    From(String),
    /// cert-manager, at once.
    Server,
    /// The pods themselves, as soon as they run.
    Pods,
}

impl Injector {
    /// Under which name it writes.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::From(_) | Self::Server => "cert-manager-cainjector",
            Self::Pods => "webhook",
        }
    }
}

/// Who fills in the `caBundle` of `configuration`.
pub(super) fn injector(configuration: &Value) -> Injector {
    let annotations = &configuration["metadata"]["annotations"];
    let place = |annotation: &str| annotations[annotation].as_str()?.split_once('/');
    if let Some((namespace, name)) = place(FROM_CERTIFICATE) {
        let collection = format!("/apis/cert-manager.io/v1/namespaces/{namespace}/certificates");
        Injector::From(format!("{collection}/{name}"))
    } else if let Some((namespace, name)) = place(FROM_SECRET) {
        Injector::From(format!("/api/v1/namespaces/{namespace}/secrets/{name}"))
    } else if annotations[OF_SERVER] == "true" {
        Injector::Server
    } else {
        Injector::Pods
    }
}

/// The change that fills `bundle` in; `None` where there is nothing to fill in. What somebody has
/// filled in already is left by all but cert-manager, and what has no pods (`has_pods` by
/// `NAMESPACE/SERVICE`) by the pods.
pub(super) fn change(
    configuration: &Value,
    bundle: &str,
    has_pods: impl Fn(&str) -> bool,
) -> Option<Value> {
    let by_pods = injector(configuration) == Injector::Pods;
    let webhooks = configuration["webhooks"].as_array()?.iter();
    let open = webhooks.filter(|webhook| {
        let client = &webhook["clientConfig"];
        let service = &client["service"];
        let text = |key: &str| service[key].as_str().unwrap_or_default();
        let place = format!("{}/{}", text("namespace"), text("name"));
        let current = client["caBundle"].as_str().unwrap_or_default();
        let is_open = if by_pods {
            current.is_empty() && has_pods(&place)
        } else {
            current != bundle
        };
        service.is_object() && is_open
    });
    let filled: Vec<Value> = open
        .map(|it| json!({"name": it["name"], "clientConfig": {"caBundle": bundle}}))
        .collect();
    let metadata = &configuration["metadata"];
    let seen = json!({"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]});
    (!filled.is_empty()).then(|| json!({"metadata": seen, "webhooks": filled}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(annotations: &Value, bundles: &[&str]) -> Value {
        let webhook = |(number, bundle): (usize, &&str)| json!({"name": format!("w{number}"), "clientConfig": {"caBundle": bundle, "service": {"namespace": "shop", "name": format!("s{number}")}}});
        let webhooks: Vec<Value> = bundles.iter().enumerate().map(webhook).collect();
        json!({"metadata": {"name": "a", "annotations": annotations}, "webhooks": webhooks})
    }

    fn filled(configuration: &Value, has_pods: &[&str]) -> Vec<String> {
        let change = change(configuration, "Q0E=", |place| has_pods.contains(&place));
        let webhooks = change.map(|mut it| it["webhooks"].take());
        let webhooks = webhooks.as_ref().and_then(Value::as_array);
        let names = webhooks.into_iter().flatten();
        names
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn cert_manager_fills_in_whatever_is_annotated() {
        for (annotation, injects) in [
            (
                FROM_CERTIFICATE,
                Injector::From(
                    "/apis/cert-manager.io/v1/namespaces/shop/certificates/tls".to_owned(),
                ),
            ),
            (
                FROM_SECRET,
                Injector::From("/api/v1/namespaces/shop/secrets/tls".to_owned()),
            ),
        ] {
            let configuration =
                configuration(&json!({annotation: "shop/tls"}), &["", "b2xk", "Q0E="]);
            assert_eq!(injector(&configuration), injects);
            assert_eq!(filled(&configuration, &[]), ["w0", "w1"]);
        }
        assert_eq!(
            injector(&configuration(&json!({OF_SERVER: "true"}), &[])),
            Injector::Server
        );
    }

    #[test]
    fn pods_fill_in_what_is_empty_where_they_run() {
        let configuration = configuration(&Value::Null, &["", "", "b3du"]);
        assert_eq!(injector(&configuration), Injector::Pods);
        assert_eq!(filled(&configuration, &["shop/s1", "shop/s2"]), ["w1"]);
        let elsewhere = json!({"metadata": {}, "webhooks": [{"name": "a", "clientConfig": {"url": "https://a.test"}}]});
        assert_eq!(filled(&elsewhere, &["/"]), Vec::<String>::new());
    }
}
