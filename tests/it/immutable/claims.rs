//! Claims that grow with their StatefulSet.

use super::{
    manifests::{faulty_deployment, workload},
    project::Project,
    proof, remarks, uid,
};
use crate::support::{eventually, kubectl, try_kubectl};

fn database(class: &str, size: &str) -> String {
    let spec = format!(
        "{{accessModes: [ReadWriteOnce], storageClassName: {class}, resources: {{requests: {{storage: {size}}}}}}}"
    );
    let more = format!(
        "serviceName: database\n  replicas: 2\n  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {spec}}}]"
    );
    workload("apps/v1", "StatefulSet", "database", &more, "")
}

/// A project whose StatefulSet runs with 2Gi for each of its two pods.
fn deployed(name: &str, class: &str) -> Project {
    let project = Project::new(name).manifest("databases/database.yaml", &database(class, "2Gi"));
    project.deploy(&[]);
    project
}

fn asks_for(project: &Project, claim: &str) -> String {
    project.get(claim)["spec"]["resources"]["requests"]["storage"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_grown_template_grows_the_claims_and_keeps_the_pods() {
    let project = deployed("claims-grow", "standard");
    let before = ["pod/database-0", "pod/database-1", "pvc/data-database-0"]
        .map(|object| uid(&project, object));
    project.rewrite("databases/database.yaml", &database("standard", "3Gi"));
    project.deploy(&[]);
    assert_eq!(
        ["pod/database-0", "pod/database-1", "pvc/data-database-0"]
            .map(|object| uid(&project, object)),
        before
    );
    for claim in ["pvc/data-database-0", "pvc/data-database-1"] {
        assert_eq!(asks_for(&project, claim), "3Gi");
        eventually("the volume is larger", || {
            (project.get(claim)["status"]["capacity"]["storage"] == "3Gi").then_some(())
        });
    }
    let templates = &project.get("statefulset/database")["spec"]["volumeClaimTemplates"];
    assert_eq!(
        templates[0]["spec"]["resources"]["requests"]["storage"],
        "3Gi"
    );
}

#[test]
fn a_class_that_cannot_expand_is_named_before_the_first_write() {
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: claims-fixed}\nprovisioner: ebs.csi.aws.com\n";
    assert!(try_kubectl(&["apply", "-f", "-"], class).status.success());
    let project = deployed("claims-fixed", "claims-fixed");
    project.rewrite("databases/database.yaml", &database("claims-fixed", "3Gi"));
    let run = project.up(&[]).run().exited(5);
    for text in [
        "PersistentVolumeClaim/claims-fixed/data-database-0 of class `claims-fixed` cannot grow to 3Gi",
        "allowVolumeExpansion: true",
    ] {
        assert!(
            run.stderr.contains(text),
            "`{text}` is missing:\n{}",
            run.stderr
        );
    }
    assert_eq!(project.revisions().len(), 1);
    kubectl(&["delete", "storageclass", "claims-fixed"]);
}

#[test]
fn a_template_that_shrinks_is_an_error() {
    let project = deployed("claims-shrink", "standard");
    project.rewrite("databases/database.yaml", &database("standard", "1Gi"));
    for arguments in [&[][..], &["--recreate", "StatefulSet/database"]] {
        let run = project.up(arguments).run().exited(5);
        assert!(
            run.stderr
                .contains("asks for less than 2Gi, and a claim cannot shrink"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(project.revisions().len(), 1);
}

/// Rule 18.
#[test]
fn a_grown_claim_stays_grown_and_is_named() {
    let project = deployed("claims-stay", "standard");
    project.rewrite("databases/database.yaml", &database("standard", "3Gi"));
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    let proof = proof(&run);
    assert!(remarks(&proof, "differences").is_empty(), "{proof}");
    let grown = |number| {
        format!(
            "PersistentVolumeClaim/claims-stay/data-database-{number} has grown to 3Gi, and a claim cannot shrink"
        )
    };
    assert_eq!(remarks(&proof, "stays"), [grown(0), grown(1)]);
    let templates = &project.get("statefulset/database")["spec"]["volumeClaimTemplates"];
    assert_eq!(
        templates[0]["spec"]["resources"]["requests"]["storage"],
        "2Gi"
    );
}
