//! The order of a rollback: what is put back when, what is waited for, which pods restart.

use insta::assert_snapshot;

use super::given::rollback;

#[test]
fn everything_is_put_back_phase_by_phase_and_then_the_new_goes_last_phase_first() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {phase: databases}, ConfigMap/b: {}}
        changes:
          ConfigMap/a: unconfirmed
          ConfigMap/b: unconfirmed
          ConfigMap/new-a: created 1
          ConfigMap/new-b: created 1
        live:
          ConfigMap/a: {phase: databases}
          ConfigMap/b: {}
          ConfigMap/new-a: {phase: databases}
          ConfigMap/new-b: {}
    "), @r"
    unconfirmed: ConfigMap/a, ConfigMap/b
    databases
      0 restore ConfigMap/a
      1 await ready: ConfigMap/a ← 0
    apps
      2 restore ConfigMap/b ← 1
      3 await ready: ConfigMap/b ← 2
      4 delete ConfigMap/new-b of uid 1 ← 3
      5 await gone: ConfigMap/new-b; phase ends ← 4
    databases
      6 delete ConfigMap/new-a of uid 1 ← 5
      7 await gone: ConfigMap/new-a; phase ends ← 6
    ");
}

#[test]
fn what_stands_in_the_way_comes_first_then_what_holds_others_then_what_is_read() {
    assert_snapshot!(rollback("
        snapshot:
          Deployment/web: {image: 1}
          ConfigMap/settings: {}
          Namespace/other: {}
          ValidatingWebhookConfiguration/guard: {}
        changes:
          Deployment/web: deleted
          ConfigMap/settings: deleted
          Namespace/other: deleted
          ValidatingWebhookConfiguration/guard: deleted
    "), @r"
    apps
      0 recreate ValidatingWebhookConfiguration/guard
      1 recreate Namespace/other ← 0
      2 recreate ConfigMap/settings ← 1
      3 recreate Deployment/web ← 2
      4 await ready: ValidatingWebhookConfiguration/guard, ConfigMap/settings; phase ends ← 3
    ");
}

#[test]
fn a_new_webhook_goes_before_anything_is_put_back() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}}
        changes: {ConfigMap/a: unconfirmed, ValidatingWebhookConfiguration/guard: created 1, ConfigMap/new: created 1}
        live: {ConfigMap/a: {}, ValidatingWebhookConfiguration/guard: {}, ConfigMap/new: {}}
    "), @r"
    unconfirmed: ConfigMap/a
    apps
      0 delete ValidatingWebhookConfiguration/guard of uid 1
      1 await gone: ValidatingWebhookConfiguration/guard; phase ends ← 0
      2 restore ConfigMap/a ← 1
      3 await ready: ConfigMap/a ← 2
      4 delete ConfigMap/new of uid 1 ← 3
      5 await gone: ConfigMap/new; phase ends ← 4
    ");
}

#[test]
fn a_webhook_that_was_repaired_first_is_put_back_last() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}, ValidatingWebhookConfiguration/guard: {}}
        changes: {ConfigMap/a: unconfirmed, ValidatingWebhookConfiguration/guard: unconfirmed}
        live: {ConfigMap/a: {}, ValidatingWebhookConfiguration/guard: {}}
        program: [apply ValidatingWebhookConfiguration/guard]
    "), @r"
    unconfirmed: ConfigMap/a, ValidatingWebhookConfiguration/guard
    apps
      0 restore ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    others
      2 restore ValidatingWebhookConfiguration/guard ← 1
      3 await ready: ValidatingWebhookConfiguration/guard; phase ends ← 2
    ");
}

#[test]
fn a_webhook_that_was_repaired_first_is_put_back_after_deletions_too() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}, ValidatingWebhookConfiguration/guard: {}}
        changes: {ConfigMap/a: unconfirmed, ConfigMap/new: created 1, ValidatingWebhookConfiguration/guard: unconfirmed}
        live: {ConfigMap/a: {}, ConfigMap/new: {}, ValidatingWebhookConfiguration/guard: {}}
        program: [apply ValidatingWebhookConfiguration/guard]
    "), @r"
    unconfirmed: ConfigMap/a, ValidatingWebhookConfiguration/guard
    apps
      0 restore ConfigMap/a
      1 await ready: ConfigMap/a ← 0
      2 delete ConfigMap/new of uid 1 ← 1
      3 await gone: ConfigMap/new; phase ends ← 2
    others
      4 restore ValidatingWebhookConfiguration/guard ← 3
      5 await ready: ValidatingWebhookConfiguration/guard; phase ends ← 4
    ");
}

