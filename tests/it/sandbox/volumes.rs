use crate::support::{apply, eventually, get, kubectl, namespace};

fn claim(name: &str, class: &str, labels: &str) -> String {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!("storageClassName: {class}, ")
    };
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n\
         spec: {{{class}accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}\n---\n"
    )
}

fn await_bound(namespace: &str, name: &str) {
    kubectl(&[
        "wait",
        "-n",
        namespace,
        "--for=jsonpath={.status.phase}=Bound",
        &format!("pvc/{name}"),
        "--timeout=30s",
    ]);
}

#[test]
fn claims_of_the_default_class_are_bound_and_expand() {
    let namespace = namespace("expand");
    apply(&namespace, &claim("data", "", ""));
    await_bound(&namespace, "data");
    assert_eq!(
        get(&namespace, "pvc/data")["spec"]["storageClassName"],
        "standard"
    );
    kubectl(&[
        "patch",
        "-n",
        &namespace,
        "pvc/data",
        "-p",
        r#"{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}"#,
    ]);
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=jsonpath={.status.capacity.storage}=3Gi",
        "pvc/data",
        "--timeout=30s",
    ]);
    let volume = get(&namespace, "pvc/data")["spec"]["volumeName"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        get(&namespace, &format!("pv/{volume}"))["spec"]["capacity"]["storage"],
        "3Gi"
    );

    kubectl(&["delete", "-n", &namespace, "pvc/data", "--timeout=30s"]);
    kubectl(&[
        "wait",
        "--for=delete",
        &format!("pv/{volume}"),
        "--timeout=30s",
    ]);
}

#[test]
fn a_claim_that_waits_for_its_first_consumer_waits() {
    let namespace = namespace("first-consumer");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: user}\nspec:\n  containers: [{name: app, image: app}]\n  \
               volumes: [{name: data, persistentVolumeClaim: {claimName: used}}]\n";
    apply(
        &namespace,
        &(claim("used", "standard-wait", "") + &claim("unused", "standard-wait", "") + pod),
    );
    await_bound(&namespace, "used");
    eventually("the controller says what the claim waits for", || {
        kubectl(&["events", "-n", &namespace, "--for", "pvc/unused"])
            .contains("WaitForFirstConsumer")
            .then_some(())
    });
    assert_eq!(get(&namespace, "pvc/unused")["status"]["phase"], "Pending");
}

#[test]
fn a_claim_is_provisioned_by_any_class_that_exists_and_waits_for_one_that_does_not() {
    let namespace = namespace("any-class");
    let class = format!(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {namespace}}}\nprovisioner: ebs.csi.aws.com\n---\n"
    );
    apply(
        &namespace,
        &(class + &claim("cloud", &namespace, "") + &claim("elsewhere", "longhorn-of-prod", "")),
    );
    await_bound(&namespace, "cloud");
    eventually("the controller says what the claim waits for", || {
        kubectl(&["events", "-n", &namespace, "--for", "pvc/elsewhere"])
            .contains("storageclass.storage.k8s.io \"longhorn-of-prod\" not found")
            .then_some(())
    });
    assert_eq!(
        get(&namespace, "pvc/elsewhere")["status"]["phase"],
        "Pending"
    );
    kubectl(&["delete", "storageclass", &namespace]);
}

#[test]
fn no_provision_leaves_a_claim_pending() {
    let namespace = namespace("no-provision");
    let fault = "sandbox.deployctl.dev/fault: no-provision";
    apply(
        &namespace,
        &(claim("never", "", fault) + &claim("other", "", "")),
    );
    await_bound(&namespace, "other");
    assert_eq!(get(&namespace, "pvc/never")["status"]["phase"], "Pending");
}
