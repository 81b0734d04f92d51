//! First installs that fail. What the databases hold is kept, with the Secrets that it cannot be
//! opened without, and their namespace.

use super::{
    edit::{Edit, fails, pods_fail, refused, text},
    release::{Attempt, Release},
};
use crate::support::refusal;

const NAMESPACE: [&str; 3] = [
    "Namespace",
    "ConfigMap/kube-root-ca.crt",
    "ServiceAccount/default",
];
const STORAGE: [&str; 2] = [
    "PersistentVolumeClaim/alertmanager-data",
    "PersistentVolumeClaim/prometheus-data",
];
const DATABASES: [&str; 4] = [
    "PersistentVolumeClaim/data-postgres-0",
    "PersistentVolumeClaim/data-redis-0",
    "Secret/postgres-secret",
    "Secret/redis-secret",
];
const MONITORING: [&str; 1] = ["Secret/alertmanager-receivers"];

/// What is kept of a first install that came as far as a phase.
fn kept_from(phase: &str) -> Vec<&'static str> {
    match phase {
        "namespace" | "secrets" => Vec::new(),
        "storage" => [&NAMESPACE[..], &STORAGE].concat(),
        "databases" | "apps" => [&NAMESPACE[..], &STORAGE, &DATABASES].concat(),
        _ => [&NAMESPACE[..], &STORAGE, &DATABASES, &MONITORING].concat(),
    }
}

fn attempt(phase: &'static str, because: &[&str], edit: Edit) -> Attempt {
    let because = because.iter().map(|text| (*text).to_owned()).collect();
    Attempt {
        phase,
        because,
        edits: vec![edit],
        kept: kept_from(phase),
        ..Attempt::default()
    }
}

#[track_caller]
fn fails_at_once(name: &'static str, phase: &'static str, because: &[&str], edit: Edit) {
    Release::new(name).install_fails(&attempt(phase, because, edit));
}

#[track_caller]
fn times_out(name: &'static str, phase: &'static str, because: &[&str], edit: Edit) {
    Release::new(name).install_fails(&Attempt {
        timeout: Some("4s"),
        ..attempt(phase, because, edit)
    });
}

#[track_caller]
fn is_refused(
    name: &'static str,
    phase: &'static str,
    path: &'static str,
    kind: &str,
    object: &str,
) {
    refusal::refuse();
    let object_name = format!("{kind}/kill-{name}/{object}");
    fails_at_once(
        name,
        phase,
        &[&object_name, refusal::MESSAGE],
        refused(path, kind, object),
    );
}

#[test]
fn an_object_of_the_namespace_phase_is_refused() {
    is_refused(
        "in-ns-deny",
        "namespace",
        "namespace/network-policies.yaml",
        "NetworkPolicy",
        "allow-dns",
    );
}

#[test]
fn a_secret_is_refused() {
    refusal::refuse();
    let secret = super::upgrade::refused_secret();
    fails_at_once(
        "in-sec-deny",
        "secrets",
        &["Secret/kill-in-sec-deny/licence", refusal::MESSAGE],
        secret,
    );
}

#[test]
fn a_claim_is_not_provisioned() {
    let edit = fails(
        "storage/monitoring-claims.yaml",
        "PersistentVolumeClaim",
        "alertmanager-data",
        "no-provision",
    );
    // No data can be on it, unlike on the one beside it.
    let kept = kept_from("storage");
    let unbound = "PersistentVolumeClaim/alertmanager-data";
    Release::new("in-claim").install_fails(&Attempt {
        timeout: Some("4s"),
        kept: kept.into_iter().filter(|kept| *kept != unbound).collect(),
        ..attempt(
            "storage",
            &["PersistentVolumeClaim/kill-in-claim/alertmanager-data"],
            edit,
        )
    });
}

#[test]
fn the_database_crashes() {
    let edit = pods_fail("databases/postgres.yaml", "postgres", "crash-loop");
    fails_at_once(
        "in-db-crash",
        "databases",
        &["StatefulSet/kill-in-db-crash/postgres", "CrashLoopBackOff"],
        edit,
    );
}