#[test]
fn what_left_with_its_phase_comes_last_but_what_holds_others_first() {
    assert_snapshot!(rollback("
        snapshot:
          ConfigMap/a: {}
          Namespace/former: {phase: others}
          ConfigMap/former/b: {phase: others}
        changes: {ConfigMap/a: unconfirmed, Namespace/former: deleted, ConfigMap/former/b: deleted}
        live: {ConfigMap/a: {}}
    "), @r"
    unconfirmed: ConfigMap/a
    others
      0 recreate Namespace/former
      1 await ready: nothing ← 0
    apps
      2 restore ConfigMap/a ← 1
      3 await ready: ConfigMap/a; phase ends ← 2
    others
      4 recreate ConfigMap/former/b ← 3
      5 await ready: ConfigMap/former/b; phase ends ← 4
    ");
}

#[test]
fn a_container_of_a_phase_that_is_known_waits_for_its_turn() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {phase: databases}, Namespace/other: {}}
        changes: {ConfigMap/a: unconfirmed, Namespace/other: deleted}
        live: {ConfigMap/a: {phase: databases}}
    "), @r"
    unconfirmed: ConfigMap/a
    databases
      0 restore ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    apps
      2 recreate Namespace/other ← 1
      3 await ready: nothing; phase ends ← 2
    ");
}

