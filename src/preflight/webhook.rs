//! What the API server says of admission webhooks that stand in the way.

use serde_json::Value;

use crate::{
    cluster::Refusal,
    object::{
        ObjectId,
        field::{list, part, text},
    },
};

/// A webhook that stood in the way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WebhookRefusal<'a> {
    /// Its name in its configuration.
    pub(crate) name: &'a str,
    /// Whether it was asked and said no; otherwise it could not be asked.
    pub(crate) has_answered: bool,
}

/// The API server's words about a webhook, up to its name, and whether it has answered.
/// <https://github.com/kubernetes/apiserver/tree/master/pkg/admission/plugin/webhook>
const WORDS: [(&str, bool); 2] = [
    ("failed calling webhook \"", false),
    ("admission webhook \"", true),
];

/// The webhook that `refusal` is about; `None` where it is about something else.
pub(crate) fn webhook_refusal(refusal: &Refusal) -> Option<WebhookRefusal<'_>> {
    WORDS.iter().find_map(|(words, has_answered)| {
        let (_, rest) = refusal.message.split_once(words)?;
        let (name, _) = rest.split_once('"')?;
        Some(WebhookRefusal {
            name,
            has_answered: *has_answered,
        })
    })
}

/// The name of the webhook that could not be asked, as `refusal` says.
pub(crate) fn dead_webhook(refusal: &Refusal) -> Option<&str> {
    let webhook = webhook_refusal(refusal)?;
    (!webhook.has_answered).then_some(webhook.name)
}

/// The webhook `name` in `configuration`, a webhook configuration.
pub(crate) fn webhook_in<'a>(configuration: &'a Value, name: &str) -> Option<&'a Value> {
    let mut webhooks = list(configuration, "/webhooks").iter();
    webhooks.find(|webhook| text(webhook, "/name") == Some(name))
}

/// What was found of a webhook that stood in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FoundWebhook {
    /// Who set it up.
    Here(WebhookSource),
    /// Nobody, by now.
    Nowhere,
    /// The user may not look.
    Hidden,
}

/// Who set a webhook up, and who answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookSource {
    /// Its configuration.
    pub(crate) configuration: ObjectId,
    /// Whether what it cannot be asked about is refused: `Fail` or `Ignore`.
    pub(crate) failure_policy: String,
    /// Who answers.
    pub(crate) server: WebhookServer,
}

/// Who answers a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WebhookServer {
    /// A Service of the cluster.
    Service(ObjectId, ServiceState),
    /// Something at this address.
    Url(String),
}

/// Whether anything stands behind a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceState {
    Absent,
    WithoutEndpoints,
    WithEndpoints,
    /// The user may not look.
    Hidden,
}

impl WebhookSource {
    /// The webhook `name` of `configuration`, which is `id`; what stands behind its Service is not
    /// known yet. `None` where it has no such webhook.
    pub(crate) fn of(id: ObjectId, configuration: &Value, name: &str) -> Option<Self> {
        let webhook = webhook_in(configuration, name)?;
        let server = match part(webhook, "/clientConfig/service") {
            Some(service) => WebhookServer::Service(
                ObjectId::core(
                    "Service",
                    text(service, "/namespace"),
                    text(service, "/name").unwrap_or_default(),
                ),
                ServiceState::Hidden,
            ),
            None => WebhookServer::Url(
                text(webhook, "/clientConfig/url")
                    .unwrap_or_default()
                    .to_owned(),
            ),
        };
        Some(Self {
            configuration: id,
            failure_policy: text(webhook, "/failurePolicy").unwrap_or("Fail").to_owned(),
            server,
        })
    }
}

/// Who is behind the refusal by `webhook`, of which `found` was found, in a sentence; and what to do.
/// `kubectl` is how a command about this cluster begins.
pub(crate) fn explained(
    webhook: WebhookRefusal<'_>,
    found: &FoundWebhook,
    kubectl: &str,
) -> (String, String) {
    let source = match found {
        FoundWebhook::Here(source) => source,
        FoundWebhook::Nowhere => {
            return (
                "no webhook configuration holds this webhook any more".to_owned(),
                "run the same command again".to_owned(),
            );
        }
        FoundWebhook::Hidden => {
            return (
                "who set this webhook up is not known: you may not list webhook configurations"
                    .to_owned(),
                format!(
                    "ask the cluster's administrator who runs the webhook `{}`",
                    webhook.name
                ),
            );
        }
    };
    let who = format!(
        "this webhook is set up by {} (failurePolicy `{}`), {}",
        source.configuration,
        source.failure_policy,
        behind(&source.server)
    );
    let remedy = if webhook.has_answered {
        let answers = match &source.server {
            WebhookServer::Service(service, _) => service.to_string(),
            WebhookServer::Url(url) => format!("`{url}`"),
        };
        format!(
            "change what the webhook objects to, or ask whoever runs {answers}, which answers it"
        )
    } else {
        format!(
            "{}; where what it belongs to is gone, delete its configuration: `{kubectl} delete {} {}`",
            repair(&source.server, kubectl),
            source.configuration.kind.to_lowercase(),
            source.configuration.name
        )
    };
    (who, remedy)
}

