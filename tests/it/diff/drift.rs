//! What others have changed since the last revision.

use serde_json::{Value, json};

use super::{
    assert_hides,
    audit::Audit,
    diff, entry, fields,
    manifests::{config_map, deployment},
    project::{Project, name},
    user::User,
};

/// What `drift` says as JSON.
#[track_caller]
fn drift(project: &Project) -> Value {
    let run = project.command("drift", &["-o", "json"]);
    run.run().exited(0).json()
}

fn changed(project: &Project) {
    project.kubectl(&[
        "patch",
        "deployment/web",
        "--field-manager=night-shift",
        "--type=merge",
        "-p",
        r#"{"spec":{"replicas":4}}"#,
    ]);
    project.kubectl(&["delete", "configmap/gone"]);
    // What the release does not manage is nobody's drift.
    project.kubectl(&["annotate", "configmap/settings", "example.org/note=mine"]);
}

#[test]
fn what_others_changed_and_deleted_is_named_with_who_and_when() {
    let project = Project::new("drift-named")
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/gone.yaml", &config_map("gone", "one"))
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    project.deploy(&[]);
    let clean = project.command("drift", &["--exit-code"]).run().exited(0);
    assert!(
        clean.stdout.starts_with(
            "✓ drift-named.default: nothing was changed outside deployctl since revision 1"
        ),
        "{}",
        clean.stdout
    );
    changed(&project);

    let user = User::administrator();
    let audit = Audit::from_now(&user);
    let all = ["-o", "json", "--exit-code"];
    let document = user
        .runs(project.command("drift", &all))
        .run()
        .exited(6)
        .json();
    let objects = document["objects"].as_array().unwrap();
    let said: Vec<String> = objects
        .iter()
        .map(|it| format!("{} {}", it["change"].as_str().unwrap(), name(&it["object"])))
        .collect();
    assert_eq!(
        said,
        [
            "deleted ConfigMap/drift-named/gone",
            "changed Deployment/drift-named/web"
        ]
    );
    assert_eq!(fields(&objects[1]["fields"]), ["spec.replicas: 1 → 4"]);
    assert_eq!(objects[1]["fields"][0]["by"], "night-shift");
    assert!(objects[1]["fields"][0]["at"].is_string(), "{document:#}");
    let shown = user.runs(project.command("drift", &[])).run().exited(0);
    for text in [
        "! drift-named.default: 2 objects were changed outside deployctl since revision 1",
        "  - ConfigMap/drift-named/gone  deleted\n",
        "    ~ spec.replicas: 1 → 4\n      by night-shift, ",
    ] {
        assert!(shown.stdout.contains(text), "{text}:\n{}", shown.stdout);
    }
    assert_eq!(audit.writes(), Vec::<String>::new());

    project.deploy(&["--force-conflicts"]);
    assert_eq!(drift(&project)["objects"], json!([]));
}

/// The release's own change of the same object stands apart.
#[test]
fn a_diff_tells_what_others_changed_from_what_the_release_changes() {
    let project = Project::new("drift-apart")
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/gone.yaml", &config_map("gone", "one"))
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    project.deploy(&[]);
    changed(&project);
    project.rewrite(
        "apps/web.yaml",
        &deployment("web").replace("web:v1", "web:v2"),
    );
    let document = diff(&project, &["--force-conflicts"]);
    let web = entry(&document, "Deployment/drift-apart/web");
    assert_eq!(
        fields(&web["fields"]),
        [r#"spec.template.spec.containers[name="main"].image: "web:v1" → "web:v2""#]
    );
    assert_eq!(fields(&web["outside"]), ["spec.replicas: 4 → 1"]);
    assert_eq!(web["outside"][0]["by"], "night-shift");
    let gone = entry(&document, "ConfigMap/drift-apart/gone");
    assert_eq!(gone["deletedOutside"], true);
    let shown = project
        .command("diff", &["--force-conflicts"])
        .run()
        .exited(0);
    assert!(
        shown.stdout.contains(
            "    ~ spec.replicas: 4 → 1\n      changed outside deployctl by night-shift, "
        ),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_secret_that_others_changed_is_named_without_its_values() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {password: first-Password-1}\n";
    let project = Project::new("drift-secret").manifest("apps/secret.yaml", secret);
    project.deploy(&[]);
    let patch = r#"{"stringData":{"password":"theirs-Password-2"}}"#;
    project.kubectl(&["patch", "secret/database", "--type=merge", "-p", patch]);
    assert_eq!(
        fields(&drift(&project)["objects"][0]["fields"]),
        [r#"data.password: "(secret)" → "(changed)""#]
    );
    for form in [&[][..], &["-o", "json"]] {
        let shown = project.command("drift", form).run().exited(0);
        assert_hides(
            &shown,
            &[
                "first-Password-1",
                "theirs-Password-2",
                "dGhlaXJzLVBhc3N3b3JkLTI=",
            ],
        );
    }
}

/// The API server writes `0.5` as `500m`: nobody has changed that.
#[test]
fn another_form_of_the_same_value_is_no_drift() {
    let web = deployment("web").replace(
        "image: \"web:v1\"",
        "image: \"web:v1\", resources: {requests: {cpu: \"0.5\", memory: 1024Mi}}",
    );
    let project = Project::new("drift-form").manifest("apps/web.yaml", &web);
    project.deploy(&[]);
    project.kubectl(&["scale", "deployment/web", "--replicas=2"]);
    let drift = drift(&project);
    assert_eq!(
        fields(&drift["objects"][0]["fields"]),
        ["spec.replicas: 1 → 2"]
    );
}