#[test]
fn the_cache_is_never_ready() {
    let edit = pods_fail("databases/redis.yaml", "redis", "never-ready");
    times_out(
        "in-db-probe",
        "databases",
        &["StatefulSet/kill-in-db-probe/redis"],
        edit,
    );
}

#[test]
fn the_image_of_the_api_cannot_be_pulled() {
    let edit = pods_fail("apps/api.yaml", "api", "image-pull");
    fails_at_once(
        "in-app-pull",
        "apps",
        &["Deployment/kill-in-app-pull/api", "api:1.0.0"],
        edit,
    );
}

#[test]
fn the_api_uses_too_much_memory() {
    let edit = pods_fail("apps/api.yaml", "api", "oom");
    fails_at_once(
        "in-app-oom",
        "apps",
        &["Deployment/kill-in-app-oom/api", "OOMKilled"],
        edit,
    );
}

#[test]
fn the_probe_of_the_api_never_succeeds() {
    let edit = pods_fail("apps/api.yaml", "api", "never-ready");
    times_out(
        "in-app-probe",
        "apps",
        &["Deployment/kill-in-app-probe/api"],
        edit,
    );
}

#[test]
fn an_object_of_the_apps_phase_is_refused() {
    is_refused(
        "in-app-deny",
        "apps",
        "apps/api.yaml",
        "HorizontalPodAutoscaler",
        "api",
    );
}

#[test]
fn the_quota_is_used_up() {
    let edit = text(
        "namespace/quota.yaml",
        "services: \"10\"",
        "services: \"4\"",
    );
    fails_at_once(
        "in-quota",
        "apps",
        &["Service/kill-in-quota/api", "exceeded quota"],
        edit,
    );
}

#[test]
fn the_monitoring_crashes() {
    let edit = pods_fail("monitoring/alertmanager.yaml", "alertmanager", "crash-loop");
    fails_at_once(
        "in-mon-crash",
        "monitoring",
        &[
            "StatefulSet/kill-in-mon-crash/alertmanager",
            "CrashLoopBackOff",
        ],
        edit,
    );
}

#[test]
fn the_certificate_is_never_issued() {
    let edit = fails("ingress/ingress.yaml", "Certificate", "api", "silent");
    times_out(
        "in-cert",
        "ingress",
        &["Certificate/kill-in-cert/api"],
        edit,
    );
}

#[test]
fn the_ingress_gets_no_address() {
    let edit = fails("ingress/ingress.yaml", "Ingress", "api", "no-address");
    times_out(
        "in-address",
        "ingress",
        &["Ingress/kill-in-address/api"],
        edit,
    );
}

#[test]
fn an_object_of_the_ingress_phase_is_refused() {
    is_refused(
        "in-ing-deny",
        "ingress",
        "ingress/ingress.yaml",
        "Ingress",
        "api",
    );
}

#[test]
fn the_next_up_opens_the_kept_database_with_the_same_password() {
    let release = Release::new("in-again");
    let edit = pods_fail("apps/api.yaml", "api", "crash-loop");
    release.install_fails(&attempt(
        "apps",
        &["Deployment/kill-in-again/api", "CrashLoopBackOff"],
        edit,
    ));
    let uids_and_passwords = || {
        let claims = ["postgres", "redis"].map(|database| {
            release.get(&format!("pvc/data-{database}-0"))["metadata"]["uid"].clone()
        });
        let secrets =
            ["postgres", "redis"].map(|database| release.get(&format!("secret/{database}-secret")));
        (
            claims,
            secrets.map(|secret| (secret["metadata"]["uid"].clone(), secret["data"].clone())),
        )
    };
    let before = uids_and_passwords();
    assert!(
        before
            .1
            .iter()
            .all(|(_, data)| data["password"].is_string())
    );
    release.up().run().exited(0);
    assert!(
        uids_and_passwords() == before,
        "the data is another one, or is opened with another password"
    );
}
