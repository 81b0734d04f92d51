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
    Error: plans/shop.yaml has 12 errors
    plans/shop.yaml:4:3: `newest` is not a version requirement; write for example `>=1.26` or `>=1.26, <1.36`
      4 |   kubernetes: newest
        |   ^^^^^^^^^^
    plans/shop.yaml:5:20: `Fast` cannot be the name of a StorageClass
      5 |   storageClasses: [Fast]
        |                    ^^^^
    plans/shop.yaml:6:20: `ng_inx` cannot be the name of an IngressClass
      6 |   ingressClasses: [ng_inx]
        |                    ^^^^^^
    plans/shop.yaml:7:11: `certificates` cannot be the name of a CustomResourceDefinition; write for example `certificates.cert-manager.io`
      7 |   crds: [{name: certificates}]
        |           ^^^^
    plans/shop.yaml:8:10: `metrics.k8s.io` is not an API group with its version; write for example `metrics.k8s.io/v1beta1`
      8 |   apis: [metrics.k8s.io]
        |          ^^^^^^^^^^^^^^
    plans/shop.yaml:9:12: `bin/helm` is not the name of a program; it is looked for on the `PATH`
      9 |   tools: [{name: bin/helm}, {name: sops, version: ~3}]
        |            ^^^^
    plans/shop.yaml:9:42: `~3` is not a version requirement; write for example `>=3.14`
      9 |   tools: [{name: bin/helm}, {name: sops, version: ~3}]
        |                                          ^^^^^^^
    plans/shop.yaml:10:15: `many` is not a quantity; write for example `4` or `3500m`
      10 |   resources: {cpu: many, memory: 16GB}
         |               ^^^
    plans/shop.yaml:10:26: `16GB` is not a quantity; write for example `16Gi`
      10 |   resources: {cpu: many, memory: 16GB}
         |                          ^^^^^^
    plans/shop.yaml:11:28: `count` must be at least 1
      11 |   nodes: [{labels: {a: b}, count: 0}]
         |                            ^^^^^
    plans/shop.yaml:12:14: `operators` is not a release; write its plan and environment, for example `operators.default`
      12 |   releases: [operators, shop.default]
         |              ^^^^^^^^^
    plans/shop.yaml:12:25: `shop.default` is this release itself; take it out
      12 |   releases: [operators, shop.default]
         |                         ^^^^^^^^^^^^
    ");
}
