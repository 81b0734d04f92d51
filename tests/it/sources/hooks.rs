//! Hooks of charts: what becomes of them, those of deletions, and those of rollbacks.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    Audit, Deployctl, Helm, Project, User, get,
    helm::{hook, made, shop},
};
use crate::support::{
    kubectl,
    project::{packed, written},
    running::Running,
};

/// A Job that is a hook, and what becomes of it.
fn policied(name: &str, events: &str, policy: &str) -> String {
    hook(name, events, 0).replace("before-hook-creation", &format!("\"{policy}\""))
}

/// `hook`, which fails.
fn failing(hook: &str) -> String {
    hook.replace(
        "template: {spec:",
        "backoffLimit: 0\n  template: {metadata: {labels: {sandbox.deployctl.dev/fault: job-fails}}, spec:",
    )
}

/// What a hook runs as.
fn account(events: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: hooks\n  annotations: {{helm.sh/hook: \"{events}\", helm.sh/hook-delete-policy: hook-succeeded, helm.sh/hook-weight: \"-5\"}}\n"
    )
}

/// `RESULT NAME` of each Job, Deployment and ServiceAccount that was written, in order.
fn order(events: &[Value]) -> Vec<String> {
    let written = events.iter().filter(|it| it["event"] == "object-written");
    let of_kind = written.filter(|it| {
        let kind = it["object"]["kind"].as_str();
        ["Job", "Deployment", "ServiceAccount"]
            .map(Some)
            .contains(&kind)
    });
    let said = of_kind.map(|it| {
        let (result, name) = (&it["result"], &it["object"]["name"]);
        format!("{} {}", result.as_str().unwrap(), name.as_str().unwrap())
    });
    said.collect()
}

#[test]
fn a_hook_that_has_succeeded_goes_and_is_not_missed() {
    let project = shop("hook-succeeded")
        .manifest(
            "chart/templates/a.yaml",
            &account("pre-install,pre-upgrade"),
        )
        .manifest(
            "chart/templates/b.yaml",
            &policied(
                "prepare",
                "pre-install,pre-upgrade",
                "before-hook-creation, hook-succeeded",
            ),
        )
        .manifest(
            "chart/templates/c.yaml",
            &policied("welcome", "post-install", "hook-succeeded,hook-failed"),
        );
    let user = User::administrator();
    let up = |arguments: &[&str]| user.runs(Helm::Four.of(project.up(arguments)));
    let events = up(&["-o", "jsonl"]).run().exited(0).events();
    let said = order(&events);
    let at = |what: &str| {
        let found = said.iter().position(|it| it == what);
        found.unwrap_or_else(|| panic!("{what}: {said:?}"))
    };
    assert!(at("created hooks") < at("created prepare"), "{said:?}");
    assert!(at("created prepare") < at("deleted hooks"), "{said:?}");
    assert!(at("created prepare") < at("created my-shop"), "{said:?}");
    assert!(at("created my-shop") < at("created welcome"), "{said:?}");
    assert!(at("created welcome") < at("deleted welcome"), "{said:?}");
    let is_clean = || {
        assert!(made(&project).is_empty());
        assert!(project.get("serviceaccount/hooks").is_null());
        let status = project.command("status", &["--exit-code"]).run();
        assert_eq!(status.status, 0, "{}", status.stdout);
    };
    is_clean();

    let audit = Audit::from_now(&user);
    up(&[]).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());

    let again = up(&["--set", "tag=v2", "-o", "jsonl"]).run().exited(0);
    let said = order(&again.events());
    let prepared = said.iter().filter(|it| it.ends_with("prepare"));
    let prepared: Vec<&String> = prepared.collect();
    assert_eq!(prepared, ["created prepare", "deleted prepare"]);
    assert!(!said.iter().any(|it| it.ends_with("welcome")), "{said:?}");
    is_clean();
    let back = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(!back.stderr.contains("Job/"), "{}", back.stderr);
    is_clean();
    let audit = Audit::from_now(&user);
    up(&[]).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());
    project.command("down", &["--yes"]).run().exited(0);
    assert!(get("default", "namespace/hook-succeeded").is_null());
}

#[test]
fn a_hook_that_has_failed_goes_where_its_policy_says_so() {
    let project = shop("hook-failed");
    Helm::Four.of(project.up(&[])).run().exited(0);
    for (policy, stays) in [("hook-failed", false), ("hook-succeeded", true)] {
        let migrate = failing(&policied("migrate", "pre-upgrade", policy));
        project.rewrite("chart/templates/b.yaml", &migrate);
        project.rewrite("chart/templates/a.yaml", &account("pre-upgrade"));
        let run = Helm::Four
            .of(project.up(&["--set", "tag=v2", "--no-rollback"]))
            .run();
        assert_eq!(run.status, 3, "{}", run.stderr);
        assert!(
            run.stderr.contains("Job/hook-failed/migrate"),
            "{}",
            run.stderr
        );
        assert_eq!(!made(&project).is_empty(), stays, "{policy}");
        assert!(
            project.get("serviceaccount/hooks").is_null(),
            "it has succeeded"
        );
        project.command("rollback", &["--yes"]).run().exited(0);
        assert!(made(&project).is_empty());
    }
    project.command("down", &["--yes"]).run().exited(0);
}

