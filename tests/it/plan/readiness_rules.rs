//! `readiness` and `failureBudget` in the plan: what `validate` finds, and what `readiness --rules`
//! judges by.

use serde_json::{Value, json};

use super::{Folder, Ran};

const WIDGET: &str = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: main}\n";

/// A plan with one Widget and `more` from the third line on.
fn plan(more: &str) -> Folder {
    let text = format!("apiVersion: deployctl.dev/v1\nsources: [../manifests]\n{more}");
    Folder::new()
        .file("plans/shop.yaml", &text)
        .file("manifests/widget.yaml", WIDGET)
}

fn refused(more: &str) -> String {
    plan(more).run(&["validate"]).refusal()
}

/// The verdicts about `objects` by the rules of the plan in `folder`.
fn judged(folder: Folder, objects: &[Value], arguments: &[&str]) -> Vec<(String, String, String)> {
    let lines: String = objects
        .iter()
        .map(|object| object.to_string() + "\n")
        .collect();
    let ran = folder.file("objects.jsonl", &lines).run(
        &[
            &["readiness", "-f", "objects.jsonl", "-o", "json"],
            arguments,
        ]
        .concat(),
    );
    let (stdout, _) = ran.success();
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    let parsed = stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    parsed
        .map(|line| {
            (
                text(&line, "verdict"),
                text(&line, "reason"),
                text(&line, "message"),
            )
        })
        .collect()
}

fn widget(name: &str, status: &Value) -> Value {
    json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": name, "namespace": "shop"}, "status": status})
}

