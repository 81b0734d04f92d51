//! `--only` and `--selector`: some objects of a plan.

use serde_json::Value;

use super::{
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, written},
    running::Running,
};

/// A ConfigMap with a label.
fn labelled(name: &str, value: &str, app: &str) -> String {
    let labels = format!("metadata: {{labels: {{app: {app}}}, ");
    config_map(name, value).replacen("metadata: {", &labels, 1)
}

fn value(project: &Project, name: &str) -> Value {
    project.get(&format!("configmap/{name}"))["data"]["value"].clone()
}

/// Three ConfigMaps in two phases, one of `web` and two of `api`.
fn three(name: &str) -> Project {
    let project = Project::new(name);
    all(&project, "1");
    project.deploy(&[]);
    project
}

fn all(project: &Project, value: &str) {
    project.rewrite("databases/stored.yaml", &labelled("stored", value, "api"));
    project.rewrite(
        "apps/both.yaml",
        &documents(&[labelled("web", value, "web"), labelled("api", value, "api")]),
    );
}

#[test]
fn only_the_named_objects_are_touched_and_the_shown_plan_says_what_is_left_out() {
    let project = three("only-named");
    project.rewrite("apps/more.yaml", &config_map("leaves", "1"));
    project.deploy(&[]);
    all(&project, "2");
    std::fs::remove_file(project.folder().join("manifests/apps/more.yaml")).unwrap();

    let outcome = project
        .up(&["--only", "configmap/only-named/web"])
        .run()
        .exited(0);
    let left_out = "Left out    3 objects: namespace 1, databases 1, apps 1";
    assert!(outcome.stderr.contains(left_out), "{}", outcome.stderr);
    let values = |names: [&str; 4]| names.map(|name| value(&project, name));
    let names = ["web", "api", "stored", "leaves"];
    assert_eq!(
        values(names),
        ["2", "1", "1", "1"],
        "nothing else is touched, and nothing pruned"
    );
    let revision = project.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["partial"],
            &revision["outcome"]
        ),
        (&3.into(), &true.into(), &"succeeded".into())
    );

    let rest = [
        "changed ConfigMap/only-named/api",
        "changed ConfigMap/only-named/stored",
        "deleted ConfigMap/only-named/leaves",
    ];
    assert_eq!(written(&project.deploy(&[])), rest);
    // The part of it that was not run was wanted as it was deployed.
    let back = ["--to", "3", "--yes"];
    project.command("rollback", &back).run().exited(0);
    assert_eq!(values(names), ["2", "1", "1", "1"]);
}