/// A chart with hooks of its deletion; what is run as the account needs it.
fn with_deletion_hooks(name: &str) -> Project {
    shop(name)
        .manifest(
            "chart/templates/a.yaml",
            &account("pre-delete")
                .replace("-policy: hook-succeeded", "-policy: before-hook-creation"),
        )
        .manifest("chart/templates/b.yaml", &hook("prepare", "pre-delete", 0))
        .manifest("chart/templates/c.yaml", &hook("goodbye", "post-delete", 0))
}

#[test]
fn hooks_are_run_before_and_after_a_deletion_without_the_plan() {
    let project = with_deletion_hooks("hook-delete");
    let events = Helm::Four
        .of(project.up(&["-o", "jsonl"]))
        .run()
        .exited(0)
        .events();
    assert_eq!(order(&events), ["created my-shop"]);
    std::fs::remove_dir_all(project.folder().join("manifests")).unwrap();
    std::fs::remove_dir_all(project.folder().join("plans")).unwrap();
    // Under another name too.
    let named = |command: &str, arguments: &[&str]| {
        let command = Deployctl::in_sandbox().args([command]);
        command.args(arguments.iter().copied()).current_dir("/")
    };
    let names = ["hook-delete.default", "hook-gone.prod", "--yes"];
    named("rename", &names).run().exited(0);
    let down = ["hook-gone", "--env", "prod", "--yes", "-o", "jsonl"];
    let said = order(&named("down", &down).run().exited(0).events());
    let expected = [
        "created hooks",
        "created prepare",
        "deleted hooks",
        "deleted prepare",
        "deleted my-shop",
        "created goodbye",
        "deleted goodbye",
    ];
    let mut sorted = said.clone();
    if sorted[2..4] == ["deleted prepare", "deleted hooks"] {
        sorted.swap(2, 3);
    }
    assert_eq!(sorted, expected);
    assert!(get("default", "namespace/hook-delete").is_null());
    let again = named("down", &down[..4]).run().exited(0);
    assert!(again.stderr.contains("is not deployed"), "{}", again.stderr);
}

#[test]
fn tests_of_charts_are_named_and_run_by_hand() {
    let project = shop("hook-test")
        .manifest("chart/templates/b.yaml", &hook("check", "test", 0))
        .manifest(
            "chart/templates/c.yaml",
            &policied("goes", "test", "hook-succeeded"),
        );
    let user = User::administrator();
    let up = |arguments: &[&str]| user.runs(Helm::Four.of(project.up(arguments)));
    let said = "Job/hook-test/check is a test of its chart: `deployctl verify` runs it";
    let validated = Helm::Four
        .of(project.command("validate", &["-v"]))
        .run()
        .exited(0);
    assert!(validated.stderr.contains(said), "{}", validated.stderr);
    let deployed = up(&["-v"]).run().exited(0);
    assert!(deployed.stderr.contains(said), "{}", deployed.stderr);
    assert!(made(&project).is_empty());

    let verify = || project.command("verify", &[]).run();
    let passed = verify().exited(0);
    let said = "the tests of hook-test.default revision 1 have passed";
    assert!(passed.stderr.contains(said), "{}", passed.stderr);
    let first = made(&project);
    assert_eq!(first.keys().collect::<Vec<_>>(), ["check"]);
    verify().exited(0);
    assert_ne!(made(&project), first, "it is run anew");
    // They are no part of what is deployed, and nobody's.
    let audit = Audit::from_now(&user);
    up(&[]).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());
    assert_eq!(project.revisions().len(), 1);
    let orphans = project
        .command("prune", &["--orphans", "--yes"])
        .run()
        .exited(0);
    assert!(orphans.stderr.contains("No orphans"), "{}", orphans.stderr);

    for (policy, stays) in [("hook-failed", false), ("hook-succeeded", true)] {
        let check = failing(&policied("check", "test", policy));
        project.rewrite("chart/templates/b.yaml", &check);
        up(&["--set", &format!("tag={policy}")]).run().exited(0);
        let failed = verify().exited(1);
        let all = format!("{}{}", failed.stdout, failed.stderr);
        assert!(all.contains("Job/hook-test/check"), "{all}");
        assert!(
            all.contains("exited with code 1") && all.contains("giving up"),
            "{all}"
        );
        assert_eq!(made(&project).contains_key("check"), stays, "{policy}");
    }
    project.command("down", &["--yes"]).run().exited(0);
    assert!(get("default", "namespace/hook-test").is_null());
    let nothing = verify().exited(2);
    assert!(!nothing.stderr.is_empty());
}