fn behind(server: &WebhookServer) -> String {
    match server {
        WebhookServer::Service(service, state) => {
            let state = match state {
                ServiceState::Absent => "does not exist",
                ServiceState::WithoutEndpoints => "has no ready endpoints",
                ServiceState::WithEndpoints => "has ready endpoints",
                ServiceState::Hidden => "you may not look at",
            };
            format!("and answered by {service}, which {state}")
        }
        WebhookServer::Url(url) => format!("and answered at `{url}`"),
    }
}

/// What to do about a webhook that cannot be asked.
fn repair(server: &WebhookServer, kubectl: &str) -> String {
    match server {
        WebhookServer::Service(service, ServiceState::Absent) => format!("create {service}"),
        WebhookServer::Service(service, ServiceState::WithoutEndpoints) => {
            let namespace = service.namespace.as_deref().unwrap_or_default();
            format!(
                "bring up the pods behind {service}: `{kubectl} get endpointslices -n {namespace} -l kubernetes.io/service-name={}`",
                service.name
            )
        }
        WebhookServer::Service(service, _) => format!(
            "see why {service} does not answer: its port, and the `caBundle` and path that the configuration names"
        ),
        WebhookServer::Url(url) => format!("see why `{url}` does not answer"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(message: &str) -> Refusal {
        Refusal {
            code: 500,
            message: message.to_owned(),
            ..Refusal::default()
        }
    }

    const DEAD: &str = r#"Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: Post "https://a.shop.svc:443/?timeout=1s": service "a" not found"#;
    const DENIED: &str = r#"admission webhook "check.example.org" denied the request: no"#;

    #[test]
    fn a_refusal_says_which_webhook_and_whether_it_answered() {
        let of = |message: &str| {
            let refusal = refusal(message);
            webhook_refusal(&refusal).map(|found| (found.name.to_owned(), found.has_answered))
        };
        assert_eq!(of(DEAD), Some(("check.example.org".to_owned(), false)));
        assert_eq!(of(DENIED), Some(("check.example.org".to_owned(), true)));
        assert_eq!(of("pods \"a\" is forbidden: exceeded quota: small"), None);
    }

    fn configuration(client: &Value) -> Value {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "guard"},
            "webhooks": [{"name": "check.example.org", "failurePolicy": "Fail", "clientConfig": client}]})
    }

    fn told(message: &str, client: &Value, state: ServiceState) -> (String, String) {
        let configuration = configuration(client);
        let id = ObjectId::of(&configuration).expect("has an identity");
        let refusal = refusal(message);
        let webhook = webhook_refusal(&refusal).expect("is of a webhook");
        let mut source =
            WebhookSource::of(id, &configuration, webhook.name).expect("has the webhook");
        if let WebhookServer::Service(_, known) = &mut source.server {
            *known = state;
        }
        explained(webhook, &FoundWebhook::Here(source), "kubectl")
    }

    #[test]
    fn the_configuration_and_the_service_behind_it_are_named_with_what_to_do() {
        let service = json!({"service": {"namespace": "shop", "name": "a"}});
        assert_eq!(
            told(DEAD, &service, ServiceState::Absent),
            (
                "this webhook is set up by ValidatingWebhookConfiguration/guard (failurePolicy `Fail`), and answered by Service/shop/a, which does not exist".to_owned(),
                "create Service/shop/a; where what it belongs to is gone, delete its configuration: `kubectl delete validatingwebhookconfiguration guard`".to_owned()
            )
        );
        let (_, remedy) = told(DEAD, &service, ServiceState::WithoutEndpoints);
        assert!(
            remedy.contains("`kubectl get endpointslices -n shop -l kubernetes.io/service-name=a`"),
            "{remedy}"
        );
        let (_, remedy) = told(DENIED, &service, ServiceState::WithEndpoints);
        assert_eq!(
            remedy,
            "change what the webhook objects to, or ask whoever runs Service/shop/a, which answers it"
        );
        let (who, _) = told(
            DEAD,
            &json!({"url": "https://a.test/"}),
            ServiceState::Hidden,
        );
        assert!(who.ends_with("and answered at `https://a.test/`"), "{who}");
    }

    #[test]
    fn who_may_not_look_is_told_whom_to_ask() {
        let refusal = refusal(DEAD);
        let webhook = webhook_refusal(&refusal).expect("is of a webhook");
        let (who, remedy) = explained(webhook, &FoundWebhook::Hidden, "kubectl");
        assert!(who.contains("you may not list"), "{who}");
        assert!(remedy.contains("check.example.org"), "{remedy}");
    }
}
