//! Values of Secrets are in no form of a diff, and their changes are.

use std::fs;

use super::{
    actions, assert_hides, audit::Audit, diff, entry, fields, manifests::config_map,
    project::Project, user::User,
};

const OLD: &str = "old-Password-11";
const NEW: &str = "new-Password-22";

/// A Secret in a manifest, and a `ConfigMap` that holds its value among other text.
fn manifests(value: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: database}}
stringData: {{password: {value}, same: always-The-Same-33}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data:
  url: postgres://shop:{value}@database/shop
  config: |
    user: shop
    password: {value}
    port: 5432
"
    )
}

#[test]
fn a_changed_secret_is_seen_and_its_values_are_not() {
    let project = Project::new("diff-secret").manifest("apps/all.yaml", &manifests(OLD));
    project.deploy(&[]);
    project.rewrite("apps/all.yaml", &manifests(NEW));
    let document = diff(&project, &[]);
    assert_eq!(
        fields(&entry(&document, "Secret/diff-secret/database")["fields"]),
        [r#"data.password: "(secret)" → "(changed)""#]
    );
    let settings = entry(&document, "ConfigMap/diff-secret/settings");
    assert_eq!(
        fields(&settings["fields"])[1],
        r#"data.url: "postgres://shop:(secret)@database/shop" → "postgres://shop:(changed)@database/shop""#
    );
    let saved = project.folder().join("approval.json");
    let encoded = ["b2xkLVBhc3N3b3JkLTEx", "bmV3LVBhc3N3b3JkLTIy"];
    let values = [OLD, NEW, "always-The-Same-33", encoded[0], encoded[1]];
    for form in [
        &["--save", "approval.json"][..],
        &["--brief"],
        &["-o", "json"],
        &["-o", "patch"],
    ] {
        let shown = project.command("diff", form).run().exited(0);
        assert_hides(&shown, &values);
        assert!(shown.stdout.contains("(changed)"), "{}", shown.stdout);
    }
    let saved = fs::read_to_string(saved).unwrap();
    for value in values {
        assert!(!saved.contains(value), "{saved}");
    }
    // The question shows no more than the diff.
    let terminal = super::pty::Pty::run(project.command("up", &[]), 120);
    let mut terminal = terminal;
    terminal.expect("Deploy diff-secret.default");
    terminal.type_line("n");
    let ended = terminal.end();
    assert!(
        ended.transcript.contains("data.password: "),
        "{}",
        ended.transcript
    );
    for value in values {
        assert!(!ended.transcript.contains(value), "{}", ended.transcript);
    }
}

/// Nobody is asked for what is not known yet, at a terminal or not, and what a run would refuse for is
/// named.
#[test]
fn values_that_are_not_known_yet_are_shown_as_such() {
    let settings = config_map("settings", "one");
    let project = Project::new("diff-asked")
        .manifest("apps/settings.yaml", &settings)
        .plan(
            "secrets:
  - name: api
    data:
      stripe: {prompt: Stripe secret key, pattern: \"^sk_\"}
      note: {prompt: A note, optional: true}
      absent: {env: DIFF_TEST_ABSENT}
      made: {generate: {length: 20}}
      url: {template: \"https://${api/stripe}@example.org\", pattern: \"^https://sk_\"}
",
        );
    let user = User::administrator();
    let audit = Audit::from_now(&user);
    let shown = user.runs(project.command("diff", &[])).run().exited(0);
    for text in [
        "    +   absent: (missing)\n",
        "    +   made: (generated)\n",
        "    +   stripe: (asked for by up)\n",
        "    +   url: (composed)\n",
    ] {
        assert!(shown.stdout.contains(text), "{text}:\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("note:"), "{}", shown.stdout);
    let terminal = super::pty::Pty::run(user.runs(project.command("diff", &["--brief"])), 120);
    let ended = terminal.end();
    assert_eq!(ended.status, 0, "{}", ended.transcript);
    assert!(
        ended.transcript.contains("note asked for by up"),
        "{}",
        ended.transcript
    );
    assert_eq!(audit.writes(), Vec::<String>::new());

    let given = ["--secret", "api/stripe=@key", "--secret", "api/absent=@key"];
    project.write("key", "sk_live_not_a_key");
    project.deploy(&given);
    assert_eq!(actions(&diff(&project, &[])), Vec::<String>::new());
    let rotated = diff(&project, &["--rotate", "api/made"]);
    assert_eq!(
        fields(&entry(&rotated, "Secret/diff-asked/api")["fields"]),
        [r#"data.made: "(secret)" → "(changed)""#]
    );
}

/// A variable that ends up in a Secret is shown in no form, nor in the question.
#[test]
fn a_variable_that_is_a_secret_value_is_not_shown() {
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\nstringData: {password: \"${password}\"}\n";
    let project = Project::new("diff-variable")
        .plan("variables: {password: {default: none}}\n")
        .manifest("apps/secret.yaml", manifest);
    // Also what is a word and no more.
    let (old, new) = ("swordfish", "new-Password-22");
    project.deploy(&["--set", &format!("password={old}")]);
    let set = format!("password={new}");
    for form in [&[][..], &["--brief"], &["-o", "json"], &["-o", "patch"]] {
        let run = project.command("diff", form).args(["--set", &set]);
        let shown = run.run().exited(0);
        assert_hides(&shown, &[old, new]);
        assert!(shown.stdout.contains("password"), "{}", shown.stdout);
    }
    let up = project.command("up", &["--set", &set]);
    let mut terminal = super::pty::Pty::run(up, 120);
    terminal.expect("Deploy diff-variable.default");
    terminal.type_line("n");
    let ended = terminal.end();
    assert!(
        ended.transcript.contains("password = (secret)"),
        "{}",
        ended.transcript
    );
    for value in [old, new] {
        assert!(!ended.transcript.contains(value), "{}", ended.transcript);
    }
}

/// What the plan declares is a secret also in a run that leaves the Secrets out, and in `drift`.
#[test]
fn a_declared_value_is_not_shown_where_the_secrets_are_left_out() {
    let url = |host: &str| config_map("settings", &format!("shop:swordfish@{host}"));
    let project = Project::new("diff-left-out")
        .plan("secrets: [{name: database, data: {password: {env: DIFF_TEST_LEFT_OUT}}}]\n")
        .manifest("apps/settings.yaml", &url("one"));
    project.write("key", "swordfish");
    project.deploy(&["--secret", "database/password=@key"]);
    project.rewrite("apps/settings.yaml", &url("two"));
    for part in [
        &["--phase", "apps"][..],
        &["--only", "ConfigMap/settings"],
        &[],
    ] {
        let shown = project.command("diff", part).run().exited(0);
        assert_hides(&shown, &["swordfish"]);
        assert!(
            shown.stdout.contains("shop:(secret)@two"),
            "{}",
            shown.stdout
        );
    }
    let patch = r#"{"data":{"value":"shop:swordfish@theirs"}}"#;
    project.kubectl(&["patch", "configmap/settings", "--type=merge", "-p", patch]);
    let shown = project.command("drift", &[]).run().exited(0);
    assert_hides(&shown, &["swordfish"]);
    assert!(
        shown.stdout.contains("shop:(secret)@theirs"),
        "{}",
        shown.stdout
    );
}
