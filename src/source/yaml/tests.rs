//! Reading and writing agree with kubectl, over recorded files and over values drawn by chance.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{documents, read, to_text};

/// Strings that are hard to write: many mean something else in YAML where they are not quoted.
const AWKWARD_STRINGS: &[&str] = &[
    "",
    " ",
    "a",
    "yes",
    "No",
    "on",
    "y",
    "~",
    "null",
    "<<",
    "=",
    "0644",
    "0o14",
    "1_000",
    "1e3",
    "1.5",
    ".5",
    "-1",
    "+1",
    "0x1F",
    ".inf",
    ".nan",
    "2001-12-14",
    "1:30",
    "12:30:45",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "a#b",
    "#a",
    "- a",
    "-a",
    "--a",
    "---",
    "--- a",
    "...",
    "-",
    "?",
    "? a",
    "!a",
    "&a",
    "*a",
    "%a",
    "@a",
    "`a",
    "|",
    ">",
    "'",
    "\"",
    "a'b",
    "a\"b",
    "a\\b",
    "{a}",
    "[a]",
    "{{ .x }}",
    "${X}",
    "$(X)",
    "a, b",
    " a",
    "a ",
    "\t",
    "\ta",
    "a\tb",
    "\n",
    "a\n",
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "\na",
    " a\nb",
    "a\n b\n",
    "a\n\n\nb",
    "a\n \nb",
    "a \nb ",
    "#!/bin/sh\nx\n",
    "-----BEGIN X-----\ny\n",
    "a\r\nb",
    "a\rb",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "größe",
    "中文",
    "😀",
    "a\u{200b}b",
    "true",
    "infinity",
    "nan",
    "http://x:80/",
    "100m",
    "50%",
    "key: |\n  - yes\n",
    "a\n---\nb\n",
    "...\nb\n",
    "x\n\ty\n",
    "\u{1b}[31m",
    "\u{fffe}",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml")
}

fn read_all(text: &str) -> Vec<Value> {
    documents(text, Path::new("test.yaml"))
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
        .into_iter()
        .map(|document| document.value)
        .collect()
}

/// Equal as Kubernetes sees it: `1.8446744073709552e19` and `18446744073709552000` are one number,
/// and `serde_json` reads the expected floats with an error of one unit in the last place.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_i64().is_none() && close(left.as_f64(), right.as_f64())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

fn close(left: Option<f64>, right: Option<f64>) -> bool {
    left.zip(right)
        .is_some_and(|(left, right)| (left - right).abs() <= left.abs() * 3e-16)
}

fn compare(expected: &Value) -> usize {
    let mut count = 0;
    for (file, objects) in expected.as_object().unwrap() {
        let read = read_all(&fs::read_to_string(folder().join(file)).unwrap());
        let objects = objects.as_array().unwrap();
        assert_eq!(read.len(), objects.len(), "{file}");
        for (ours, theirs) in read.iter().zip(objects) {
            assert!(
                same(ours, theirs),
                "{file}\n  ours: {ours}\nkubectl: {theirs}"
            );
            let written = to_text(ours);
            assert!(
                same(&read_all(&written)[0], theirs),
                "written anew:\n{written}"
            );
            count += 1;
        }
    }
    count
}

#[test]
fn documents_are_read_as_kubectl_reads_them() {
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(folder().join("expected.json")).unwrap()).unwrap();
    let count = compare(&expected);
    assert!(count >= 60, "{count} documents");
}

/// Shapes of documents, each with what kubectl reads from it: `null` where it refuses.
/// `tests/yaml/shapes.py` makes them.
fn shapes() -> Vec<(String, String, Value)> {
    let text = fs::read_to_string(folder().join("shapes.json")).unwrap();
    let shapes: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let shape = |(name, shape): (String, Value)| {
        let text = shape["text"].as_str().unwrap().to_owned();
        (name, text, shape["objects"].clone())
    };
    shapes.into_iter().map(shape).collect()
}

