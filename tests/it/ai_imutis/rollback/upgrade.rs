//! Upgrades with a new image, a changed `ConfigMap`, one object more and one less, that fail. One
//! release fails several times: it is each time as it was before.

use super::{
    edit::{Edit, added, fails, pods_fail, refused, text},
    release::{Attempt, Release},
};
use crate::support::{
    apply, eventually, kubectl,
    manifests::{claim, config_map},
    refusal,
};

fn attempt(phase: &'static str, because: &[&str], edits: Vec<Edit>) -> Attempt {
    let because = because.iter().map(|text| (*text).to_owned()).collect();
    Attempt {
        phase,
        because,
        edits,
        ..Attempt::default()
    }
}

/// A Secret of the manifests that is refused.
pub(super) fn refused_secret() -> Edit {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: licence, labels: {LABEL: now}}\nstringData: {key: not-a-real-licence}\n";
    added(
        "secrets/licence.yaml",
        &secret.replace("LABEL", refusal::LABEL),
    )
}

/// `kind/object` of `release` is refused.
#[track_caller]
fn is_refused(
    release: &Release,
    phase: &'static str,
    path: &'static str,
    kind: &str,
    object: &str,
) {
    refusal::refuse();
    let object_name = format!("{kind}/{}/{object}", release.namespace());
    release.upgrade_fails(&attempt(
        phase,
        &[&object_name, refusal::MESSAGE],
        vec![refused(path, kind, object)],
    ));
}

/// The pods of `app` fail.
#[track_caller]
fn crashes(
    release: &Release,
    phase: &'static str,
    path: &'static str,
    app: &str,
    fault: &str,
    says: &str,
) {
    release.upgrade_fails(&attempt(
        phase,
        &[&format!("/{}/{app}", release.namespace()), says],
        vec![pods_fail(path, app, fault)],
    ));
}

#[test]
fn the_namespace_and_the_secrets_fail() {
    let release = Release::deployed("up-first");
    is_refused(
        &release,
        "namespace",
        "namespace/network-policies.yaml",
        "NetworkPolicy",
        "allow-dns",
    );
    release.upgrade_fails(&attempt(
        "secrets",
        &["Secret/kill-up-first/licence", refusal::MESSAGE],
        vec![refused_secret()],
    ));
}

#[test]
fn the_storage_fails() {
    let release = Release::deployed("up-storage");
    is_refused(
        &release,
        "storage",
        "storage/monitoring-claims.yaml",
        "PersistentVolumeClaim",
        "alertmanager-data",
    );
    let reports = claim("reports", "standard").replace(
        "{name: reports}",
        "{name: reports, labels: {sandbox.deployctl.dev/fault: no-provision}}",
    );
    // No data can be on a claim that never got a volume: nothing stays.
    release.upgrade_fails(&Attempt {
        timeout: Some("4s"),
        ..attempt(
            "storage",
            &["PersistentVolumeClaim/kill-up-storage/reports"],
            vec![added("storage/reports.yaml", &reports)],
        )
    });
}

#[test]
fn the_databases_fail() {
    let release = Release::deployed("up-db");
    is_refused(
        &release,
        "databases",
        "databases/redis.yaml",
        "StatefulSet",
        "redis",
    );
    crashes(
        &release,
        "databases",
        "databases/postgres.yaml",
        "postgres",
        "crash-loop",
        "CrashLoopBackOff",
    );
    crashes(
        &release,
        "databases",
        "databases/redis.yaml",
        "redis",
        "oom",
        "OOMKilled",
    );
}

#[test]
fn the_new_pods_of_the_api_fail() {
    let release = Release::deployed("up-pods");
    crashes(
        &release,
        "apps",
        "apps/api.yaml",
        "api",
        "image-pull",
        "api:2.0.0",
    );
    crashes(
        &release,
        "apps",
        "apps/api.yaml",
        "api",
        "crash-loop",
        "CrashLoopBackOff",
    );
    crashes(&release, "apps", "apps/api.yaml", "api", "oom", "OOMKilled");
    release.upgrade_fails(&Attempt {
        timeout: Some("5s"),
        ..attempt(
            "apps",
            &["Deployment/kill-up-pods/api"],
            vec![pods_fail("apps/api.yaml", "api", "never-ready")],
        )
    });
}

