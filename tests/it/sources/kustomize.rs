//! Kustomizations: built with what is there, deployed with the place of each object, and taken back.

use std::os::unix::fs::symlink;

use super::{Audit, Deployctl, Project, User, manifests};

/// A base with a Deployment that reads a generated ConfigMap, a component, and an overlay.
fn shop(name: &str) -> Project {
    let sources = "[{kustomize: \"../manifests/overlays/${release.environment}\"}]";
    Project::with_sources(name, sources)
        .manifest("base/kustomization.yaml", "resources: [apps, databases]\n")
        .manifest(
            "base/databases/kustomization.yaml",
            "resources: [postgres.yaml]\nconfigMapGenerator: [{name: postgres, literals: [max=100]}]\n",
        )
        .manifest(
            "base/databases/postgres.yaml",
            &format!("# The database.\n{}", manifests::workload("apps/v1", "StatefulSet", "postgres", "replicas: 1", "")),
        )
        .manifest("base/apps/kustomization.yaml", "resources: [web.yaml]\n")
        .manifest(
            "base/apps/web.yaml",
            &manifests::deployment("web").replace(
                "ports: [",
                "envFrom: [{configMapRef: {name: settings}}], ports: [",
            ),
        )
        .manifest(
            "components/labels/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {team: shop}}]\n",
        )
        .manifest(
            "overlays/default/kustomization.yaml",
            &format!(
                "namespace: {name}\nnamePrefix: shop-\nresources: [../../base]\ncomponents: [../../components/labels]\nconfigMapGenerator: [{{name: settings, literals: [\"color=${{color}}\"]}}]\n"
            ),
        )
        .plan("variables: {color: {default: red}}\n")
}

/// Names of the objects of `kind` in the project's namespace.
fn names(project: &Project, kind: &str) -> Vec<String> {
    let names = project.kubectl(&["get", kind, "-o", "name"]);
    let own = names.lines().filter(|name| name.contains("shop-"));
    own.map(str::to_owned).collect()
}

#[test]
fn objects_are_placed_and_named_by_the_file_that_they_come_from() {
    let project = shop("kustomize-placed");
    let placed = project.command("render", &["--phases"]).run().exited(0);
    insta::assert_snapshot!(placed.stdout, @r#"
    PHASE      OBJECT                                               WHY                                           FILE
    namespace  Namespace/kustomize-placed                           kind                                          plans/kustomize-placed.yaml:1
    databases  StatefulSet/kustomize-placed/shop-postgres           folder `databases`                            manifests/base/databases/postgres.yaml:2
    databases  ConfigMap/kustomize-placed/shop-postgres-ggdg4mk8k2  folder `databases`                            manifests/base/databases/kustomization.yaml:1
    apps       ConfigMap/kustomize-placed/shop-settings-gmmf7th2kb  follows Deployment/kustomize-placed/shop-web  manifests/overlays/default/kustomization.yaml:1
    apps       Deployment/kustomize-placed/shop-web                 folder `apps`                                 manifests/base/apps/web.yaml:1
    "#);
    let rendered = project.command("render", &[]).run().exited(0);
    assert!(
        !rendered.stdout.contains("config.kubernetes.io/origin"),
        "{}",
        rendered.stdout
    );
    assert!(
        rendered.stdout.contains("color: red"),
        "{}",
        rendered.stdout
    );
}

#[test]
fn a_kustomization_is_deployed_changed_pruned_and_taken_back() {
    let project = shop("kustomize-life");
    let user = User::administrator();
    user.runs(project.up(&[])).run().exited(0);
    let first = names(&project, "configmap");
    assert_eq!(first.len(), 2, "{first:?}");
    let audit = Audit::from_now(&user);
    user.runs(project.up(&[])).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());

    // Another hash: the new ConfigMap comes, the pods read it, the old one goes.
    let overlay = "namespace: kustomize-life\nnamePrefix: shop-\nresources: [../../base]\ncomponents: [../../components/labels]\nconfigMapGenerator: [{name: settings, literals: [color=blue, size=large]}]\n";
    project.rewrite("overlays/default/kustomization.yaml", overlay);
    project.deploy(&[]);
    let second = names(&project, "configmap");
    assert_eq!(second.len(), 2, "{second:?}");
    assert_ne!(first, second);
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(names(&project, "configmap"), first);

    let shown = Deployctl::in_sandbox()
        .current_dir(project.folder())
        .args(["history", "show", "1", &project.release()])
        .run()
        .exited(0);
    assert!(shown.stdout.contains("Built with"), "{}", shown.stdout);
    assert!(shown.stdout.contains("kustomize "), "{}", shown.stdout);
    let verbose = project.up(&["-v"]).run().exited(0);
    assert!(
        verbose.stderr.contains("Sources built with kustomize "),
        "{}",
        verbose.stderr
    );
    project.command("down", &["--yes"]).run().exited(0);
}

/// A folder for `PATH` with nothing but `programs` of the sandbox in it.
fn only(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = Deployctl::in_sandbox().path_variable();
    for program in programs {
        let found = std::env::split_paths(&path)
            .map(|it| it.join(program))
            .find(|it| it.is_file());
        symlink(
            found.expect("the sandbox has it"),
            folder.path().join(program),
        )
        .unwrap();
    }
    folder
}

#[test]
fn kubectl_builds_where_there_is_no_kustomize_and_without_both_the_way_is_said() {
    let project = shop("kustomize-programs");
    let with = |programs: &[&str]| {
        let folder = only(programs);
        let command = project.command("render", &[]);
        command.env("PATH", folder.path()).run()
    };
    let kustomize = with(&["kustomize"]).exited(0);
    let kubectl = with(&["kubectl"]).exited(0);
    assert_eq!(kustomize.stdout, kubectl.stdout);
    let refused = with(&[]).exited(2);
    assert!(
        refused.stderr.contains(
            "plans/kustomize-programs.yaml:3: neither `kustomize` nor `kubectl` is in `PATH`, and the plan has a kustomization; install one of them: https://"
        ),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_kustomize_says_is_shown_with_the_folder() {
    let project = shop("kustomize-errors");
    project.rewrite(
        "overlays/default/kustomization.yaml",
        "resources: [../../base, nowhere.yaml]\n",
    );
    let refused = project.command("validate", &[]).run().exited(2).stderr;
    assert!(
        refused.contains("`kustomize` cannot build `manifests/overlays/default`:"),
        "{refused}"
    );
    assert!(refused.contains("nowhere.yaml"), "{refused}");
    let temporary = std::env::temp_dir().display().to_string() + "/";
    let own = project.folder().display().to_string();
    assert!(
        !refused.replace(&own, "").contains(&temporary),
        "its own files are nobody's business: {refused}"
    );

    project.rewrite(
        "overlays/default/kustomization.yaml",
        "resources:\n- ../../base\n- https://example.test/all.yaml\n",
    );
    let refused = project.command("validate", &[]).run().exited(2).stderr;
    assert!(
        refused.contains("manifests/overlays/default/kustomization.yaml:3: `https://example.test/all.yaml` is not on this machine; put a copy beside it, or write `allowRemote: true`"),
        "{refused}"
    );

    let project = Project::with_sources("kustomize-none", "[{kustomize: ../manifests}]")
        .manifest("a.yaml", &manifests::config_map("a", "1"));
    let refused = project.command("validate", &[]).run().exited(2).stderr;
    assert!(
        refused.contains("`manifests` is a folder without a kustomization; write `- ../manifests` into `sources`, or correct the path"),
        "{refused}"
    );
}
