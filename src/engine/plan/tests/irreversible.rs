//! What cannot be put back whatever is tried.

use insta::assert_snapshot;

use super::given::{rollback, unserved};

#[test]
fn of_a_grown_claim_everything_but_its_size_is_put_back() {
    assert_snapshot!(rollback("
        snapshot:
          PersistentVolumeClaim/grown: {size: 1Gi}
          PersistentVolumeClaim/labelled: {metadata: {labels: {a: x}}, size: 1Gi}
          PersistentVolumeClaim/same-size: {metadata: {labels: {a: x}}, size: 1Gi}
        changes:
          PersistentVolumeClaim/grown: changed
          PersistentVolumeClaim/labelled: changed
          PersistentVolumeClaim/same-size: changed
        live:
          PersistentVolumeClaim/grown: {size: 2Gi}
          PersistentVolumeClaim/labelled: {metadata: {labels: {a: y}}, size: 2Gi}
          PersistentVolumeClaim/same-size: {metadata: {labels: {a: y}}, size: 1Gi}
    "), @r"
    irreversible PersistentVolumeClaim/grown: has grown to 2Gi, and a claim cannot shrink
    irreversible PersistentVolumeClaim/labelled: has grown to 2Gi, and a claim cannot shrink
    apps
      0 restore PersistentVolumeClaim/labelled
      1 restore PersistentVolumeClaim/same-size
      2 await ready: nothing; phase ends ← 0 1
    ");
}

#[test]
fn a_definition_keeps_the_version_that_objects_are_stored_in() {
    assert_snapshot!(rollback("
        snapshot:
          CustomResourceDefinition/moved: {spec: {versions: [{name: v1}]}, status: {storedVersions: [v1]}}
          CustomResourceDefinition/not-yet: {spec: {versions: [{name: v1}]}, status: {storedVersions: [v1]}}
        changes: {CustomResourceDefinition/moved: changed, CustomResourceDefinition/not-yet: changed}
        live:
          CustomResourceDefinition/moved: {spec: {versions: [{name: v1}, {name: v2}]}, status: {storedVersions: [v1, v2]}}
          CustomResourceDefinition/not-yet: {spec: {versions: [{name: v1}, {name: v2}]}, status: {storedVersions: [v1]}}
    "), @r"
    irreversible CustomResourceDefinition/moved: is not restored: objects are stored in version `v2`, which it did not have
    apps
      0 restore CustomResourceDefinition/not-yet
      1 await ready: nothing; phase ends ← 0
    ");
}

#[test]
fn what_is_of_a_kind_that_is_not_served_any_more_is_named_where_it_was_there() {
    assert_snapshot!(unserved("
        snapshot: {Widget/was-there: {}, ConfigMap/a: {}}
        changes: {Widget/was-there: deleted, Widget/new: created 1, ConfigMap/a: deleted}
    ", "Widget", &["Widget/was-there", "Widget/new"]), @r"
    irreversible Widget/was-there: is not restored: its kind is not served any more
    put back: ConfigMap/a
    ");
}

#[test]
fn what_is_of_a_kind_that_is_only_not_served_now_does_not_fall_out() {
    assert_snapshot!(unserved("
        snapshot: {Widget/was-there: {}, ConfigMap/a: {}}
        changes: {Widget/was-there: deleted, Widget/new: created 1, ConfigMap/a: deleted}
    ", "Widget", &["Widget/was-there"]), @r"
    irreversible Widget/was-there: is not restored: its kind is not served any more
    put back: ConfigMap/a, Widget/new
    ");
}

#[test]
fn of_a_claim_whose_write_nobody_saw_the_size_is_left_too() {
    assert_snapshot!(rollback("
        snapshot: {PersistentVolumeClaim/a: {size: 1Gi}, PersistentVolumeClaim/labelled: {metadata: {labels: {a: x}}, size: 1Gi}}
        changes: {PersistentVolumeClaim/a: unconfirmed, PersistentVolumeClaim/labelled: unconfirmed}
        live: {PersistentVolumeClaim/a: {size: 2Gi}, PersistentVolumeClaim/labelled: {metadata: {labels: {a: y}}, size: 2Gi}}
    "), @r"
    irreversible PersistentVolumeClaim/a: has grown to 2Gi, and a claim cannot shrink
    irreversible PersistentVolumeClaim/labelled: has grown to 2Gi, and a claim cannot shrink
    apps
      0 restore PersistentVolumeClaim/labelled
      1 await ready: nothing; phase ends ← 0
    ");
}
