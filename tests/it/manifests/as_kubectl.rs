//! What `kubectl apply` takes, in whatever encoding and how often it is written down.

use serde_json::{Value, json};

use crate::support::{
    manifests::{documents, secret},
    project::{Project, written},
};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostAliases: [{ip: 10.0.0.1, hostnames: [a.test]}, {ip: 10.0.0.1, hostnames: [b.test]}]
      imagePullSecrets: [{name: registry}, {name: registry}]
      containers:
        - name: main
          image: web:v1
          env: [{name: A, value: first}, {name: B, value: other}, {name: A, value: last}]
          ports: [{name: http, containerPort: 80}, {containerPort: 80}]
          volumeMounts: [MOUNTS]
      volumes: [{name: scratch, emptyDir: {}}]
";

/// [`WEB`] with a mount, once or twice.
fn web(times: usize) -> String {
    let mount = ["{name: scratch, mountPath: /scratch}"];
    WEB.replace("MOUNTS", &mount.repeat(times).join(", "))
}

fn pod_spec(project: &Project) -> Value {
    project.get("deployment/web")["spec"]["template"]["spec"].clone()
}

/// Server-side apply refuses them; with `kubectl apply` the last variable counts.
#[test]
fn entries_that_are_there_twice_are_taken_with_a_warning() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\nsecrets: [{name: a}, {name: a}]\n";
    let project = Project::new("entries-twice")
        .manifest("apps/web.yaml", &documents(&[web(2), account.to_owned()]))
        .manifest("secrets/registry.yaml", &secret("registry"));
    let run = project.up(&[]).run().exited(0);
    let place = "manifests/apps/web.yaml:1: Deployment/entries-twice/web: `spec.template.spec.";
    for (field, key) in [
        ("containers[0].env", "A"),
        ("containers[0].ports", "80/TCP"),
        ("containers[0].volumeMounts", "/scratch"),
        ("hostAliases", "10.0.0.1"),
        ("imagePullSecrets", "registry"),
    ] {
        let warning = format!("{place}{field}` has `{key}` twice; ");
        let plain = warning.replace("Deployment/entries-twice/web", "Deployment/web");
        assert!(
            run.stderr.contains(&warning) || run.stderr.contains(&plain),
            "{warning}\n{}",
            run.stderr
        );
    }
    let spec = pod_spec(&project);
    let container = &spec["containers"][0];
    assert_eq!(
        container["env"],
        json!([{"name": "B", "value": "other"}, {"name": "A", "value": "last"}])
    );
    assert_eq!(container["ports"].as_array().unwrap().len(), 1);
    assert_eq!(container["ports"][0]["name"], "http");
    assert_eq!(
        spec["hostAliases"][0]["hostnames"],
        json!(["a.test", "b.test"])
    );
    assert_eq!(spec["imagePullSecrets"].as_array().unwrap().len(), 1);
    let secrets = project.get("serviceaccount/robot")["secrets"].clone();
    assert_eq!(secrets, json!([{"name": "a"}]));
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_kubectl_has_applied_with_entries_twice_is_taken_over() {
    let project = Project::new("entries-adopted")
        .manifest("apps/web.yaml", &web(1))
        .manifest("secrets/registry.yaml", &secret("registry"));
    crate::support::kubectl(&["create", "namespace", &project.name]);
    let file = project.folder().join("manifests/apps/web.yaml");
    project.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    assert_eq!(
        pod_spec(&project)["containers"][0]["env"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    project.deploy(&[]);
    let env = pod_spec(&project)["containers"][0]["env"].clone();
    assert_eq!(
        env[env.as_array().unwrap().len() - 1]["value"],
        "last",
        "{env}"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    project.rewrite("apps/web.yaml", &web(2).replace("last", "newer"));
    project.deploy(&[]);
    let env = pod_spec(&project)["containers"][0]["env"].clone();
    assert_eq!(
        env[env.as_array().unwrap().len() - 1]["value"],
        "newer",
        "{env}"
    );
}

#[test]
fn manifests_are_read_in_the_encodings_of_other_systems() {
    let text = "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: NAME}\r\ndata:\r\n  größe: |\r\n    one\r\n    zwölf\r\n";
    let text = text.replace("größe", "size");
    let units = |name: &str| {
        text.replace("NAME", name)
            .encode_utf16()
            .collect::<Vec<_>>()
    };
    let little: Vec<u8> = units("little")
        .iter()
        .flat_map(|unit| unit.to_le_bytes())
        .collect();
    let big: Vec<u8> = units("big")
        .iter()
        .flat_map(|unit| unit.to_be_bytes())
        .collect();
    let marked = text.replace("NAME", "marked");
    let latin = [
        b"# gr\xf6\xdfe\n".as_slice(),
        text.replace("NAME", "latin").as_bytes(),
    ]
    .concat();
    let project = Project::new("encodings");
    let folder = project.folder().join("manifests/apps");
    std::fs::create_dir_all(&folder).unwrap();
    for (file, bytes) in [
        ("little.yaml", [b"\xff\xfe".as_slice(), &little].concat()),
        ("big.yaml", [b"\xfe\xff".as_slice(), &big].concat()),
        ("marked.yaml", [b"\xef\xbb\xbf".as_slice(), marked.as_bytes()].concat()),
        ("latin.yaml", latin),
        // The same object once more, in other words, is one object.
        ("twice.json", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big", "namespace": "encodings"}, "data": {"size": "one\nzwölf\n"}}).to_string().into_bytes()),
    ] {
        std::fs::write(folder.join(file), bytes).unwrap();
    }
    let run = project.up(&[]).run().exited(0);
    for name in ["little", "big", "marked", "latin"] {
        let data = project.get(&format!("configmap/{name}"))["data"].clone();
        assert_eq!(data, json!({"size": "one\nzwölf\n"}), "{name}");
    }
    let warning = "manifests/apps/twice.json:1: ConfigMap/encodings/big: the object is there twice and the same, first at manifests/apps/big.yaml:1";
    assert!(run.stderr.contains(warning), "{}", run.stderr);

    // Two that say something else are a mistake, and so is a value that no longer says what it did.
    let other =
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"big\"}}";
    std::fs::write(folder.join("twice.json"), other).unwrap();
    std::fs::write(folder.join("latin.yaml"), b"a: gr\xf6\xdfe\n").unwrap();
    let refused = project.up(&[]).run().exited(2);
    for text in [
        "the object is there twice, first at",
        "latin.yaml`: it is not UTF-8 text",
    ] {
        assert!(refused.stderr.contains(text), "{}", refused.stderr);
    }
}
