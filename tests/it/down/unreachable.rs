//! An API service that nobody answers for holds every namespace of its cluster, so it gets a
//! cluster of its own.

use super::{manifests::config_map, project::Project};
use crate::support::{Deployctl, PROGRAM};

const API_SERVICE: &str = "apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.unreachable.shop.test}
spec:
  group: unreachable.shop.test
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {namespace: default, name: nobody}
";

/// What is deployed and taken down in that cluster; each status is printed, with what was said.
const SCRIPT: &str = "
kubectl apply -f api-service.yaml
until kubectl get apiservice/v1.unreachable.shop.test -o jsonpath='{.status.conditions[0].status}' | grep -q False; do sleep 0.2; done
$DEPLOYCTL up down-unreachable --yes; echo \"up $?\"
$DEPLOYCTL down down-unreachable --yes --delete-timeout 8s 2>&1; echo \"down $?\"
kubectl delete apiservice/v1.unreachable.shop.test
$DEPLOYCTL down down-unreachable --yes; echo \"down again $?\"
kubectl get namespace down-unreachable --ignore-not-found
";

#[test]
fn a_namespace_that_an_unreachable_api_service_holds_is_named_with_it() {
    let project = Project::new("down-unreachable")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.write("api-service.yaml", API_SERVICE);
    let run = Deployctl::new()
        .env("DEPLOYCTL", PROGRAM)
        .current_dir(project.folder());
    let said = run
        .args(["sandbox", "run", "--nodes", "1", "--", "sh", "-c", SCRIPT])
        .run()
        .exited(0);
    let order = [
        "up 0",
        "Namespace/down-unreachable",
        "unreachable.shop.test/v1",
        "down 3",
        "down again 0",
    ];
    let mut rest = said.stdout.as_str();
    for part in order {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("`{part}` is missing:\n{}\n{}", said.stdout, said.stderr)
        };
        rest = after;
    }
    assert_eq!(rest.trim(), "", "the namespace is gone");
}
