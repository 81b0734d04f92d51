//! `deployctl readiness`: input formats, output, exit codes. How kinds are judged is tested beside
//! the rules.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn deployctl(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_deployctl"))
        .env_clear()
        .arg("readiness")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input.as_bytes())
        .expect("the program reads its input");
    child.wait_with_output().expect("the program ends")
}

fn lines(input: &str) -> Vec<Value> {
    let output = deployctl(&["-f", "-", "-o", "json"], input);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn names(input: &str) -> Vec<String> {
    lines(input)
        .iter()
        .map(|line| line["name"].as_str().unwrap().to_owned())
        .collect()
}

fn refusal(input: &str) -> String {
    let output = deployctl(&["-f", "-"], input);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_line_has_exactly_the_seven_fields() {
    let lines = lines(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop, generation: 2}\nstatus: {observedGeneration: 1}\n",
    );
    let expected = serde_json::json!({"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "api", "verdict": "in-progress",
        "reason": "NotObserved", "message": "its controller has seen generation 1 of 2"});
    assert_eq!(lines, [expected]);
}

#[test]
fn every_format_is_read_in_its_order() {
    let expected = ["a", "b"];
    let yaml = "# comment\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n---\n# nothing\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n";
    assert_eq!(names(yaml), expected);
    let [a, b] = ["a", "b"].map(|name| {
        format!(r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{name}"}}}}"#)
    });
    assert_eq!(names(&format!("{a}\n{b}\n")), expected);
    assert_eq!(names(&format!("[{a}, {b}]")), expected);
    assert_eq!(
        names(&format!(
            r#"{{"apiVersion": "v1", "kind": "List", "items": [{a}, {b}]}}"#
        )),
        expected
    );
    assert_eq!(
        names(
            "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n"
        ),
        expected
    );
    assert_eq!(
        names(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n"
        ),
        expected
    );
}

#[test]
fn partial_objects_are_judged() {
    let lines = lines(
        "{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"status\": null}\n{\"apiVersion\": \"v1\", \"kind\": \"Service\"}\n",
    );
    assert_eq!(lines[0]["verdict"], "in-progress");
    assert_eq!(
        (
            &lines[1]["verdict"],
            &lines[1]["name"],
            &lines[1]["namespace"]
        ),
        (&"ready".into(), &"".into(), &Value::Null)
    );
}

#[test]
fn objects_that_belong_together_explain_each_other() {
    let input = r"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, generation: 1, uid: s}
status: {observedGeneration: 1, replicas: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, ownerReferences: [{kind: StatefulSet, name: db, uid: s}]}
status:
  phase: Running
  containerStatuses: [{name: db, restartCount: 5, state: {waiting: {reason: CrashLoopBackOff}}}]
";
    let lines = lines(input);
    assert_eq!(lines[0]["verdict"], "failed");
    assert!(
        lines[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("0 of 1 replica is ready; pod db-0: CrashLoopBackOff"),
        "{}",
        lines[0]
    );
}

#[test]
fn the_table_cannot_drive_a_terminal() {
    let input = r#"{"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "x"}, "status": {"phase": "\u001b[2Jodd"}}"#;
    let output = deployctl(&["-f", "-"], input);
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        table,
        "VERDICT      OBJECT    MESSAGE\nin-progress  Widget/x  its phase is `\\x1b[2Jodd`\n"
    );
}

#[test]
fn bad_input_is_refused_with_its_line() {
    assert!(refusal("apiVersion: v1\nkind: [\n").contains("standard input:"));
    assert!(
        refusal("{\"apiVersion\": \"v1\", \"kind\": \"Service\"}\n{\"apiVersion\": \n")
            .contains("standard input:")
    );
    assert!(
        refusal("---\napiVersion: v1\nkind: Service\n---\njust: text\n")
            .contains("standard input:5: this document has no `apiVersion`")
    );
    assert!(
        refusal("{\"apiVersion\": \"v1\", \"kind\": \"Service\"}\n42\n")
            .contains("standard input:2: this document is not an object")
    );
    assert!(refusal("# nothing\n").contains("there is no object in it"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = deployctl(&["-f", "/nonexistent/objects.yaml"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot read `/nonexistent/objects.yaml`")
    );
}

/// The cases that stand beside the project, as one JSON stream through the program.
#[test]
fn a_whole_collection_goes_through() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/kstatus/cases.jsonl");
    let Ok(cases) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return;
    };
    let cases: Vec<Value> = cases
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let input: String = cases
        .iter()
        .map(|case| case["object"].to_string() + "\n")
        .collect();
    let lines = lines(&input);
    assert_eq!(lines.len(), cases.len());
    for (line, case) in lines.iter().zip(&cases) {
        let expected = case
            .get("orchestrator_expected")
            .unwrap_or(&case["expected"]);
        assert_eq!(&line["verdict"], expected, "{}", case["id"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_an_error() {
    let input = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_deployctl"))
        .env_clear()
        .args(["readiness", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(
            std::fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .expect("it is there on Linux"),
        )
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input.as_bytes())
        .expect("the program reads its input");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
}