#[test]
fn who_reads_what_changes_and_is_left_out_is_named() {
    let reader = deployment("web").replacen(
        "image:",
        "envFrom: [{configMapRef: {name: settings}}], image:",
        1,
    );
    let project = Project::new("only-read")
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/web.yaml", &reader);
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    let outcome = project
        .up(&["--only", "ConfigMap/settings"])
        .run()
        .exited(0);
    let said = "Deployment/only-read/web is no part of this run and does not restart";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);

    // What its pods have read is made good as soon as it is a part of a run, and once.
    let restarted = ["changed Deployment/only-read/web"];
    assert_eq!(written(&project.deploy(&[])), restarted);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    for value in ["3", "4"] {
        project.rewrite("apps/settings.yaml", &config_map("settings", value));
        project.deploy(&["--only", "ConfigMap/settings"]);
        let log = project.deploy(&["--only", "Deployment/web"]);
        assert_eq!(written(&log), restarted);
    }
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    // Nobody has read labels.
    let labelled =
        config_map("settings", "4").replace("{name: settings}", "{name: settings, labels: {a: b}}");
    project.rewrite("apps/settings.yaml", &labelled);
    let outcome = project
        .up(&["--only", "ConfigMap/settings"])
        .run()
        .exited(0);
    assert!(!outcome.stderr.contains(said), "{}", outcome.stderr);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn labels_select_and_phases_narrow() {
    let project = three("only-labelled");
    all(&project, "2");
    let log = project.deploy(&["-l", "app in (api, db),!legacy", "--phase", "apps"]);
    assert_eq!(written(&log), ["changed ConfigMap/only-labelled/api"]);
    let log = project.deploy(&["--selector", "app=api"]);
    assert_eq!(written(&log), ["changed ConfigMap/only-labelled/stored"]);

    // What is no longer wanted goes with what has its labels.
    project.rewrite("apps/both.yaml", &labelled("web", "2", "web"));
    let log = project.deploy(&["-l", "app=web"]);
    assert_eq!(written(&log), ["changed ConfigMap/only-labelled/web"]);
    let log = project.deploy(&["-l", "app=api"]);
    assert_eq!(written(&log), ["deleted ConfigMap/only-labelled/api"]);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// Runs `up`, which is refused and says all of `said`.
#[track_caller]
fn refused(project: &Project, arguments: &[&str], said: [&str; 2]) {
    let outcome = project.up(arguments).run().exited(2);
    for text in said {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn a_part_in_which_nothing_is_names_what_is_nearby() {
    let project = Project::new("only-nothing");
    all(&project, "1");
    let only = |name: &str, said: [&str; 2]| refused(&project, &["--only", name], said);
    only(
        "ConfigMap/wev",
        [
            "`--only ConfigMap/wev` names no object of the plan",
            "did you mean `--only ConfigMap/web`?",
        ],
    );
    let there = "there is `--only ConfigMap/only-nothing/web`";
    only(
        "cmap/web",
        ["`--only cmap/web` names no object of the plan", there],
    );
    let nothing = "no object of the plan is chosen by `--selector`";
    let labelled = |selector: &str, said: [&str; 2]| refused(&project, &["-l", selector], said);
    labelled("app=shop", [nothing, "the label `app` is `api`, `web`"]);
    let keys = "nothing has the label `tier`; there are `app`";
    labelled("tier", [nothing, keys]);
    let unclear = "`app in web` is no label selector";
    labelled("app in web", [unclear, "`KEY in (A,B)`"]);
    refused(
        &project,
        &["--only", "ConfigMap/web", "--phase", "databases"],
        [
            "no object of the plan is chosen by `--phase` and `--only`",
            "ConfigMap/only-nothing/web is in phase `apps`",
        ],
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_first_run_of_some_objects_needs_their_namespace_and_takes_declared_secrets() {
    let project = Project::new("only-first")
        .plan("secrets: [{name: database, data: {password: {generate: {length: 20}}}}]\n")
        .manifest("apps/web.yaml", &config_map("web", "1"));
    let absent = "namespace `only-first` does not exist";
    let remedy = "`--only Namespace/only-first`";
    refused(&project, &["--only", "ConfigMap/web"], [absent, remedy]);
    project.assert_nothing_was_written();

    let both = [
        "--only",
        "Namespace/only-first",
        "--only",
        "Secret/database",
    ];
    assert_eq!(
        written(&project.deploy(&both)),
        [
            "created Namespace/only-first",
            "created Secret/only-first/database"
        ]
    );
}

#[test]
fn a_part_does_not_settle_what_a_killed_run_has_begun_beyond_it() {
    let project = three("only-killed");
    project.rewrite_plan("phases: {apps: {timeout: 10m}}\n");
    project.rewrite("apps/server.yaml", &deployment("server"));
    project.deploy(&[]);
    project.rewrite(
        "apps/server.yaml",
        &faulty_deployment("server", "never-ready"),
    );
    let mut run = Running::start(project.up(&["--only", "Deployment/server"]));
    run.until(|event| event["event"] == "object-written");
    run.kill();
    run.end();

    let outcome = project.up(&["--only", "ConfigMap/web"]).run().exited(5);
    for text in [
        "is neither completed nor rolled back, and may have changed Deployment/only-killed/server, which is not part of this run",
        "`deployctl up only-killed --env default` without `--only` continues from there",
    ] {
        assert!(outcome.stderr.contains(text), "{}", outcome.stderr);
    }
    project.rewrite("apps/server.yaml", &deployment("server"));
    let log = project.deploy(&["--only", "deployment.apps/server"]);
    assert_eq!(written(&log), ["changed Deployment/only-killed/server"]);
}

#[test]
fn what_comes_after_something_absent_is_refused_and_idle_objects_of_others_are_not_asked_about() {
    let annotation = "metadata: {annotations: {config.kubernetes.io/depends-on: /namespaces/only-after/ConfigMap/first}, ";
    let after = config_map("second", "1").replacen("metadata: {", annotation, 1);
    let idle = "apiVersion: v1\nkind: Service\nmetadata: {name: idle}\nspec: {selector: {app: none}, ports: [{port: 80}]}\n";
    let project = Project::new("only-after")
        .manifest("databases/first.yaml", &config_map("first", "1"))
        .manifest(
            "apps/all.yaml",
            &documents(&[after, config_map("third", "1"), idle.to_owned()]),
        );
    let both = ["--only", "ns/only-after", "--only", "configmaps/third"];
    let run = project.up(&both).run().exited(0);
    assert!(!run.stderr.contains("selects no pods"), "{}", run.stderr);
    refused(
        &project,
        &["--only", "ConfigMap/second"],
        [
            "its annotations put it after ConfigMap/only-after/first, which is not there",
            "`--only ConfigMap/only-after/first`",
        ],
    );
    let both = ["--only", "cm/first", "--only", "cm/second"];
    let log = project.deploy(&both);
    assert_eq!(written(&log).len(), 2, "{log:#?}");
}
