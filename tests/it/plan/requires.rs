//! `requires` in the plan: what is checked without a cluster.

use super::refused_small;

#[test]
fn what_is_required_is_checked_as_far_as_it_can_be_without_a_cluster() {
    insta::assert_snapshot!(refused_small("requires:
  kubernetes: newest
  storageClasses: [Fast]
  ingressClasses: [ng_inx]
  crds: [{name: certificates}]
  apis: [metrics.k8s.io]
  tools: [{name: bin/helm}, {name: sops, version: ~3}]
  resources: {cpu: many, memory: 16GB}
  nodes: [{labels: {a: b}, count: 0}]
  releases: [operators, shop.default]
"), @r"
    ");
}