#[test]
fn shapes_of_documents_are_read_as_kubectl_reads_them() {
    let mut differences = Vec::new();
    let mut count = 0;
    for (name, text, theirs) in shapes() {
        let ours = documents(&text, Path::new("shape.yaml"));
        let Some(theirs) = theirs.as_array() else {
            continue;
        };
        count += 1;
        match ours {
            Err(error) => differences.push(format!("{name}: {error}\n{text}")),
            Ok(ours) => {
                let ours: Vec<Value> = ours.into_iter().map(|found| found.value).collect();
                let equal = ours.len() == theirs.len()
                    && ours
                        .iter()
                        .zip(theirs)
                        .all(|(ours, theirs)| same(ours, theirs));
                if !equal {
                    let (ours, theirs) = (json!(ours), json!(theirs));
                    differences.push(format!("{name}:\n  ours: {ours}\nkubectl: {theirs}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(count >= 200, "{count} documents");
}

fn kubectl() -> Option<PathBuf> {
    let found = |path: PathBuf| path.is_file().then_some(path);
    let named = std::env::var_os("DEPLOYCTL_TEST_KUBECTL")
        .map(PathBuf::from)
        .and_then(found);
    named.or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .find_map(|folder| found(folder.join("kubectl")))
    })
}

#[test]
fn expectations_are_what_kubectl_says_today() {
    let Some(kubectl) = kubectl() else {
        eprintln!("skipped: no kubectl on the PATH");
        return;
    };
    let mut expected = serde_json::Map::new();
    let committed: Value =
        serde_json::from_str(&fs::read_to_string(folder().join("expected.json")).unwrap()).unwrap();
    for file in committed.as_object().unwrap().keys() {
        expected.insert(
            file.clone(),
            Value::Array(asked_of(&kubectl, &folder().join(file))),
        );
    }
    compare(&Value::Object(expected));

    let files = tempfile::tempdir().unwrap();
    let mut shapes = shapes();
    // How documents are told apart, and JSON from YAML, differs between versions of kubectl.
    shapes.retain(|(name, _, objects)| objects.is_array() && !name.starts_with("doc-"));
    shapes.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    for (name, text, _) in &shapes {
        fs::write(files.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let recorded = shapes
        .into_iter()
        .flat_map(|(_, _, objects)| objects.as_array().cloned().unwrap());
    let today = asked_of(&kubectl, files.path());
    for (recorded, today) in recorded.zip(&today) {
        assert!(same(&recorded, today), "{recorded}\n{today}");
    }
}

#[test]
fn what_is_written_is_read_back_by_kubectl() {
    let Some(kubectl) = kubectl() else {
        eprintln!("skipped: no kubectl on the PATH");
        return;
    };
    let object = json!({
        "apiVersion": "example.test/v1", "kind": "Sample", "metadata": {"name": "sample", "annotations": {"kept": "yes"}},
        "spec": {"values": AWKWARD_STRINGS, "keys": AWKWARD_STRINGS.iter().map(|text| ((*text).to_owned(), json!([text, [text], {"a": text}]))).collect::<serde_json::Map<_, _>>()},
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), to_text(&object)).unwrap();
    assert_eq!(asked_of(&kubectl, file.path()), [object]);
}

fn asked_of(kubectl: &Path, file: &Path) -> Vec<Value> {
    let output = Command::new(kubectl)
        .args([
            "annotate",
            "--local",
            "--kubeconfig",
            "/dev/null",
            "-o",
            "json",
            "marker=x",
            "-f",
        ])
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        fs::read_to_string(file).unwrap()
    );
    let mut objects: Vec<Value> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    for object in &mut objects {
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata["annotations"]
            .as_object_mut()
            .unwrap()
            .remove("marker");
        if metadata["annotations"] == json!({}) {
            metadata.remove("annotations");
        }
    }
    objects
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        "[ -~\n\t]{0,20}",
        "[-0-9_.:eExob+yYnN~<]{1,8}",
        proptest::sample::select(AWKWARD_STRINGS).prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300)
            .prop_filter("whole floats become integers", |float: &f64| float.fract()
                != 0.0
                || float.abs() > 1e19)
            .prop_map(Value::from),
        (-1.0..1.0)
            .prop_filter("whole floats become integers", |float: &f64| float.fract()
                != 0.0)
            .prop_map(Value::from),
        text.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_survives_writing_and_reading(value in any_value()) {
        let wrapped = json!({"value": value});
        let text = to_text(&wrapped);
        prop_assert_eq!(read_all(&text), [wrapped], "{}", text);
        if !value.is_null() {
            let text = to_text(&value);
            prop_assert_eq!(read_all(&text), [value], "{}", text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n\t&*<>{}\\[\\]|-]{0,80}") {
        let _ = read(&text, Path::new("x"));
    }
}

#[test]
fn lines_are_those_of_the_first_key_in_files_of_many_documents() {
    let text = "# a comment\n\n---\n# another\na: 1\n---\n\n---\n# only a comment\n--- # here\n\nb:\n  c: 1\n...\n# end\n---\n{\"d\": 1}\n";
    let lines: Vec<u32> = documents(text, Path::new("x"))
        .unwrap()
        .iter()
        .map(|document| document.line)
        .collect();
    assert_eq!(lines, [5, 12, 17]);
    let text = text.replace('\n', "\r\n");
    assert_eq!(
        documents(&text, Path::new("x"))
            .unwrap()
            .iter()
            .map(|document| document.line)
            .collect::<Vec<_>>(),
        lines
    );
    assert_eq!(
        documents(
            "kind: List\nitems:\n- a: 1\n\n  # c\n-\n  b: 2\n- {}\n",
            Path::new("x")
        )
        .unwrap()[0]
            .items,
        [3, 7, 8]
    );
}

fn messages(text: &str) -> Vec<String> {
    read(text, Path::new("a.yaml"))
        .1
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn errors_say_where_and_what() {
    assert_eq!(
        messages("a: 1\nb:\n  c: 2\n  c: 3\n"),
        [
            "a.yaml:4:3: duplicate key `c`, first given in line 3; remove one of them\n  4 |   c: 3\n    |   ^"
        ]
    );
    assert_eq!(
        messages("1: a\n'1': b\n").len(),
        1,
        "keys that kubectl makes equal"
    );
    assert_eq!(
        messages("a: &x [*x]\n"),
        ["a.yaml:1:8: an anchor's value contains itself\n  1 | a: &x [*x]\n    |        ^"]
    );
    assert!(
        messages("a: .inf\n")[0].starts_with("a.yaml:1:4: `.inf` is no number that JSON can hold")
    );
    assert!(messages("~: a\n")[0].starts_with("a.yaml:1:1: `~` cannot be a key"));
    assert!(messages("a: *b\n")[0].starts_with("a.yaml:1:4: "));
    assert!(
        messages("a:\n\tb: 1\n")[0].starts_with("a.yaml:2:"),
        "{:?}",
        messages("a:\n\tb: 1\n")
    );
    assert!(messages("a: [1\n")[0].starts_with("a.yaml:"));
}

#[test]
fn one_broken_document_does_not_hide_the_others() {
    let (documents, errors) = read(
        "a: 1\n---\nb: [1\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: 5\n",
        Path::new("a.yaml"),
    );
    assert_eq!(
        documents
            .iter()
            .map(|document| document.line)
            .collect::<Vec<_>>(),
        [1, 5, 10]
    );
    assert_eq!(
        errors.iter().map(|error| error.line).collect::<Vec<_>>(),
        [3, 8]
    );
}

#[test]
fn lines_of_secrets_are_not_shown() {
    let text = "apiVersion: v1\nkind: Secret\nstringData:\n  password: hunter2: x\n";
    let shown = messages(text);
    assert_eq!(shown.len(), 1);
    assert!(!shown[0].contains("hunter2"), "{shown:?}");
}

#[test]
fn documents_that_double_with_every_line_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(
            text,
            "a{level}: &a{level} [{}]",
            [alias.as_str(); 10].join(", ")
        );
    }
    assert!(messages(&text)[0].contains("aliases add more than"));
    let deep = format!("a: {}{}", "[".repeat(2000), "]".repeat(2000));
    assert_eq!(messages(&deep).len(), 1);
}

#[test]
fn many_documents_and_values_fit() {
    let text = "a: {b: [1, 2, 3]}\n---\n".repeat(50_000);
    assert_eq!(documents(&text, Path::new("x")).unwrap().len(), 50_000);
}

#[test]
fn written_text_is_pleasant_to_read() {
    let value = json!({
        "spec": {"template": {"containers": [{"image": "nginx:1.27", "name": "web", "args": ["-c", "--flag=yes", "*"], "ports": [{"containerPort": 80}]}]}, "empty": {}, "none": []},
        "metadata": {"labels": {"app.kubernetes.io/name": "web", "version": "1.10", "on": "yes"}, "name": "web"},
        "kind": "Deployment", "apiVersion": "apps/v1", "data": {"script": "#!/bin/sh\necho hi\n", "json": "{\"a\": 1}"},
    });
    let expected = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
    \"on\": \"yes\"
    version: \"1.10\"
data:
  json: '{\"a\": 1}'
  script: |
    #!/bin/sh
    echo hi
spec:
  empty: {}
  none: []
  template:
    containers:
    - name: web
      args:
      - \"-c\"
      - --flag=yes
      - \"*\"
      image: nginx:1.27
      ports:
      - containerPort: 80
";
    assert_eq!(to_text(&value), expected);
}

#[test]
fn joined_files_and_objects_are_documents_with_their_places() {
    let places = |text: &str| {
        let (documents, errors) = read(text, Path::new("a"));
        let documents = documents
            .into_iter()
            .map(|document| (document.line, document.value));
        let errors = errors.into_iter().map(|error| (error.line, error.column));
        (documents.collect::<Vec<_>>(), errors.collect::<Vec<_>>())
    };
    let objects = |lines: &[u32]| {
        let objects = lines.iter().zip(["a", "b", "c"]);
        objects
            .map(|(line, key)| (*line, json!({key: 1})))
            .collect::<Vec<_>>()
    };
    for (text, lines) in [
        ("{\"a\": 1}{\"b\": 1}{\"c\": 1}", [1, 1, 1]),
        ("{\"a\": 1} {\"b\": 1}\n{\"c\": 1}\n", [1, 1, 2]),
        ("{\n\"a\": 1\n}{\n\"b\": 1}\n\n{\"c\": 1}", [1, 3, 6]),
        (
            "\u{feff}a: 1\n---\n\u{feff}b: 1\n---\n\u{feff}{c: 1}\n",
            [1, 3, 5],
        ),
    ] {
        assert_eq!(places(text), (objects(&lines), Vec::new()), "{text}");
    }
    let (documents, errors) = places("{\"a\": 1} {\"x\": 1, \"x\": 2}\n{\"b\": 1}");
    assert_eq!(documents, objects(&[1, 2]));
    assert_eq!(errors, [(1, 19)]);
}