#[test]
fn objects_of_the_apps_phase_are_refused() {
    let release = Release::deployed("up-deny");
    for kind in ["ServiceAccount", "Deployment", "HorizontalPodAutoscaler"] {
        is_refused(&release, "apps", "apps/api.yaml", kind, "api");
    }
}

#[test]
fn the_quota_is_used_up() {
    let release = Release::deployed("up-quota");
    let namespace = release.namespace();
    // Each of the two new ones fits alone, as the dry-run finds.
    let used = kubectl(&["get", "configmaps", "--namespace", &namespace, "-o", "name"])
        .lines()
        .count();
    let quota = format!(
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: of-others}}\nspec: {{hard: {{count/configmaps: \"{}\"}}}}\n",
        used + 1
    );
    apply(&namespace, &quota);
    let used_text = used.to_string();
    eventually("the quota counts", || {
        (release.get("resourcequota/of-others")["status"]["used"]["count/configmaps"] == *used_text)
            .then_some(())
    });
    let second = added("apps/second.yaml", &config_map("second", "new"));
    release.upgrade_fails(&attempt(
        "apps",
        &["ConfigMap/kill-up-quota/", "exceeded quota: of-others"],
        vec![second],
    ));
}

#[test]
fn the_monitoring_fails() {
    let release = Release::deployed("up-mon");
    is_refused(
        &release,
        "monitoring",
        "monitoring/prometheus.yaml",
        "RoleBinding",
        "prometheus",
    );
    crashes(
        &release,
        "monitoring",
        "monitoring/prometheus.yaml",
        "prometheus",
        "crash-loop",
        "CrashLoopBackOff",
    );
}

#[test]
fn the_ingress_fails() {
    let release = Release::deployed("up-ingress");
    is_refused(
        &release,
        "ingress",
        "ingress/ingress.yaml",
        "Ingress",
        "api",
    );
    let silent = fails("ingress/ingress.yaml", "Certificate", "api", "silent");
    let renamed = text(
        "ingress/ingress.yaml",
        "  dnsNames:\n",
        "  dnsNames:\n    - www.${domain}\n",
    );
    release.upgrade_fails(&Attempt {
        timeout: Some("5s"),
        ..attempt(
            "ingress",
            &["Certificate/kill-up-ingress/api"],
            vec![silent, renamed],
        )
    });
    let second = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: second, labels: {sandbox.deployctl.dev/fault: no-address}}
spec: {ingressClassName: nginx, defaultBackend: {service: {name: api, port: {name: http}}}}
";
    release.upgrade_fails(&Attempt {
        timeout: Some("5s"),
        ..attempt(
            "ingress",
            &["Ingress/kill-up-ingress/second"],
            vec![added("ingress/second.yaml", second)],
        )
    });
}

#[test]
fn what_is_created_anew_fails() {
    let release = Release::deployed("up-anew");
    let selector = "      app: api\n  template:\n    metadata:\n      labels:\n        app: api\n";
    let other = selector.replace(
        "app: api\n  template",
        "app: api\n      track: second\n  template",
    ) + "        track: second\n        sandbox.deployctl.dev/fault: crash-loop\n";
    release.upgrade_fails(&Attempt {
        arguments: vec!["--recreate", "Deployment/api"],
        ..attempt(
            "apps",
            &["Deployment/kill-up-anew/api", "CrashLoopBackOff"],
            vec![text("apps/api.yaml", selector, &other)],
        )
    });
    release.upgrade_fails(&Attempt {
        arguments: vec!["--recreate", "StatefulSet/postgres"],
        ..attempt(
            "databases",
            &["StatefulSet/kill-up-anew/postgres", "CrashLoopBackOff"],
            vec![
                text(
                    "databases/postgres.yaml",
                    "  podManagementPolicy: OrderedReady\n",
                    "  podManagementPolicy: Parallel\n",
                ),
                pods_fail("databases/postgres.yaml", "postgres", "crash-loop"),
            ],
        )
    });
}
