//! Annotations by which other tools are told what to do.

use serde_json::Value;

use crate::support::{
    get,
    manifests::{config_map, deployment, documents},
    project::{Project, written},
};

/// `manifest` with the annotation `name`.
fn annotated(manifest: &str, name: &str, value: &str) -> String {
    let annotation = format!("metadata: {{annotations: {{{name}: {value:?}}}, ");
    manifest.replacen("metadata: {", &annotation, 1)
}

fn is_there(project: &Project, name: &str) -> bool {
    project.get(&format!("configmap/{name}")).is_object()
}

#[test]
fn what_other_tools_keep_is_kept_and_named() {
    let kept = |name: &str, annotation: &str, value: &str| {
        annotated(&config_map(name, "1"), annotation, value)
    };
    let all = [
        kept("ours", "deployctl.dev/keep", "true"),
        kept("of-helm", "helm.sh/resource-policy", "keep"),
        kept("of-flux", "kustomize.toolkit.fluxcd.io/prune", "disabled"),
        kept("unpruned", "argocd.argoproj.io/sync-options", "Prune=false"),
        kept("plain", "deployctl.dev/keep", "false"),
    ];
    let project = Project::new("kept-by-peers")
        .manifest("apps/all.yaml", &documents(&all))
        .manifest("apps/web.yaml", &config_map("web", "1"));
    project.deploy(&[]);

    project.rewrite(
        "apps/all.yaml",
        &kept(
            "installed",
            "argocd.argoproj.io/sync-options",
            "Delete=false",
        ),
    );
    let outcome = project.up(&[]).run().exited(0);
    assert!(
        outcome
            .stderr
            .contains("`deployctl.dev/keep: true` keeps it"),
        "{}",
        outcome.stderr
    );
    assert!(!is_there(&project, "plain"));
    for name in ["ours", "of-helm", "of-flux", "unpruned"] {
        assert!(is_there(&project, name), "{name}");
    }

    go_on_keeping(&project);

    let outcome = project.command("down", &["--yes"]).run().exited(0);
    assert!(
        outcome
            .stderr
            .contains("`helm.sh/resource-policy: keep` keeps it"),
        "{}",
        outcome.stderr
    );
    for name in ["ours", "of-helm", "of-flux", "installed"] {
        assert!(is_there(&project, name), "{name}");
    }
    for name in ["web", "unpruned"] {
        assert!(!is_there(&project, name), "{name}");
    }
    assert!(
        get("default", "namespace/kept-by-peers").is_object(),
        "it holds what is kept"
    );
    has_nothing_left(&project);
}

/// Another `up` writes nothing and names what is kept, and `status` tells it apart.
fn go_on_keeping(project: &Project) {
    let revision = project.last_revision()["number"].clone();
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    let outcome = project.up(&[]).run().exited(0);
    let said = "ConfigMap/kept-by-peers/ours is kept: `deployctl.dev/keep: true` keeps it";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let status = project.command("status", &[]).run().exited(0).stdout;
    let said = "not wanted, kept by `deployctl.dev/keep: true`";
    assert!(status.contains(said), "{status}");
    assert_eq!(project.last_revision()["number"], revision);
}

/// There is nothing left to uninstall, whatever lies in its namespace.
fn has_nothing_left(project: &Project) {
    let revision = project.last_revision()["number"].clone();
    let again = project.command("down", &["--yes"]).run().exited(0).stderr;
    for said in [
        "is not deployed",
        "Namespace/kept-by-peers is kept: it holds",
    ] {
        assert!(again.contains(said), "{again}");
    }
    assert_eq!(project.last_revision()["number"], revision);
}

#[test]
fn what_is_kept_is_named_and_remembered_where_nothing_else_changes() {
    let kept = annotated(&config_map("kept", "1"), "deployctl.dev/keep", "true");
    let project = Project::new("kept-alone")
        .manifest("apps/kept.yaml", &kept)
        .manifest("apps/web.yaml", &config_map("web", "1"));
    project.deploy(&[]);
    std::fs::remove_file(project.folder().join("manifests/apps/kept.yaml")).unwrap();
    for _ in 0..2 {
        let outcome = project.up(&[]).run().exited(0);
        let said = "ConfigMap/kept-alone/kept is kept: `deployctl.dev/keep: true` keeps it";
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
        assert_eq!(project.last_revision()["number"], 2);
    }
    let status = project.command("status", &[]).run().exited(0).stdout;
    let said = "not wanted, kept by `deployctl.dev/keep: true`";
    assert_eq!(status.matches(said).count(), 1, "{status}");
    assert!(is_there(&project, "kept"));
}

/// In which order what was written became ready.
fn order(log: &[Value]) -> Vec<(&str, &str)> {
    let events = log.iter().filter_map(|event| {
        let kind = event["event"].as_str()?;
        let is_ready = kind == "verdict-changed" && event["to"]["state"] == "ready";
        let what = if is_ready { "ready" } else { "written" };
        let name = event["object"]["name"].as_str()?;
        (is_ready || kind == "object-written").then_some((what, name))
    });
    events.collect()
}

#[test]
fn the_order_of_other_tools_is_kept() {
    let project = Project::new("peers-order").manifest(
        "apps/all.yaml",
        &documents(&[
            annotated(&deployment("early"), "argocd.argoproj.io/sync-wave", "-1"),
            annotated(
                &deployment("late"),
                "config.kubernetes.io/depends-on",
                "apps/namespaces/peers-order/Deployment/middle",
            ),
            deployment("middle"),
        ]),
    );
    let log = project.deploy(&[]);
    let order = order(&log);
    let position = |what: &str, name: &str| {
        let place = order.iter().position(|entry| *entry == (what, name));
        place.unwrap_or_else(|| panic!("{name} {what}: {order:?}"))
    };
    assert!(
        position("ready", "early") < position("written", "middle"),
        "{order:?}"
    );
    assert!(
        position("ready", "middle") < position("written", "late"),
        "{order:?}"
    );
}

#[test]
fn what_has_no_effect_is_said_once() {
    let hook = |name: &str| annotated(&config_map(name, "1"), "helm.sh/hook", "pre-install");
    let project = Project::new("peers-unheard").manifest(
        "apps/hooks.yaml",
        &documents(&[hook("first"), hook("second")]),
    );
    let outcome = project.command("validate", &[]).run().exited(0);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let warning = "hooks.yaml:1: ConfigMap/peers-unheard/first: the annotation `helm.sh/hook` has no effect, here and on 1 more object";
    assert_eq!(said.matches(warning).count(), 1, "{said}");
    assert_eq!(said.matches("helm.sh/hook").count(), 1, "{said}");
}