/// Two charts with a test each, of which only the one of the databases is brought.
#[test]
fn tests_of_a_chart_that_was_never_brought_are_not_run() {
    let name = "hook-test-part";
    let source = |chart: &str, phase: &str| {
        format!("\n- {{helm: {{chart: ../manifests/{chart}, release: {chart}}}, phase: {phase}}}")
    };
    let sources = source("one", "databases") + &source("two", "apps");
    let mut project = Project::with_sources(name, &sources);
    for chart in ["one", "two"] {
        let about = format!("apiVersion: v2\nname: {chart}\nversion: 1.0.0\n");
        let settings = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {chart}}}\n");
        let test = hook(&format!("check-{chart}"), "test", 0);
        project = project
            .manifest(&format!("{chart}/Chart.yaml"), &about)
            .manifest(&format!("{chart}/values.yaml"), "image: {tag: v1}\n")
            .manifest(&format!("{chart}/templates/a.yaml"), &settings)
            .manifest(&format!("{chart}/templates/b.yaml"), &test);
    }
    let part = ["--phase", "namespace", "--phase", "databases"];
    Helm::Four.of(project.up(&part)).run().exited(0);
    assert!(project.get("configmap/two").is_null());
    project.command("verify", &[]).run().exited(0);
    assert_eq!(made(&project).keys().collect::<Vec<_>>(), ["check-one"]);
    Helm::Four.of(project.up(&[])).run().exited(0);
    project.command("verify", &[]).run().exited(0);
    let both = ["check-one", "check-two"];
    assert_eq!(made(&project).keys().collect::<Vec<_>>(), both);
}

/// A revision of charts as programs stored it that did not know hooks: it does not say what is of a
/// chart.
#[test]
fn where_tests_were_not_stored_it_is_said() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let project = Project::new("hook-test-old").manifest("apps/a.yaml", manifest);
    project.up(&[]).run().exited(0);
    let none = project.command("verify", &[]).run().exited(0);
    assert!(none.stderr.contains("has tests"), "{}", none.stderr);
    let head = &project.stored("head")[0];
    let mut revision = project.last_revision();
    revision["source"]["tools"] = json!([{"name": "helm", "version": "v3"}]);
    let patch = json!({"data": {"head": packed(&revision)}}).to_string();
    let name = head["metadata"]["name"].as_str().unwrap();
    let secret = ["patch", "secret", name, "-n", "deployctl-system", "-p"];
    kubectl(&[&secret[..], &[&patch]].concat());
    let old = project.command("verify", &[]).run().exited(5);
    for said in [
        "revision 1 of hook-test-old.default was stored by an older deployctl",
        "`deployctl up` stores them",
    ] {
        assert!(old.stderr.contains(said), "{said}: {}", old.stderr);
    }
}

