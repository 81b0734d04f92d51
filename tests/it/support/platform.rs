use super::{
    manifests::{claim, config_map, deployment, documents, job, service, workload},
    project::Project,
};

/// The phases of [`platform`] in their order.
pub(crate) const PHASES: [&str; 7] = [
    "namespace",
    "secrets",
    "storage",
    "databases",
    "apps",
    "monitoring",
    "ingress",
];

/// A small platform with objects in every phase.
pub(crate) fn platform(name: &str) -> Project {
    let limits = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: limits}\nspec: {limits: [{type: Container, default: {memory: 64Mi}}]}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: licence}\nstringData: {key: not-a-real-licence}\n";
    let ingress = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - host: web.shop.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
";
    Project::new(name)
        .plan("secrets:\n  - {name: database, data: {password: {generate: {length: 24}}}}\nopen: {web: {service: web, port: 80}}\n")
        .manifest("namespace/limits.yaml", limits)
        .manifest("secrets/licence.yaml", secret)
        .manifest("storage/files.yaml", &claim("files", "standard"))
        .manifest(
            "databases/database.yaml",
            &documents(&[workload("apps/v1", "StatefulSet", "database", "serviceName: database", ""), service("database", "")]),
        )
        .manifest("apps/web.yaml", &documents(&[deployment("web"), service("web", ""), config_map("web", "one")]))
        .manifest("apps/migrate.yaml", &job("migrate", ""))
        .manifest("monitoring/prometheus.yaml", &deployment("prometheus"))
        .manifest("ingress/web.yaml", ingress)
}