#[test]
fn the_early_part_of_others_ends_them_where_nothing_else_is_in_them() {
    assert_snapshot!(rollback("
        snapshot: {Namespace/former: {phase: others}}
        changes: {Namespace/former: deleted, Namespace/new: created 1}
        live: {Namespace/new: {phase: apps}}
    "), @r"
    others
      0 recreate Namespace/former
      1 await ready: nothing; phase ends ← 0
    apps
      2 delete if empty Namespace/new of uid 1 ← 1
      3 await gone: Namespace/new; phase ends ← 2
    ");
}

#[test]
fn others_go_on_where_something_of_them_is_to_go() {
    assert_snapshot!(rollback("
        snapshot: {Namespace/former: {phase: others}}
        changes: {Namespace/former: deleted, ConfigMap/new: created 1}
        live: {ConfigMap/new: {phase: others}}
    "), @r"
    others
      0 recreate Namespace/former
      1 await ready: nothing ← 0
      2 delete ConfigMap/new of uid 1 ← 1
      3 await gone: ConfigMap/new; phase ends ← 2
    ");
}

#[test]
fn new_namespaces_and_definitions_go_last_if_they_are_empty() {
    assert_snapshot!(rollback("
        changes:
          Namespace/new: created 1
          CustomResourceDefinition/widgets.example.org: created 1
          Widget/a: created 1
          ConfigMap/new/b: created 1
        live:
          Namespace/new: {phase: databases}
          CustomResourceDefinition/widgets.example.org: {phase: databases}
          Widget/a: {}
          ConfigMap/new/b: {}
    "), @r"
    apps
      0 delete ConfigMap/new/b of uid 1
      1 delete Widget/a of uid 1
      2 await gone: ConfigMap/new/b, Widget/a; phase ends ← 0 1
    databases
      3 delete if empty CustomResourceDefinition/widgets.example.org of uid 1 ← 2
      4 await gone: CustomResourceDefinition/widgets.example.org ← 3
      5 delete if empty Namespace/new of uid 1 ← 4
      6 await gone: Namespace/new; phase ends ← 5
    ");
}

#[test]
fn a_definition_and_its_objects_come_back_in_this_order() {
    assert_snapshot!(rollback("
        snapshot: {CustomResourceDefinition/widgets.example.org: {}, Widget/a: {}}
        changes: {CustomResourceDefinition/widgets.example.org: deleted, Widget/a: deleted}
    "), @r"
    apps
      0 recreate CustomResourceDefinition/widgets.example.org
      1 recreate Widget/a ← 0
      2 await ready: Widget/a; phase ends ← 1
    ");
}

#[test]
fn only_what_was_ready_before_is_waited_for() {
    assert_snapshot!(rollback("
        snapshot:
          Deployment/was-ready:
            metadata: {generation: 1}
            spec: {replicas: 1}
            status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}
          Deployment/was-not: {spec: {replicas: 1}}
          ConfigMap/a: {}
          PersistentVolumeClaim/data: {status: {phase: Bound}}
        changes:
          Deployment/was-ready: unconfirmed
          Deployment/was-not: unconfirmed
          ConfigMap/a: unconfirmed
          PersistentVolumeClaim/data: unconfirmed
        live:
          Deployment/was-ready: {spec: {replicas: 2}}
          Deployment/was-not: {spec: {replicas: 2}}
          ConfigMap/a: {}
          PersistentVolumeClaim/data: {}
    "), @r"
    unconfirmed: ConfigMap/a, PersistentVolumeClaim/data, Deployment/was-not, Deployment/was-ready
    apps
      0 restore ConfigMap/a
      1 restore PersistentVolumeClaim/data
      2 restore Deployment/was-not
      3 restore Deployment/was-ready
      4 await ready: ConfigMap/a, Deployment/was-ready; phase ends ← 0 1 2 3
    ");
}

#[test]
fn pods_that_started_on_what_is_put_back_are_replaced() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {data: {x: 1}}, Secret/b: {data: {x: 1}}}
        changes: {ConfigMap/a: changed, Secret/b: changed}
        live:
          ConfigMap/a: {data: {x: 2}, appliedAt: 20}
          Secret/b: {data: {x: 2}, appliedAt: 10}
          Deployment/reads-both: {reads: [ConfigMap/a, Secret/b]}
          Deployment/reads-a: {reads: [ConfigMap/a]}
          Deployment/reads-neither: {reads: [ConfigMap/c]}
          Widget/no-workload: {reads: [ConfigMap/a]}
    "), @r"
    apps
      0 restore ConfigMap/a
      1 restore Secret/b
      2 restart pods of Deployment/reads-a since 20 s ← 0 1
      3 restart pods of Deployment/reads-both since 10 s ← 2
      4 await ready: ConfigMap/a, Secret/b; phase ends ← 3
    ");
}

#[test]
fn a_workload_that_gets_its_template_back_gets_other_pods_by_that() {
    assert_snapshot!(rollback("
        snapshot:
          ConfigMap/a: {data: {x: 1}}
          Deployment/template: {image: 1, reads: [ConfigMap/a]}
          Deployment/replicas: {spec: {replicas: 1}, reads: [ConfigMap/a]}
          Deployment/foreign-hand: {image: 1, reads: [ConfigMap/a]}
        changes: {ConfigMap/a: changed, Deployment/template: changed, Deployment/replicas: changed}
        live:
          ConfigMap/a: {data: {x: 2}}
          Deployment/template: {image: 2, reads: [ConfigMap/a]}
          Deployment/replicas: {spec: {replicas: 2}, reads: [ConfigMap/a]}
          Deployment/foreign-hand: {image: 2, reads: [ConfigMap/a]}
    "), @r"
    apps
      0 restore ConfigMap/a
      1 restore Deployment/replicas ← 0
      2 restore Deployment/template ← 0
      3 restart pods of Deployment/foreign-hand since 00 s ← 1 2
      4 restart pods of Deployment/replicas since 00 s ← 3
      5 await ready: ConfigMap/a; phase ends ← 4
    ");
}

#[test]
fn what_is_no_configuration_restarts_nothing() {
    assert_snapshot!(rollback("
        snapshot: {Widget/a: {data: {x: 1}}}
        changes: {Widget/a: changed}
        live:
          Widget/a: {data: {x: 2}}
          Deployment/reads-a: {reads: [ConfigMap/a, Secret/a]}
    "), @r"
    apps
      0 restore Widget/a
      1 await ready: Widget/a; phase ends ← 0
    ");
}

#[test]
fn what_a_killed_way_back_has_given_back_restarts_what_started_since_the_run_began() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {data: {x: 1}, by: [helm]}}
        changes: {ConfigMap/a: unconfirmed}
        live:
          ConfigMap/a: {data: {x: 1}, by: [helm]}
          Deployment/reads-a: {reads: [ConfigMap/a]}
    "), @r"
    unconfirmed: ConfigMap/a
    apps
      0 restore ConfigMap/a
      1 restart pods of Deployment/reads-a since 09 s ← 0
      2 await ready: ConfigMap/a; phase ends ← 1
    ");
}

#[test]
fn what_is_put_back_and_was_never_applied_restarts_nothing() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {data: {x: 1}, by: [helm]}}
        changes: {ConfigMap/a: changed}
        live:
          ConfigMap/a: {data: {x: 2}, by: [helm]}
          Deployment/reads-a: {reads: [ConfigMap/a]}
    "), @r"
    apps
      0 restore ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_has_what_only_one_can_have_goes_or_gives_it_up_before_that_is_put_back() {
    assert_snapshot!(rollback("
        snapshot:
          Service/web: {spec: {ports: [{nodePort: 30821}]}}
          Service/api: {spec: {ports: [{nodePort: 30822}]}}
          Service/swapped: {spec: {ports: [{nodePort: 30823}]}}
        changes:
          Service/web: deleted
          Service/api: changed
          Service/swapped: changed
          Service/front: created 1
          Service/other: created 1
        live:
          Service/front: {spec: {ports: [{nodePort: 30821}]}}
          Service/api: {spec: {ports: [{nodePort: 30824}]}}
          Service/swapped: {spec: {ports: []}}
          Service/other: {spec: {ports: [{nodePort: 30825}]}}
    "), @r"
    apps
      0 delete Service/front of uid 1
      1 await gone: Service/front; phase ends ← 0
      2 restore Service/api ← 1
      3 restore Service/swapped ← 2
      4 recreate Service/web ← 2
      5 await ready: Service/api, Service/swapped, Service/web ← 3 4
      6 delete Service/other of uid 1 ← 5
      7 await gone: Service/other; phase ends ← 6
    ");
}
