//! `up` where nothing has to be done.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{audit::Audit, platform::platform, project::written, user::User};
use crate::support::kubectl;

/// Kinds of objects in the platform's release: Namespace, `LimitRange`, Secret, claim,
/// `StatefulSet`, Service, Deployment, `ConfigMap`, Job, Ingress.
const KINDS: usize = 10;

#[test]
fn a_second_run_writes_nothing_and_asks_little() {
    let platform = platform("unchanged");
    let user = User::administrator();
    user.runs(platform.up(&[])).run().exited(0);
    let before = versions("unchanged");
    assert!(before.len() > KINDS, "{before:?}");

    let audit = Audit::from_now(&user);
    let outcome = user.runs(platform.up(&["-o", "jsonl"])).run().exited(0);
    let requests = audit.requests();
    assert_eq!(audit.writes(), Vec::<String>::new());
    assert!(
        requests.len() <= KINDS + 5,
        "{} requests: {requests:#?}",
        requests.len()
    );

    let log = outcome.events();
    assert_eq!(written(&log), Vec::<String>::new());
    assert_eq!(log.last().unwrap()["outcome"], "succeeded");
    assert_eq!(versions("unchanged"), before);
    assert_eq!(platform.revisions().len(), 1);
}

/// A Lease, an annotation of the user's own, a field that nobody owned: what others write elsewhere
/// in an object is theirs.
#[test]
fn what_others_added_is_left_alone() {
    let platform = platform("added");
    platform.deploy(&[]);
    platform.kubectl(&["annotate", "deployment/web", "example.org/note=mine"]);
    platform.kubectl(&["label", "service/web", "team=shop"]);
    platform.kubectl(&[
        "patch",
        "configmap/web",
        "--type=merge",
        "-p",
        r#"{"data":{"extra":"theirs"}}"#,
    ]);
    assert_eq!(written(&platform.deploy(&[])), Vec::<String>::new());
    assert_eq!(platform.get("configmap/web")["data"]["extra"], "theirs");
}

#[test]
fn without_changes_nobody_is_asked() {
    let platform = platform("unasked");
    platform.deploy(&[]);
    platform.command("up", &[]).run().exited(0);
}

/// The resource version of everything that the release and its controllers made in a namespace;
/// leases and events come and go.
fn versions(namespace: &str) -> BTreeMap<String, String> {
    let kinds = "limitrange,secret,pvc,statefulset,service,deployment,configmap,job,ingress";
    let list: Value =
        serde_json::from_str(&kubectl(&["get", kinds, "-n", namespace, "-o", "json"])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entry = |item: &Value| {
        (
            format!(
                "{}/{}",
                text(&item["kind"]),
                text(&item["metadata"]["name"])
            ),
            text(&item["metadata"]["resourceVersion"]),
        )
    };
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect()
}
