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