#[test]
fn mistakes_in_expressions_are_told_all_at_once_with_their_place() {
    let said = refused(
        "readiness:
  - kind: Widget
    ready: status.phase = 'Running'
    failed: statsu.phase == 'Broken' && status.phase.startWith('é')
  - kind: Widget
    ready: >-
      has(status.conditions) &&
      status.conditions.exists(c, c.type == 'Ready' && c.status == True)
  - kind: Widget
    ready: 'size(status.parts)'
timeout: 5
",
    );
    insta::assert_snapshot!(said, @r"
    Error: plans/shop.yaml has 6 errors
    plans/shop.yaml:5:25: `readiness[0].ready`: there is no `=`; compare with `==`
      5 |     ready: status.phase = 'Running'
        |                         ^
    plans/shop.yaml:6:13: `readiness[0].failed`: there is no `statsu`; did you mean `status`?
      6 |     failed: statsu.phase == 'Broken' && status.phase.startWith('é')
        |             ^^^^^^
    plans/shop.yaml:6:54: `readiness[0].failed`: there is no function `startWith`; did you mean `startsWith`?
      6 |     failed: statsu.phase == 'Broken' && status.phase.startWith('é')
        |                                                      ^^^^^^^^^
    plans/shop.yaml:10:68: `readiness[1].ready`: there is no `True`; write `true`, or quote it as text
      10 |       status.conditions.exists(c, c.type == 'Ready' && c.status == True)
         |                                                                    ^^^^
    plans/shop.yaml:12:13: `readiness[2].ready`: this is a number, but must be true or false; compare it with something
      12 |     ready: 'size(status.parts)'
         |             ^^^^^
    plans/shop.yaml:13:10: `timeout`: `5` is not a duration; write for example `90s`, `15m` or `1h 30m`
      13 | timeout: 5
         |          ^
    ");
}

#[test]
fn mistakes_in_rules_and_budgets_are_told_with_their_place() {
    let said = refused(
        "readiness:
  - {kind: example.org/v1, ready: 'true'}
  - {kind: Widget, name: '[', ready: 'true'}
  - {kind: Widget, timeout: 2m}
failureBudget: {}
phases:
  apps: {failureBudget: {}}
",
    );
    insta::assert_snapshot!(said, @r"
    Error: plans/shop.yaml has 5 errors
    plans/shop.yaml:4:6: `example.org/v1` is not a kind; write for example `Certificate` or `Certificate.cert-manager.io`
      4 |   - {kind: example.org/v1, ready: 'true'}
        |      ^^^^
    plans/shop.yaml:5:20: `[` is not a glob: unclosed character class; missing ']'
      5 |   - {kind: Widget, name: '[', ready: 'true'}
        |                    ^^^^
    plans/shop.yaml:6:5: `readiness[2]` says neither when an object is `ready` nor when it has `failed`; give one of them
      6 |   - {kind: Widget, timeout: 2m}
        |     ^
    plans/shop.yaml:7:1: `failureBudget` says nothing; give `restarts`, `grace` or both
      7 | failureBudget: {}
        | ^^^^^^^^^^^^^
    plans/shop.yaml:9:10: `phases.apps.failureBudget` says nothing; give `restarts`, `grace` or both
      9 |   apps: {failureBudget: {}}
        |          ^^^^^^^^^^^^^
    ");
    let said = refused(
        "readiness:
  - {kind: Widget, ready: 'true', timeout: soon}
  - {ready: 'true', faild: 'false'}
failureBudget: {restarts: -1, grace: 20}
",
    );
    insta::assert_snapshot!(said, @r"
    Error: plans/shop.yaml has 5 errors
    plans/shop.yaml:4:44: `readiness[0].timeout`: `soon` is not a duration; write for example `90s`, `15m` or `1h 30m`
      4 |   - {kind: Widget, ready: 'true', timeout: soon}
        |                                            ^^^^
    plans/shop.yaml:5:5: `readiness[1]`: the key `kind` is missing
      5 |   - {ready: 'true', faild: 'false'}
        |     ^
    plans/shop.yaml:5:21: unknown key `faild` in `readiness[1]`; did you mean `failed`?
      5 |   - {ready: 'true', faild: 'false'}
        |                     ^^^^^
    plans/shop.yaml:6:27: `failureBudget.restarts`: expected a whole number that is not negative and not too large, found a number
      6 | failureBudget: {restarts: -1, grace: 20}
        |                           ^^
    plans/shop.yaml:6:38: `failureBudget.grace`: `20` is not a duration; write for example `90s`, `15m` or `1h 30m`
      6 | failureBudget: {restarts: -1, grace: 20}
        |                                      ^^
    ");
}

#[test]
fn a_rule_that_fits_nothing_is_warned_about() {
    let folder = plan(
        "readiness:\n  - {kind: Wigdet, ready: 'true'}\n  - {kind: Widget.example.org, name: 'm*', ready: 'true'}\n  - {kind: Widget, name: other, ready: 'true'}\n",
    );
    let (_, stderr) = folder.run(&["validate"]).success();
    insta::assert_snapshot!(stderr, @r"
    Warning: plans/shop.yaml:4: this rule for `Wigdet` fits no object of the plan; did you mean `Widget`? [idle-readiness-rule]
    Warning: plans/shop.yaml:6: this rule for `Widget other` fits no object of the plan [idle-readiness-rule]
    plans/shop.yaml is valid (environment: default)
    ");
}

#[test]
fn up_refuses_a_wrong_expression_before_it_looks_for_a_cluster() {
    let ran: Ran = plan("readiness: [{kind: Widget, ready: status.phase ==}]\n").run(&["up"]);
    let said = ran.refusal();
    assert!(
        said.contains("plans/shop.yaml:3:50: `readiness[0].ready`: ends too early"),
        "{said}"
    );
}

#[test]
fn objects_are_judged_by_the_rules_of_a_plan() {
    let rules = "readiness:
  - {kind: Widget, name: odd-*, ready: status.phase == 'Odd'}
  - kind: Widget.example.org
    ready: status.phase == 'Running'
    failed: status.phase == 'Broken'
";
    let at = |phase: &str| json!({"phase": phase});
    let objects = [
        widget("a", &at("Running")),
        widget("b", &at("Broken")),
        widget("c", &json!({})),
        widget("odd-1", &at("Odd")),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}),
    ];
    let found = judged(plan(rules), &objects, &["--rules", "shop"]);
    let verdicts: Vec<&str> = found.iter().map(|(verdict, ..)| verdict.as_str()).collect();
    assert_eq!(
        verdicts,
        ["ready", "failed", "in-progress", "ready", "ready"]
    );
    let (_, reason, message) = &found[1];
    assert_eq!(reason, "UserRule");
    assert!(
        message.starts_with("`status.phase == 'Broken'` is true (plans/shop.yaml:7)"),
        "{message}"
    );
    let (_, _, message) = &found[2];
    assert!(
        message.starts_with(
            "`status.phase == 'Running'` is not true yet: there is no `phase` (plans/shop.yaml:6)"
        ),
        "{message}"
    );
    assert_eq!(
        judged(plan(rules), &objects[3..4], &[])[0].0,
        "in-progress",
        "nobody else knows this phase"
    );
}

#[test]
fn rules_may_differ_by_environment_and_need_no_other_variables() {
    let rules = "variables: {phase: {default: Running}, image_tag: {}}
environments:
  dev: {default: true, variables: {phase: Sleeping}}
  prod: {}
readiness: [{kind: Widget, ready: \"status.phase == '${phase}'\"}]
";
    let object = [widget("a", &json!({"phase": "Sleeping"}))];
    let verdict =
        |rules: &str, arguments: &[&str]| judged(plan(rules), &object, arguments)[0].0.clone();
    let with_value = rules.replace("image_tag: {}", "image_tag: {default: v1}");
    assert_eq!(
        verdict(&with_value, &["--rules", "plans/shop.yaml"]),
        "ready"
    );
    assert_eq!(
        verdict(&with_value, &["--rules", "shop", "--env", "prod"]),
        "in-progress"
    );
    assert_eq!(
        verdict(
            &with_value,
            &[
                "--rules",
                "shop",
                "--env",
                "prod",
                "--set",
                "phase=Sleeping"
            ]
        ),
        "ready"
    );
    let fixed = rules.replace("${phase}", "Sleeping");
    assert_eq!(
        verdict(&fixed, &["--rules", "shop"]),
        "ready",
        "`image_tag` has no value, and no rule refers to it"
    );
}

#[test]
fn the_failure_budget_of_a_plan_counts() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"phase": "Running",
        "containerStatuses": [{"name": "a", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    let verdict = |more: &str| {
        judged(plan(more), std::slice::from_ref(&pod), &["--rules", "shop"])[0]
            .0
            .clone()
    };
    assert_eq!(verdict("failureBudget: {grace: 1m}\n"), "failed");
    assert_eq!(verdict("failureBudget: {restarts: 6}\n"), "in-progress");
}

#[test]
fn a_plan_with_wrong_rules_is_refused() {
    let folder = plan("readiness: [{kind: Widget, ready: nope}]\n")
        .file("objects.jsonl", &widget("a", &json!({})).to_string());
    let said = folder
        .run(&["readiness", "-f", "objects.jsonl", "--rules", "shop"])
        .refusal();
    assert!(
        said.contains("plans/shop.yaml:3:35: `readiness[0].ready`: there is no `nope`"),
        "{said}"
    );
}
