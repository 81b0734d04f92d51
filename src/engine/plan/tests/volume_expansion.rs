//! How claims and claim templates become larger, and never smaller.

use insta::assert_snapshot;

use super::given::grow;

#[test]
fn claims_grow_with_their_template() {
    assert_snapshot!(grow("
        desired: {StatefulSet/db: {claims: {data: 2Gi}}}
        live:
          StatefulSet/db: {claims: {data: 1Gi}}
          PersistentVolumeClaim/data-db-0: {size: 1Gi}
          PersistentVolumeClaim/data-db-1: {size: 2048Mi}
          PersistentVolumeClaim/data-other-0: {size: 1Gi}
          PersistentVolumeClaim/data-db-2: {}
    "), @r"
    StatefulSet/db: Grow
    PersistentVolumeClaim/data-db-0 to 2Gi
    StatefulSet/db going back: 2Gi
    ");
}

#[test]
fn a_template_that_asks_for_less_shrinks_and_keeps_its_size_on_the_way_back() {
    assert_snapshot!(grow("
        desired: {StatefulSet/db: {claims: {data: 500Mi}}}
        live: {StatefulSet/db: {claims: {data: 1Gi}}}
    "), @r#"
    StatefulSet/db: Shrink { name: "data", from: "1Gi" }
    StatefulSet/db going back: 1Gi
    "#);
}

#[test]
fn a_template_that_changes_otherwise_does_not_grow() {
    assert_snapshot!(grow("
        desired:
          StatefulSet/renamed: {claims: {new: 2Gi}}
          StatefulSet/one-more: {claims: {data: 1Gi, logs: 1Gi}}
          StatefulSet/same: {claims: {data: 1024Mi}}
        live:
          StatefulSet/renamed: {claims: {data: 1Gi}}
          StatefulSet/one-more: {claims: {data: 1Gi}}
          StatefulSet/same: {claims: {data: 1Gi}}
    "), @r"
    StatefulSet/renamed: Other
    StatefulSet/one-more: Other
    StatefulSet/same: Other
    StatefulSet/renamed going back: 2Gi
    StatefulSet/one-more going back: 1Gi, 1Gi
    StatefulSet/same going back: 1024Mi
    ");
}
