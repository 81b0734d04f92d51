//! Findings have names, by which they are left out; each check without a cluster is tripped by the
//! cases in `tests/checks/NAME.yaml`, and by none of those that it must let pass.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::{Folder, smallest};

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

fn folder(keys: &str) -> Folder {
    Folder::new()
        .file("plans/shop.yaml", &smallest(keys))
        .file("manifests/other/web.yaml", SERVICE)
}

const SAID: &str = "it selects no pod of the plan: app=web [selects-nothing]";

#[test]
fn a_warning_is_shown_with_its_name_and_left_out_by_it() {
    let (_, stderr) = folder("").run(&["validate"]).success();
    assert!(stderr.contains(SAID), "{stderr}");
    let skipped = folder("").run(&["validate", "--skip-check", "selects-nothing"]);
    let (_, stderr) = skipped.success();
    assert!(!stderr.contains("Warning"), "{stderr}");
    let other = folder("").run(&["validate", "--skip-check", "unpinned-chart"]);
    let (_, stderr) = other.success();
    assert!(stderr.contains(SAID), "{stderr}");
}

#[test]
fn a_plan_leaves_checks_out_for_good() {
    let (_, stderr) = folder("preflight: {skip: [selects-nothing]}\n")
        .run(&["validate"])
        .success();
    assert!(!stderr.contains("Warning"), "{stderr}");
    let refused = folder("preflight: {skip: [select-nothing, manifest]}\n").run(&["validate"]);
    insta::assert_snapshot!(refused.refusal(), @r"
    Error: plans/shop.yaml has 2 errors
    plans/shop.yaml:3:20: there is no check `select-nothing`; did you mean `selects-nothing`?
      3 | preflight: {skip: [select-nothing, manifest]}
        |                    ^^^^^^^^^^^^^^
    plans/shop.yaml:3:36: the check `manifest` cannot be left out: nothing could be deployed all the same
      3 | preflight: {skip: [select-nothing, manifest]}
        |                                    ^^^^^^^^
    ");
}

#[test]
fn a_name_that_cannot_be_left_out_is_a_usage_error() {
    for (name, said) in [
        ("select-nothing", "did you mean `selects-nothing`?"),
        (
            "unknown-kind",
            "the check `unknown-kind` cannot be left out",
        ),
        ("x", "those that can be left out are `"),
    ] {
        let refused = folder("")
            .run(&["validate", "--skip-check", name])
            .refusal();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn a_finding_is_an_object_of_its_own_in_json() {
    let (stdout, _) = folder("").run(&["validate", "-o", "json"]).success();
    let document: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(
        document["findings"],
        json!([{
            "check": "selects-nothing",
            "severity": "warning",
            "file": "manifests/other/web.yaml",
            "line": 1,
            "object": "Service/default/web",
            "message": "it selects no pod of the plan: app=web"
        }])
    );
}

/// A case of `tests/checks`: manifests, and what is found in them.
struct Case {
    check: String,
    /// What it shows.
    title: String,
    trips: bool,
    /// Keys of its plan.
    plan: String,
    /// The findings, each as `OBJECT: MESSAGE; REMEDY`; none where any will do.
    expected: Vec<String>,
    manifests: String,
}

impl Case {
    /// The case in `text`, behind its `### `.
    fn parse(check: &str, text: &str) -> Self {
        let (head, manifests) = text.split_once("\napiVersion:").expect("a manifest");
        let (title, head) = head.split_once('\n').unwrap_or((head, ""));
        let (sort, title) = title.split_once(": ").expect("`trips` or `passes`");
        assert!(["trips", "passes"].contains(&sort), "{check}: {title}");
        let marked = |mark: &str| -> Vec<String> {
            let lines = head.lines().filter_map(|line| line.strip_prefix(mark));
            lines.map(|line| format!("{line}\n")).collect()
        };
        let expected = marked("#> ")
            .iter()
            .map(|it| it.trim().to_owned())
            .collect();
        Self {
            check: check.to_owned(),
            title: title.to_owned(),
            trips: sort == "trips",
            plan: marked("#plan ").concat(),
            expected,
            manifests: format!("apiVersion:{manifests}"),
        }
    }

    /// What is wrong with how `validate` judges it.
    fn wrong(&self) -> Option<String> {
        let plan = format!(
            "apiVersion: deployctl.dev/v1\nsources: [../manifests]\n{}",
            self.plan
        );
        let ran = Folder::new()
            .file("plans/case.yaml", &plan)
            .file("manifests/case.yaml", &self.manifests)
            .run(&["validate", "-o", "json"]);
        let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let findings = document["findings"].as_array().expect("a list");
        let own = findings.iter().filter(|it| it["check"] == *self.check);
        let said = own.map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default();
            let said = format!(
                "{}: {}; {}",
                text("object"),
                text("message"),
                text("remedy")
            );
            said.trim_end_matches("; ").to_owned()
        });
        let found: Vec<String> = said.collect();
        // Other checks may find something too, but no more than a warning where all is well.
        let errors = findings.iter().any(|it| it["severity"] == "error");
        let is_right = match (self.trips, self.expected.is_empty()) {
            (false, _) => found.is_empty() && !errors,
            (true, true) => !found.is_empty(),
            (true, false) => found == self.expected,
        };
        (!is_right).then(|| {
            let Self { check, title, .. } = self;
            format!(
                "{check}: {title}:\n  {}\n{}",
                found.join("\n  "),
                ran.stdout
            )
        })
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks");
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut cases = Vec::new();
    for file in files {
        let path = file.expect("a file").path();
        let check = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("the file can be read");
        let parts = text.split("### ").skip(1);
        cases.extend(parts.map(|part| Case::parse(&check, part)));
    }
    cases
}

#[test]
fn each_check_finds_what_it_is_for_and_nothing_else() {
    let wrong: Vec<String> = cases().iter().filter_map(Case::wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks without a cluster that have tests of their own elsewhere: what cannot be read, and what
/// charts, variables and annotations say.
const ELSEWHERE: [&str; 23] = [
    "plan",
    "manifest",
    "variable",
    "duplicate-object",
    "order-circle",
    "unsupported-key",
    "unquoted-number",
    "unknown-variable",
    "idle-readiness-rule",
    "idle-ignored-field",
    "repeated-object",
    "repeated-entry",
    "needless-namespace",
    "server-set-field",
    "unheard-annotation",
    "misunderstood-annotation",
    "unheard-hook",
    "unplaced-hook",
    "unpinned-chart",
    "chart-looks-up",
    "unstable-name",
    "late-need",
    "contradicted-wave",
];

#[test]
fn each_check_without_a_cluster_has_cases() {
    let (page, _) = Folder::new().run(&["schema", "--checks"]).success();
    let rows = page.lines().filter(|line| line.contains("| offline |"));
    let names = rows.map(|row| row.split('`').nth(1).expect("a name").to_owned());
    let offline: BTreeSet<String> = names.collect();
    let of = |trips: bool| -> BTreeSet<String> {
        let cases = cases().into_iter().filter(|case| case.trips == trips);
        cases.map(|case| case.check).collect()
    };
    let elsewhere: BTreeSet<String> = ELSEWHERE.map(str::to_owned).into();
    let untried: Vec<&String> = offline.difference(&elsewhere).collect();
    assert_eq!(
        untried,
        of(true).iter().collect::<Vec<_>>(),
        "cases that trip"
    );
    assert_eq!(
        untried,
        of(false).iter().collect::<Vec<_>>(),
        "cases that pass"
    );
}
