//! The metrics API: what pods use is what annotations say, and autoscalers act by it.

use crate::support::Deployctl;

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: web:1, resources: {requests: {cpu: 100m, memory: 64Mi}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
";

/// Waits for the API, deploys, lets the pods use more, and shows what becomes of it.
const SCRIPT: &str = "set -e
kubectl wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=30s >&2
kubectl apply -f web.yaml >&2
kubectl rollout status deployment/web --timeout=30s >&2
kubectl wait --for=condition=ScalingActive hpa/web --timeout=30s >&2
kubectl get hpa web -o jsonpath='{.status.currentMetrics[0].resource.current.averageUtilization} {.status.desiredReplicas}{\"\\n\"}'
kubectl top pods --no-headers
kubectl annotate pods -l app=web sandbox.deployctl.dev/cpu=200m >&2
kubectl wait --for=jsonpath={.status.desiredReplicas}=5 hpa/web --timeout=30s >&2
kubectl wait --for=jsonpath={.status.readyReplicas}=5 deployment/web --timeout=30s >&2
kubectl get deployment web -o jsonpath='{.spec.replicas}{\"\\n\"}'
kubectl get --raw /apis/metrics.k8s.io/v1beta1/namespaces/default/pods/no-such-pod >&2 || echo not found
";

#[test]
fn an_autoscaler_acts_by_what_annotations_say_that_pods_use() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("web.yaml"), WEB).unwrap();
    let outcome = Deployctl::new()
        .current_dir(folder.path())
        .args(["sandbox", "run", "--nodes", "1", "--", "sh", "-c", SCRIPT])
        .run()
        .exited(0);
    let lines: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["50", "2"], "{}", outcome.stdout);
    assert_eq!(
        (lines[1][1..].to_vec(), lines[2][1..].to_vec()),
        (vec!["50m", "32Mi"], vec!["50m", "32Mi"])
    );
    assert_eq!(
        (&lines[3][..], &lines[4][..]),
        (&["5"][..], &["not", "found"][..])
    );
}
