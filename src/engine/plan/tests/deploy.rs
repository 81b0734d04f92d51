//! The program of a deployment: what is written when, and what is waited for.

use insta::assert_snapshot;

use super::given::deploy;

#[test]
fn a_phase_begins_when_everything_of_the_one_before_is_ready() {
    assert_snapshot!(deploy("
        desired:
          Deployment/web: {}
          ConfigMap/settings: {}
          StatefulSet/db: {phase: databases}
    "), @r"
    databases
      0 apply StatefulSet/db
      1 await ready: StatefulSet/db; phase ends ← 0
    apps
      2 apply Deployment/web ← 1
      3 apply ConfigMap/settings ← 1
      4 await ready: Deployment/web, ConfigMap/settings; phase ends ← 1 2 3
    ");
}

#[test]
fn phases_that_do_not_wait_for_each_other_run_side_by_side() {
    assert_snapshot!(deploy("
        phases: {left: [], right: [], last: [left, right]}
        desired:
          ConfigMap/a: {phase: left}
          ConfigMap/b: {phase: right}
          ConfigMap/c: {phase: last}
    "), @r"
    left
      0 apply ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    right
      2 apply ConfigMap/b
      3 await ready: ConfigMap/b; phase ends ← 2
    last
      4 apply ConfigMap/c ← 1 3
      5 await ready: ConfigMap/c; phase ends ← 1 3 4
    ");
}

#[test]
fn inside_a_phase_everything_comes_after_what_it_needs_alone() {
    assert_snapshot!(deploy("
        desired:
          ConfigMap/settings: {}
          Secret/password: {}
          Deployment/web: {after: [ConfigMap/settings], priority: 3}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply ConfigMap/settings ← 0
      2 apply Secret/password ← 0
      3 apply Deployment/web, priority 3 ← 0 1
      4 await ready: ConfigMap/settings, Secret/password, Deployment/web; phase ends ← 0 1 2 3
    ");
}

#[test]
fn what_is_needed_and_is_left_alone_is_not_waited_for() {
    assert_snapshot!(deploy("
        desired: {ConfigMap/settings: {}, Deployment/web: {after: [ConfigMap/settings]}}
        live: {ConfigMap/settings: {}}
        records: {ConfigMap/settings: {}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply Deployment/web ← 0
      2 await ready: ConfigMap/settings, Deployment/web; phase ends ← 0 1
    ");
}

#[test]
fn what_is_left_alone_is_still_to_be_ready() {
    assert_snapshot!(deploy("
        desired: {ConfigMap/a: {}}
        live: {ConfigMap/a: {}}
        records: {ConfigMap/a: {}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await ready: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn a_phase_that_is_not_run_hands_on_what_it_comes_after() {
    assert_snapshot!(deploy("
        phases: {first: [], middle: [first], last: [middle]}
        selection: [first, last]
        desired:
          ConfigMap/a: {phase: first}
          ConfigMap/b: {phase: middle}
          ConfigMap/c: {phase: last}
    "), @r"
    first
      0 apply ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    last
      2 apply ConfigMap/c ← 1
      3 await ready: ConfigMap/c; phase ends ← 1 2
    ");
}

#[test]
fn two_ways_to_the_same_phase_are_one() {
    assert_snapshot!(deploy("
        phases: {base: [], left: [base], right: [base], last: [left, right]}
        selection: [base, last]
        desired: {ConfigMap/a: {phase: base}, ConfigMap/b: {phase: last}}
    "), @r"
    base
      0 apply ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    last
      2 apply ConfigMap/b ← 1
      3 await ready: ConfigMap/b; phase ends ← 1 2
    ");
}

#[test]
fn a_definition_is_established_before_its_objects_are_written() {
    assert_snapshot!(deploy("
        desired:
          CustomResourceDefinition/widgets.example.org: {}
          Widget/a: {after: [CustomResourceDefinition/widgets.example.org]}
          Widget/b: {after: [CustomResourceDefinition/widgets.example.org]}
          ConfigMap/c: {}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply CustomResourceDefinition/widgets.example.org ← 0
      2 apply Widget/a ← 0 1 5
      3 apply Widget/b ← 0 1 5
      4 apply ConfigMap/c ← 0
      5 await ready: CustomResourceDefinition/widgets.example.org ← 1
      6 await ready: CustomResourceDefinition/widgets.example.org, Widget/a, Widget/b, ConfigMap/c; phase ends ← 0 1 2 3 4
    ");
}

#[test]
fn a_definition_without_objects_of_its_phase_is_awaited_with_the_phase() {
    assert_snapshot!(deploy("
        desired:
          CustomResourceDefinition/widgets.example.org: {phase: databases}
          Widget/a: {after: [CustomResourceDefinition/widgets.example.org]}
    "), @r"
    databases
      0 apply CustomResourceDefinition/widgets.example.org
      1 await ready: CustomResourceDefinition/widgets.example.org; phase ends ← 0
    apps
      2 apply Widget/a ← 1
      3 await ready: Widget/a; phase ends ← 1 2
    ");
}

#[test]
fn several_definitions_are_established_one_by_one() {
    assert_snapshot!(deploy("
        desired:
          CustomResourceDefinition/b: {}
          CustomResourceDefinition/a: {}
          Widget/of-a: {after: [CustomResourceDefinition/a]}
          Widget/of-b: {after: [CustomResourceDefinition/b]}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply CustomResourceDefinition/b ← 0
      2 apply CustomResourceDefinition/a ← 0
      3 apply Widget/of-a ← 0 2 6
      4 apply Widget/of-b ← 0 1 5
      5 await ready: CustomResourceDefinition/b ← 1
      6 await ready: CustomResourceDefinition/a ← 2
      7 await ready: CustomResourceDefinition/b, CustomResourceDefinition/a, Widget/of-a, Widget/of-b; phase ends ← 0 1 2 3 4
    ");
}

#[test]
fn admission_webhooks_come_once_everything_else_is_ready() {
    assert_snapshot!(deploy("
        desired:
          ValidatingWebhookConfiguration/guard: {last: true}
          Deployment/guard: {}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply Deployment/guard ← 0
      2 await ready: Deployment/guard ← 0 1
      3 apply ValidatingWebhookConfiguration/guard ← 2
      4 await ready: ValidatingWebhookConfiguration/guard, Deployment/guard; phase ends ← 3
    ");
}

#[test]
fn a_webhook_does_not_wait_for_the_job_that_installs_it() {
    assert_snapshot!(deploy("
        desired:
          ValidatingWebhookConfiguration/guard: {last: true}
          Deployment/guard: {}
          Job/patch-guard: {}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply Deployment/guard ← 0
      2 apply Job/patch-guard ← 0
      3 await ready: Deployment/guard ← 0 1 2
      4 apply ValidatingWebhookConfiguration/guard ← 3
      5 await ready: ValidatingWebhookConfiguration/guard, Deployment/guard, Job/patch-guard; phase ends ← 4
    ");
}

#[test]
fn a_dead_webhook_is_repaired_before_everything_that_it_refuses() {
    assert_snapshot!(deploy("
        desired:
          ValidatingWebhookConfiguration/guard: {last: true}
          Deployment/guard: {}
          ConfigMap/settings: {phase: databases}
        live: {ValidatingWebhookConfiguration/guard: {}}
        decisions: {ValidatingWebhookConfiguration/guard: dead}
    "), @r"
    databases
      0 apply ValidatingWebhookConfiguration/guard
      1 apply ConfigMap/settings ← 0
      2 await ready: ConfigMap/settings; phase ends ← 0 1
    apps
      3 apply Deployment/guard ← 2
      4 await ready: ValidatingWebhookConfiguration/guard, Deployment/guard; phase ends ← 2 3
    ");
}

#[test]
fn a_dead_webhook_that_is_not_wanted_any_more_goes_before_everything_else() {
    assert_snapshot!(deploy("
        desired: {ConfigMap/a: {}}
        live: {ConfigMap/old: {}, ValidatingWebhookConfiguration/guard: {}}
        records: {ConfigMap/old: {}, ValidatingWebhookConfiguration/guard: {}}
        decisions: {ValidatingWebhookConfiguration/guard: dead}
    "), @r"
    apps
      0 delete ValidatingWebhookConfiguration/guard of uid 1
    databases
      1 await ready: nothing; phase ends ← 0
    apps
      2 apply ConfigMap/a ← 1
      3 await ready: ConfigMap/a; phase ends ← 1 2
    prune
      4 delete ConfigMap/old of uid 1 ← 1 3
      5 await gone: ConfigMap/old; phase ends ← 4
    ");
}

#[test]
fn what_controllers_of_a_phase_are_to_define_is_awaited_with_it() {
    assert_snapshot!(deploy("
        desired: {Deployment/operator: {phase: databases}, ConfigMap/a: {}}
        decisions: {CustomResourceDefinition/widgets: expected in databases}
    "), @r"
    databases
      0 apply Deployment/operator
      1 await ready: Deployment/operator, CustomResourceDefinition/widgets; phase ends ← 0
    apps
      2 apply ConfigMap/a ← 1
      3 await ready: ConfigMap/a; phase ends ← 1 2
    ");
}

#[test]
fn a_webhook_that_is_left_alone_delays_nothing() {
    assert_snapshot!(deploy("
        desired:
          ValidatingWebhookConfiguration/guard: {last: true}
          Deployment/guard: {}
        live: {ValidatingWebhookConfiguration/guard: {}}
        records: {ValidatingWebhookConfiguration/guard: {}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply Deployment/guard ← 0
      2 await ready: ValidatingWebhookConfiguration/guard, Deployment/guard; phase ends ← 0 1
    ");
}

#[test]
fn what_is_being_deleted_is_awaited_and_created_anew() {
    assert_snapshot!(deploy("
        desired: {ConfigMap/a: {}, Deployment/web: {after: [ConfigMap/a]}}
        live: {ConfigMap/a: {deleting: true}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await gone: ConfigMap/a, required ← 0
      2 apply ConfigMap/a ← 0 1
      3 apply Deployment/web ← 0 2
      4 await ready: ConfigMap/a, Deployment/web; phase ends ← 0 2 3
    ");
}

#[test]
fn what_cannot_be_changed_is_deleted_and_created_anew() {
    assert_snapshot!(deploy("
        desired: {Deployment/web: {}, ConfigMap/a: {phase: databases}}
        live: {Deployment/web: {uid: old}}
        decisions: {Deployment/web: replace}
    "), @r"
    databases
      0 apply ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    apps
      2 delete Deployment/web of uid old ← 1
      3 await gone: Deployment/web, required ← 2
      4 apply Deployment/web ← 1 3
      5 await ready: Deployment/web; phase ends ← 1 4
    ");
}

#[test]
fn what_is_to_be_replaced_and_is_gone_is_created() {
    assert_snapshot!(deploy("
        desired: {Deployment/web: {}}
        decisions: {Deployment/web: replace}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply Deployment/web ← 0
      2 await ready: Deployment/web; phase ends ← 0 1
    ");
}

#[test]
fn pods_and_claims_of_a_stateful_set_stay_for_its_successor_and_grow_with_it() {
    assert_snapshot!(deploy("
        desired: {StatefulSet/db: {}}
        live: {StatefulSet/db: {}}
        decisions: {StatefulSet/db: 'replace, grow PersistentVolumeClaim/data-db-0 to 2Gi'}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 delete StatefulSet/db of uid 1, what belongs to it stays ← 0
      2 await gone: StatefulSet/db, required ← 1
      3 apply StatefulSet/db ← 0 2
      4 expand PersistentVolumeClaim/data-db-0 to 2Gi ← 3
      5 await ready: StatefulSet/db; phase ends ← 0 3 4
    ");
}

#[test]
fn what_somebody_changed_at_a_terminal_is_taken_over() {
    assert_snapshot!(deploy("
        desired: {ConfigMap/a: {}}
        live: {ConfigMap/a: {}}
        decisions: {ConfigMap/a: forced}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply ConfigMap/a, forced ← 0
      2 await ready: ConfigMap/a; phase ends ← 0 1
    ");
}

#[test]
fn a_job_that_has_run_and_has_removed_itself_is_not_waited_for() {
    assert_snapshot!(deploy("
        desired: {Job/migrate: {}, ConfigMap/a: {}}
        records: {Job/migrate: {completed: true}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply ConfigMap/a ← 0
      2 await ready: ConfigMap/a; phase ends ← 0 1
    ");
}

#[test]
fn a_job_that_has_run_and_is_there_is_waited_for() {
    assert_snapshot!(deploy("
        desired: {Job/migrate: {}}
        live: {Job/migrate: {}}
        records: {Job/migrate: {completed: true}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await ready: Job/migrate; phase ends ← 0
    ");
}

#[test]
fn what_is_not_wanted_any_more_goes_once_every_phase_is_ready() {
    assert_snapshot!(deploy("
        phases: {left: [], right: []}
        desired: {ConfigMap/a: {phase: left}, ConfigMap/b: {phase: right}}
        live: {ConfigMap/old: {uid: 7}}
        records: {ConfigMap/old: {phase: left}}
    "), @r"
    left
      0 apply ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    right
      2 apply ConfigMap/b
      3 await ready: ConfigMap/b; phase ends ← 2
    prune
      4 delete ConfigMap/old of uid 7 ← 1 3
      5 await gone: ConfigMap/old; phase ends ← 4
    ");
}

#[test]
fn where_nothing_is_wanted_in_a_phase_it_is_done_at_once() {
    assert_snapshot!(deploy("
        desired: {ConfigMap/a: {}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply ConfigMap/a ← 0
      2 await ready: ConfigMap/a; phase ends ← 0 1
    ");
}

#[test]
fn a_part_of_the_objects_is_a_program_of_these_alone() {
    assert_snapshot!(deploy("
        selection: [ConfigMap/b, Deployment/web]
        desired:
          ConfigMap/a: {phase: databases}
          ConfigMap/b: {}
          Deployment/web: {after: [ConfigMap/b]}
          Deployment/api: {}
    "), @r"
    apps
      0 apply ConfigMap/b
      1 apply Deployment/web ← 0
      2 await ready: ConfigMap/b, Deployment/web; phase ends ← 0 1
    ");
}

#[test]
fn what_is_declared_to_come_later_waits_until_the_first_is_ready() {
    assert_snapshot!(deploy("
        desired:
          Deployment/db: {}
          Deployment/web: {ready: [Deployment/db]}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 apply Deployment/db ← 0
      2 apply Deployment/web ← 0 3
      3 await ready: Deployment/db ← 0 1
      4 await ready: Deployment/db, Deployment/web; phase ends ← 0 1 2
    ");
}

#[test]
fn what_has_what_only_one_can_have_goes_before_who_needs_it() {
    assert_snapshot!(deploy("
        desired: {Service/front: {}, Service/back: {}, ConfigMap/a: {}}
        live: {Service/web: {}, ConfigMap/old: {}}
        records: {Service/web: {}, ConfigMap/old: {}}
        decisions: {Service/front: freed by Service/web, Service/back: freed by Service/web}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 delete Service/web of uid 1 ← 0
      2 await gone: Service/web, required ← 1
      3 apply Service/front ← 0 2
      4 apply Service/back ← 0 2
      5 apply ConfigMap/a ← 0
      6 await ready: Service/front, Service/back, ConfigMap/a; phase ends ← 0 3 4 5
    prune
      7 delete ConfigMap/old of uid 1 ← 0 6
      8 await gone: ConfigMap/old; phase ends ← 7
    ");
}
