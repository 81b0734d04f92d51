//! Manifests that many tests deploy.

/// A `ConfigMap` that holds `value`.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value:?}}}\n"
    )
}

/// A Secret with one value.
pub(crate) fn secret(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{value: made-up}}\n"
    )
}

/// A Deployment of one pod.
pub(crate) fn deployment(name: &str) -> String {
    faulty_deployment(name, "")
}

/// A Deployment whose pod fails in the way that the sandbox calls `fault`.
pub(crate) fn faulty_deployment(name: &str, fault: &str) -> String {
    workload("apps/v1", "Deployment", name, "replicas: 1", fault)
}

/// A workload with a selector.
pub(crate) fn workload(
    api_version: &str,
    kind: &str,
    name: &str,
    spec: &str,
    fault: &str,
) -> String {
    format!(
        "apiVersion: {api_version}
kind: {kind}
metadata: {{name: {name}}}
spec:
  {spec}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}{label}}}}}
    spec:
      containers:
        - {{name: main, image: \"{name}:v1\", ports: [{{containerPort: 8080}}]}}
",
        label = fault_label(fault)
    )
}

/// An autoscaler of the Deployment `name`, from 2 to `most` replicas.
pub(crate) fn autoscaler(name: &str, most: u32) -> String {
    format!(
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: {name}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: 2
  maxReplicas: {most}
  metrics: [{{type: Resource, resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 70}}}}}}]
"
    )
}

/// A Job that is run once.
pub(crate) fn job(name: &str, fault: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: {name}}}
spec:
  backoffLimit: 0
  template:
    metadata: {{labels: {{app: {name}{label}}}}}
    spec:
      restartPolicy: Never
      containers: [{{name: main, image: \"{name}:v1\"}}]
",
        label = fault_label(fault)
    )
}

fn fault_label(fault: &str) -> String {
    if fault.is_empty() {
        String::new()
    } else {
        format!(", sandbox.deployctl.dev/fault: {fault}")
    }
}

/// A Service in front of the pods of `name`.
pub(crate) fn service(name: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: 8080}}]{more}}}\n"
    )
}

/// A claim of a storage class.
pub(crate) fn claim(name: &str, class: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec: {{accessModes: [ReadWriteOnce], storageClassName: {class}, resources: {{requests: {{storage: 1Gi}}}}}}\n"
    )
}

/// A `CustomResourceDefinition` in a group of the test's own.
pub(crate) fn definition(group: &str) -> String {
    definition_of("Widget", group, "size: {type: integer}")
}

/// A `CustomResourceDefinition` of `kind`, whose spec has `fields`, with a comma between them.
pub(crate) fn definition_of(kind: &str, group: &str, fields: &str) -> String {
    let singular = kind.to_lowercase();
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {singular}s.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: {kind}, plural: {singular}s, singular: {singular}}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}}}
"
    )
}

/// An object of the kind that [`definition`] defines.
pub(crate) fn widget(group: &str, size: &str) -> String {
    format!(
        "apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: first}}\nspec: {{size: {size}}}\n"
    )
}

/// Several manifests in one file.
pub(crate) fn documents<S: AsRef<str>>(manifests: &[S]) -> String {
    manifests
        .iter()
        .map(AsRef::as_ref)
        .collect::<Vec<_>>()
        .join("---\n")
}
