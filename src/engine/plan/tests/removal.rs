//! The order in which things go: of a release that is taken down, and of what is pruned.

use insta::assert_snapshot;

use super::given::{deploy, remove};

#[test]
fn the_last_phase_goes_first_and_each_is_awaited() {
    assert_snapshot!(remove("
        live: {StatefulSet/db: {}, Deployment/web: {}, ConfigMap/settings: {}}
        records: {StatefulSet/db: {phase: databases}, Deployment/web: {}, ConfigMap/settings: {}}
    "), @r"
    phases: apps (2), databases (1)
    apps
      0 delete ConfigMap/settings of uid 1
      1 delete Deployment/web of uid 1
      2 await gone: ConfigMap/settings, Deployment/web; phase ends ← 0 1
    databases
      3 delete StatefulSet/db of uid 1 ← 2
      4 await gone: StatefulSet/db; phase ends ← 3
    ");
}

#[test]
fn namespaces_and_definitions_go_after_all_that_is_in_them() {
    assert_snapshot!(remove("
        live:
          Namespace/shop: {}
          CustomResourceDefinition/widgets.example.org: {}
          Widget/a: {}
          ConfigMap/b: {}
        records:
          Namespace/shop: {created: true}
          CustomResourceDefinition/widgets.example.org: {created: true}
          Widget/a: {phase: databases}
          ConfigMap/b: {phase: databases}
    "), @r"
    phases: apps (2), databases (2)
    databases
      0 delete ConfigMap/b of uid 1
      1 delete Widget/a of uid 1
      2 await gone: ConfigMap/b, Widget/a; phase ends ← 0 1
    apps
      3 delete if empty CustomResourceDefinition/widgets.example.org of uid 1 ← 2
      4 await gone: CustomResourceDefinition/widgets.example.org ← 3
      5 delete if empty Namespace/shop of uid 1 ← 4
      6 await gone: Namespace/shop; phase ends ← 5
    ");
}

#[test]
fn what_may_stand_in_the_way_goes_before_everything() {
    assert_snapshot!(remove("
        live:
          ConfigMap/a: {}
          ValidatingWebhookConfiguration/guard: {}
          APIService/v1.metrics: {}
        records:
          ConfigMap/a: {}
          ValidatingWebhookConfiguration/guard: {phase: databases}
          APIService/v1.metrics: {phase: databases}
    "), @r"
    phases: apps (1), databases (2)
    databases
      0 delete ValidatingWebhookConfiguration/guard of uid 1
      1 delete APIService/v1.metrics of uid 1
      2 await gone: ValidatingWebhookConfiguration/guard, APIService/v1.metrics; phase ends ← 0 1
    apps
      3 delete ConfigMap/a of uid 1 ← 2
      4 await gone: ConfigMap/a; phase ends ← 3
    ");
}

#[test]
fn what_belongs_to_no_phase_goes_as_if_it_were_the_last() {
    assert_snapshot!(remove("
        live: {ConfigMap/a: {}, ConfigMap/left-the-plan: {}}
        records: {ConfigMap/a: {}, ConfigMap/left-the-plan: {phase: former}}
    "), @r"
    phases: former (1), apps (1)
    former
      0 delete ConfigMap/left-the-plan of uid 1
      1 await gone: ConfigMap/left-the-plan; phase ends ← 0
    apps
      2 delete ConfigMap/a of uid 1 ← 1
      3 await gone: ConfigMap/a; phase ends ← 2
    ");
}

#[test]
fn what_is_released_is_not_waited_for() {
    assert_snapshot!(remove("
        live: {ConfigMap/shared: {by: [us, helm]}, ConfigMap/a: {}}
        records: {ConfigMap/shared: {}, ConfigMap/a: {}}
    "), @r"
    phases: apps (2)
    apps
      0 release ConfigMap/shared
      1 delete ConfigMap/a of uid 1
      2 await gone: ConfigMap/a; phase ends ← 0 1
    ");
}

#[test]
fn a_phase_ends_when_nothing_of_it_is_to_go_any_more() {
    assert_snapshot!(remove("
        live: {Namespace/shop: {}, ConfigMap/a: {}, ConfigMap/b: {}}
        records: {Namespace/shop: {created: true}, ConfigMap/a: {}, ConfigMap/b: {phase: databases}}
    "), @r"
    phases: apps (2), databases (1)
    apps
      0 delete ConfigMap/a of uid 1
      1 await gone: ConfigMap/a ← 0
    databases
      2 delete ConfigMap/b of uid 1 ← 1
      3 await gone: ConfigMap/b; phase ends ← 2
    apps
      4 delete if empty Namespace/shop of uid 1 ← 3
      5 await gone: Namespace/shop; phase ends ← 4
    ");
}

#[test]
fn what_somebody_has_deleted_already_is_waited_for() {
    assert_snapshot!(remove("
        live: {ConfigMap/going: {deleting: true}, Namespace/shop: {deleting: true}}
        records: {ConfigMap/going: {}, Namespace/shop: {}}
    "), @r"
    phases: apps (2)
    apps
      0 delete ConfigMap/going of uid 1
      1 await gone: ConfigMap/going ← 0
      2 delete if empty Namespace/shop of uid 1 ← 1
      3 await gone: Namespace/shop; phase ends ← 2
    ");
}

#[test]
fn data_stays_with_what_it_needs_where_everything_is_taken_down() {
    assert_snapshot!(remove("
        live:
          Namespace/shop: {}
          StatefulSet/db:
            spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}
            claims: {data: 1Gi}
            reads: [Secret/password]
          PersistentVolumeClaim/data-db-0: {by: []}
          Secret/password: {}
        records:
          Namespace/shop: {created: true}
          StatefulSet/db: {phase: databases}
          Secret/password: {phase: databases}
    "), @r"
    phases: apps (1), databases (1)
    keep Secret/password: StatefulSet/shop/db, whose data on PersistentVolumeClaim/shop/data-db-0 is kept, reads it
    keep PersistentVolumeClaim/data-db-0: it holds the data of StatefulSet/shop/db
    databases
      0 delete StatefulSet/db of uid 1, its claims stay
      1 await gone: StatefulSet/db; phase ends ← 0
    apps
      2 delete if empty Namespace/shop of uid 1 ← 1
      3 await gone: Namespace/shop; phase ends ← 2
    ");
}

#[test]
fn pruning_goes_the_same_way_in_one_phase() {
    assert_snapshot!(deploy("
        live: {StatefulSet/db: {}, Deployment/web: {}, Namespace/shop: {}}
        records: {StatefulSet/db: {phase: databases}, Deployment/web: {}, Namespace/shop: {created: true}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await ready: nothing; phase ends ← 0
    prune
      2 delete Deployment/web of uid 1 ← 0 1
      3 await gone: Deployment/web ← 2
      4 delete StatefulSet/db of uid 1 ← 3
      5 await gone: StatefulSet/db ← 4
      6 delete if empty Namespace/shop of uid 1 ← 5
      7 await gone: Namespace/shop; phase ends ← 6
    ");
}

#[test]
fn nothing_to_remove_is_an_empty_program() {
    assert_snapshot!(remove("
        live: {ConfigMap/a: {by: [helm]}}
        records: {ConfigMap/a: {stored: {}}}
    "), @r"
    phases: none
    forget ConfigMap/a
    ");
}
