//! `up` after somebody changed something.

use super::{
    audit::Audit,
    manifests::{config_map, deployment},
    platform::platform,
    project::{Project, written},
    user::User,
};
use crate::support::try_kubectl;

/// Runs `up` and returns what it wrote, as its events and as the API server's audit log tell it.
#[track_caller]
fn repaired(platform: &Project, user: &User) -> (Vec<String>, Vec<String>) {
    let audit = Audit::from_now(user);
    let log = user
        .runs(platform.up(&["-o", "jsonl"]))
        .run()
        .exited(0)
        .events();
    let of_objects = audit
        .writes()
        .into_iter()
        .filter(|request| !request.contains("/namespaces/deployctl-system"));
    let paths = of_objects
        .map(|request| request.split('?').next().unwrap().to_owned())
        .collect();
    (written(&log), paths)
}

/// A change that somebody makes with kubectl, and how `up` puts it right.
struct Damage {
    change: &'static [&'static str],
    /// What `up` writes, as its events tell it.
    repair: &'static str,
    /// The path that it sends its only patch to.
    path: &'static str,
}

const REMOVE_LABEL: &str = "deployctl.dev/repaired.default-";

const DAMAGES: [Damage; 10] = [
    Damage {
        change: &["delete", "configmap/web"],
        repair: "created ConfigMap/repaired/web",
        path: "/api/v1/namespaces/repaired/configmaps/web",
    },
    Damage {
        change: &patch("configmap/web", r#"{"data":{"value":"wrong"}}"#),
        repair: "changed ConfigMap/repaired/web",
        path: "/api/v1/namespaces/repaired/configmaps/web",
    },
    Damage {
        change: &patch("configmap/web", r#"{"data":{"value":null}}"#),
        repair: "changed ConfigMap/repaired/web",
        path: "/api/v1/namespaces/repaired/configmaps/web",
    },
    Damage {
        change: &["label", "service/web", REMOVE_LABEL],
        repair: "changed Service/repaired/web",
        path: "/api/v1/namespaces/repaired/services/web",
    },
    Damage {
        change: &["scale", "deployment/web", "--replicas=3"],
        repair: "changed Deployment/repaired/web",
        path: "/apis/apps/v1/namespaces/repaired/deployments/web",
    },
    Damage {
        change: &[
            "patch",
            "deployment/web",
            "--field-manager=kubectl-edit",
            "--type=json",
            "-p",
            r#"[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"wrong:v0"}]"#,
        ],
        repair: "changed Deployment/repaired/web",
        path: "/apis/apps/v1/namespaces/repaired/deployments/web",
    },
    Damage {
        change: &["delete", "deployment/web"],
        repair: "created Deployment/repaired/web",
        path: "/apis/apps/v1/namespaces/repaired/deployments/web",
    },
    Damage {
        change: &["delete", "statefulset/database"],
        repair: "created StatefulSet/repaired/database",
        path: "/apis/apps/v1/namespaces/repaired/statefulsets/database",
    },
    Damage {
        change: &["label", "namespace/repaired", REMOVE_LABEL],
        repair: "changed Namespace/repaired",
        path: "/api/v1/namespaces/repaired",
    },
    Damage {
        change: &patch("secret/licence", r#"{"data":{"key":"d3Jvbmc="}}"#),
        repair: "changed Secret/repaired/licence",
        path: "/api/v1/namespaces/repaired/secrets/licence",
    },
];

/// What `kubectl edit` does, as arguments of kubectl.
const fn patch(object: &'static str, patch: &'static str) -> [&'static str; 6] {
    [
        "patch",
        object,
        "--field-manager=kubectl-edit",
        "--type=merge",
        "-p",
        patch,
    ]
}

#[test]
fn exactly_what_was_changed_is_put_right() {
    let platform = platform("repaired");
    let user = User::administrator();
    user.runs(platform.up(&[])).run().exited(0);
    for damage in DAMAGES {
        platform.kubectl(damage.change);
        let (events, requests) = repaired(&platform, &user);
        let change = damage.change.join(" ");
        assert_eq!(events, [damage.repair], "after kubectl {change}");
        assert_eq!(
            requests,
            [format!("patch {}", damage.path)],
            "after kubectl {change}"
        );
    }
    assert_eq!(platform.get("configmap/web")["data"]["value"], "one");
    assert_eq!(platform.get("deployment/web")["spec"]["replicas"], 1);
    assert_eq!(
        platform.get("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
    assert_eq!(repaired(&platform, &user), (Vec::new(), Vec::new()));
}

#[test]
fn a_deleted_secret_gets_new_generated_values_and_nothing_else_changes() {
    let platform = platform("regenerated");
    platform.deploy(&[]);
    let before = platform.get("secret/database")["data"]["password"].clone();
    platform.kubectl(&["delete", "secret/database"]);
    assert_eq!(
        written(&platform.deploy(&[])),
        ["created Secret/regenerated/database"]
    );
    assert_ne!(platform.get("secret/database")["data"]["password"], before);
}

#[test]
fn a_changed_manifest_changes_only_its_object() {
    let platform = platform("changed");
    platform.deploy(&[]);
    platform.rewrite(
        "monitoring/prometheus.yaml",
        &deployment("prometheus").replace(":v1", ":v2"),
    );
    assert_eq!(
        written(&platform.deploy(&[])),
        ["changed Deployment/changed/prometheus"]
    );
    assert_eq!(platform.last_revision()["changes"]["unchanged"], 12);
    // What is sent again and is the same is no change.
    let revision = platform.last_revision();
    assert_eq!(
        (&revision["number"], &revision["outcome"]),
        (&2.into(), &"succeeded".into())
    );
}

#[test]
fn a_field_of_another_manager_is_a_conflict_until_it_is_taken_over() {
    let project = Project::new("conflict")
        .manifest("apps/settings.yaml", &config_map("settings", "ours"))
        .manifest("apps/other.yaml", &config_map("other", "1"));
    project.deploy(&[]);
    let theirs = config_map("settings", "theirs");
    let arguments = [
        "apply",
        "--server-side",
        "--field-manager=other-tool",
        "--force-conflicts",
        "--namespace",
        "conflict",
        "-f",
        "-",
    ];
    assert!(try_kubectl(&arguments, &theirs).status.success());
    project.rewrite("apps/other.yaml", &config_map("other", "2"));

    let outcome = project.up(&["-o", "jsonl"]).run().exited(5);
    assert!(
        outcome.stderr.contains("ConfigMap/conflict/settings"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("`data.value` is managed by \"other-tool\"; `data.value` is "),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("`--force-conflicts`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.get("configmap/other")["data"]["value"], "1");
    assert_eq!(project.revisions().len(), 1);

    let taken = project.deploy(&["--force-conflicts"]);
    assert_eq!(
        written(&taken),
        [
            "changed ConfigMap/conflict/other",
            "changed ConfigMap/conflict/settings"
        ]
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "ours");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

const TWO_PORTS: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: metrics, port: 90}]}
";

/// The node port makes the API server answer otherwise.
const UNNAMED_PORT: &str = "apiVersion: v1
kind: Service
metadata: {name: unnamed}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, nodePort: 31890}]}
";

const CONTAINERS: &str = "/spec/template/spec/containers";

/// What `kubectl edit` does to one value.
fn edit(project: &Project, object: &str, operation: &str, path: &str, value: &str) {
    let patch = format!(r#"[{{"op": "{operation}", "path": "{path}", "value": {value}}}]"#);
    let manager = "--field-manager=kubectl-edit";
    project.kubectl(&["patch", object, manager, "--type=json", "-p", &patch]);
}

/// The values of `key` in the items of the list at `list`.
fn items(project: &Project, object: &str, list: &str, key: &str) -> Vec<String> {
    let object = project.get(object);
    let items = object.pointer(list).unwrap().as_array().unwrap().iter();
    items.map(|item| item[key].to_string()).collect()
}

/// What tells the items of a list apart is edited: another item stands where ours stood.
#[test]
fn an_item_whose_key_was_edited_is_put_right_and_what_was_added_stays() {
    let project = Project::new("edited-keys")
        .manifest("apps/service.yaml", TWO_PORTS)
        .manifest("apps/unnamed.yaml", UNNAMED_PORT)
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    let port = |service: &str| edit(&project, service, "replace", "/spec/ports/0/port", "81");
    port("service/web");
    port("service/unnamed");
    let name = format!("{CONTAINERS}/0/name");
    edit(&project, "deployment/web", "replace", &name, "\"other\"");
    assert_eq!(written(&project.deploy(&[])).len(), 3);

    let ports = |service: &str| items(&project, service, "/spec/ports", "port");
    let names = || items(&project, "deployment/web", CONTAINERS, "name");
    assert_eq!(ports("service/web"), ["80", "90"]);
    assert_eq!(ports("service/unnamed"), ["80"]);
    assert_eq!(names(), ["\"main\""]);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    let debug = r#"{"name": "debug", "image": "debug:v1"}"#;
    edit(
        &project,
        "deployment/web",
        "add",
        &format!("{CONTAINERS}/-"),
        debug,
    );
    project.kubectl(&["set", "image", "deployment/web", "main=wrong:v0"]);
    project.deploy(&[]);
    let both = ["\"main\"", "\"debug\""];
    assert_eq!(names(), both, "nothing of ours was missing");

    // The manifest changes as well, so it is not known what was there of it.
    port("service/web");
    project.rewrite(
        "apps/service.yaml",
        &TWO_PORTS.replace("port: 90", "port: 91"),
    );
    project.deploy(&[]);
    assert_eq!(ports("service/web"), ["80", "91"]);
}