#[test]
fn a_hook_that_fails_before_a_deletion_stops_it() {
    let project = with_deletion_hooks("hook-stops").manifest(
        "chart/templates/b.yaml",
        &failing(&hook("prepare", "pre-delete", 0)),
    );
    Helm::Four.of(project.up(&[])).run().exited(0);
    let stopped = project.command("down", &["--yes"]).run().exited(3);
    let said = "a hook of a chart has failed before anything else was deleted; `deployctl down hook-stops --env default --no-hooks` continues without hooks";
    assert!(stopped.stderr.contains(said), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("Job/hook-stops/prepare"),
        "{}",
        stopped.stderr
    );
    assert!(project.get("deployment/my-shop").is_object());
    assert_eq!(made(&project).keys().collect::<Vec<_>>(), ["prepare"]);
    // It is run anew.
    let first = made(&project);
    project.command("down", &["--yes"]).run().exited(3);
    assert_ne!(made(&project), first);
    // What was there before is there again, and what has failed is gone.
    project.command("rollback", &["--yes"]).run().exited(0);
    assert!(made(&project).is_empty());
    assert!(project.get("deployment/my-shop").is_object());
    let events = project
        .command("down", &["--yes", "--no-hooks", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert_eq!(order(&events), ["deleted my-shop"]);
    assert!(get("default", "namespace/hook-stops").is_null());
}

#[test]
fn hooks_of_a_chart_that_was_never_brought_are_not_run_where_it_is_deleted() {
    let project = with_deletion_hooks("hook-unbrought").manifest(
        "chart/templates/d.yaml",
        &failing(&hook("broken", "pre-install", 0)),
    );
    let up = Helm::Four.of(project.up(&["--no-rollback"])).run();
    assert_eq!(up.status, 3, "{}", up.stderr);
    assert!(project.get("deployment/my-shop").is_null());
    let down = project.command("down", &["--yes", "-o", "jsonl"]);
    assert_eq!(order(&down.run().exited(0).events()), ["deleted broken"]);
    assert!(get("default", "namespace/hook-unbrought").is_null());
}

#[test]
fn whoever_may_not_delete_hooks_is_refused_before_anything_is_deleted() {
    let project = with_deletion_hooks("hook-refused");
    Helm::Four.of(project.up(&[])).run().exited(0);
    let kinds = [
        "deployments",
        "namespaces",
        "secrets",
        "configmaps",
        "serviceaccounts",
        "leases",
    ];
    let user = User::with_rules(&json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch", "create", "update", "patch"]},
        {"apiGroups": ["*"], "resources": kinds, "verbs": ["delete"]},
    ]));
    let refused = user
        .runs(project.command("down", &["--yes"]))
        .run()
        .exited(5);
    let said = "you may not delete jobs.batch in namespace `hook-refused`";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    assert!(project.get("deployment/my-shop").is_object() && made(&project).is_empty());
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn only_what_older_programs_would_not_heed_is_kept_from_them() {
    let project = shop("hook-format");
    let up = || Helm::Four.of(project.up(&[])).run().exited(0);
    up();
    assert_eq!(project.last_revision()["format"], 1);
    project.rewrite("chart/templates/b.yaml", &hook("check", "test", 0));
    project.rewrite("values-default.yaml", "replicas: 3\n");
    up();
    assert_eq!(project.last_revision()["format"], 2);
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn a_deletion_that_is_killed_goes_on_behind_its_hooks() {
    let project = with_deletion_hooks("hook-killed");
    Helm::Four.of(project.up(&[])).run().exited(0);
    let start = || Running::start(project.command("down", &["--yes"]));
    let kill = |mut run: Running, result: &str, name: &str| {
        run.until(|event| {
            event["event"] == "object-written"
                && event["result"] == result
                && event["object"]["name"] == name
        });
        run.signal(Signal::KILL);
        run.end();
    };
    kill(start(), "created", "prepare");
    assert!(project.get("deployment/my-shop").is_object());
    let status = project.command("status", &["--exit-code"]).run();
    assert_eq!(status.status, 6, "{}", status.stdout);
    // Nothing is deleted yet: what is run before is run anew.
    kill(start(), "deleted", "my-shop");
    // What goes on from that has nothing of it in its own program.
    kill(start(), "created", "goodbye");
    let events = project
        .command("down", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    let said = written(&events);
    assert!(
        !said
            .iter()
            .any(|it| it == "created Job/hook-killed/prepare"),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|it| it == "created Job/hook-killed/goodbye"),
        "{said:?}"
    );
    assert!(get("default", "namespace/hook-killed").is_null());
}

#[test]
fn hooks_of_a_rollback_are_run_by_who_goes_back_and_not_by_a_failure() {
    let project = shop("hook-rollback")
        .manifest(
            "chart/templates/b.yaml",
            &policied("before", "pre-rollback", "hook-succeeded"),
        )
        .manifest("chart/templates/c.yaml", &hook("after", "post-rollback", 0));
    let up = |arguments: &[&str]| Helm::Four.of(project.up(arguments));
    up(&[]).run().exited(0);
    up(&["--set", "tag=v2"]).run().exited(0);
    assert!(made(&project).is_empty());
    let back = |arguments: &[&str]| {
        let all = [&["--yes", "-o", "jsonl"], arguments].concat();
        project.command("rollback", &all).run().exited(0).events()
    };
    let said = order(&back(&[]));
    let expected = [
        "created before",
        "deleted before",
        "changed my-shop",
        "created after",
    ];
    let mut sorted = said.clone();
    if sorted[1..3] == ["changed my-shop", "deleted before"] {
        sorted.swap(1, 2);
    }
    assert_eq!(sorted, expected);
    // What is left of it is no change.
    let user = User::administrator();
    let audit = Audit::from_now(&user);
    user.runs(up(&[])).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());
    up(&["--set", "tag=v2"]).run().exited(0);
    assert_eq!(order(&back(&["--no-hooks"])), ["changed my-shop"]);

    let broken = failing(&hook("broken", "pre-upgrade", 0));
    project.rewrite("chart/templates/d.yaml", &broken);
    let failed = up(&["--set", "tag=v3", "-o", "jsonl"])
        .run()
        .exited(1)
        .events();
    let said = order(&failed);
    assert!(!said.iter().any(|it| it.contains("before")), "{said:?}");
    project.command("down", &["--yes"]).run().exited(0);
    assert!(get("default", "namespace/hook-rollback").is_null());
}
