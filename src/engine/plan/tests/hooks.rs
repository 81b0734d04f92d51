//! Hooks of charts: which are run, what is deleted of them and when, and those around a deletion.

use insta::assert_snapshot;

use super::given::{cleanup, decide, decide_back, deploy, remove, revert, rollback, test, wanted};
use crate::{engine::plan::hooks::knows_no_hooks, source::UsedTool};

#[test]
fn hooks_of_an_installation_are_run_where_nothing_of_the_chart_is_there() {
    assert_snapshot!(decide("
        desired:
          Deployment/web: {chart: shop}
          Job/prepare: {chart: shop, hook: [pre-install, pre-upgrade]}
          Job/migrate: {chart: shop, hook: [pre-upgrade]}
          Job/back: {chart: shop, hook: [pre-rollback]}
    "), @r"
    create Deployment/web
    create Job/prepare
    keep Job/migrate
    keep Job/back
    ");
}

#[test]
fn hooks_of_an_upgrade_are_run_anew_where_something_of_the_chart_changes() {
    assert_snapshot!(decide("
        desired:
          Deployment/web: {chart: shop, image: 2}
          Job/prepare: {chart: shop, hook: [pre-install, pre-upgrade]}
          Job/welcome: {chart: shop, hook: [post-install]}
        live: {Deployment/web: {image: 1}, Job/prepare: {}, Job/welcome: {}}
        records: {Deployment/web: {sent: {image: 1}}, Job/prepare: {}, Job/welcome: {}}
    "), @r"
    change Deployment/web
    replace Job/prepare
    keep Job/welcome
    ");
}

#[test]
fn a_hook_that_is_gone_because_it_has_succeeded_is_not_missed() {
    assert_snapshot!(decide("
        desired:
          Deployment/web: {chart: shop}
          Job/prepare: {chart: shop, hook: [pre-install, pre-upgrade], deletedOn: [succeeded]}
          ConfigMap/script: {chart: shop, hook: [pre-install, pre-upgrade], deletedOn: [succeeded]}
        live: {Deployment/web: {}}
        records: {Deployment/web: {}}
    "), @r"
    keep Deployment/web
    keep Job/prepare
    keep ConfigMap/script
    ");
}

#[test]
fn what_has_succeeded_goes_once_all_hooks_of_its_side_have() {
    assert_snapshot!(deploy("
        phases: {apps: []}
        desired:
          ConfigMap/script: {chart: shop, hook: [pre-install], weight: -5, deletedOn: [succeeded]}
          Job/prepare: {chart: shop, hook: [pre-install], after: [ConfigMap/script], ready: [ConfigMap/script]}
          Deployment/web: {chart: shop, after: [Job/prepare], ready: [Job/prepare]}
          Job/welcome: {chart: shop, hook: [post-install], deletedOn: [succeeded], after: [Deployment/web], ready: [Deployment/web]}
    "), @r"
    apps
      0 apply ConfigMap/script
      1 apply Job/prepare ← 0 4
      2 apply Deployment/web ← 1 6
      3 apply Job/welcome ← 2 5
      4 await ready: ConfigMap/script ← 0
      5 await ready: Deployment/web ← 2
      6 await ready: Job/prepare ← 1
      7 await ready: ConfigMap/script, Job/prepare ← 0 1
      8 discard ConfigMap/script ← 7
      9 await gone: ConfigMap/script ← 8
      10 await ready: ConfigMap/script, Job/prepare, Job/welcome ← 0 1 3
      11 discard Job/welcome ← 10
      12 await gone: Job/welcome ← 11
      13 await ready: ConfigMap/script, Job/prepare, Deployment/web, Job/welcome; phase ends ← 0 1 2 3 9 12
    ");
}

#[test]
fn what_hooks_of_both_sides_share_goes_after_the_last_of_them() {
    assert_snapshot!(deploy("
        phases: {apps: []}
        desired:
          ConfigMap/shared: {chart: shop, hook: [pre-install, post-install], deletedOn: [succeeded]}
          Job/prepare: {chart: shop, hook: [pre-install], deletedOn: [succeeded], after: [ConfigMap/shared]}
          Job/welcome: {chart: shop, hook: [post-install], after: [Job/prepare], ready: [Job/prepare]}
          Deployment/web: {chart: shop}
    "), @r"
    apps
      0 apply ConfigMap/shared
      1 apply Job/prepare ← 0
      2 apply Job/welcome ← 1 4
      3 apply Deployment/web
      4 await ready: Job/prepare ← 1
      5 await ready: ConfigMap/shared, Job/prepare ← 0 1
      6 discard Job/prepare ← 5
      7 await gone: Job/prepare ← 6
      8 await ready: ConfigMap/shared, Job/prepare, Job/welcome ← 0 1 2
      9 discard ConfigMap/shared ← 8
      10 await gone: ConfigMap/shared ← 9
      11 await ready: ConfigMap/shared, Job/prepare, Job/welcome, Deployment/web; phase ends ← 0 1 2 3 7 10
    ");
}

#[test]
fn what_is_not_run_is_not_deleted_nor_are_definitions() {
    assert_snapshot!(deploy("
        phases: {apps: []}
        desired:
          CustomResourceDefinition/widgets.example.org: {chart: shop, hook: [pre-install], deletedOn: [succeeded]}
          ConfigMap/kept: {chart: shop, hook: [pre-install], deletedOn: [succeeded], metadata: {annotations: {helm.sh/resource-policy: keep}}}
          Job/migrate: {chart: shop, hook: [pre-upgrade], deletedOn: [succeeded]}
          Job/prepare: {chart: shop, hook: [pre-install]}
          Deployment/web: {chart: shop}
    "), @r"
    apps
      0 apply CustomResourceDefinition/widgets.example.org
      1 apply ConfigMap/kept
      2 apply Job/prepare
      3 apply Deployment/web
      4 await ready: CustomResourceDefinition/widgets.example.org, ConfigMap/kept, Job/prepare, Deployment/web; phase ends ← 0 1 2 3
    ");
}

#[test]
fn what_has_failed_goes_where_its_policy_says_so_and_what_has_succeeded_before() {
    assert_snapshot!(cleanup("
        desired:
          ConfigMap/script: {chart: shop, hook: [pre-install], deletedOn: [succeeded]}
          Job/first: {chart: shop, hook: [pre-install], deletedOn: [succeeded]}
          Job/stays: {chart: shop, hook: [pre-install]}
          Job/migrate: {chart: shop, hook: [pre-install], deletedOn: [failed]}
          Job/other: {chart: other, hook: [pre-install], deletedOn: [succeeded]}
          Job/later: {chart: shop, hook: [post-install], deletedOn: [succeeded]}
        live: {ConfigMap/script: {}, Job/first: {}, Job/stays: {}, Job/migrate: {}, Job/other: {}}
        unsettled:
          changes: {ConfigMap/script: created 1, Job/first: created 1, Job/stays: created 1, Job/migrate: created 1, Job/other: created 1}
          failed: [Job/migrate]
    "), @r"
    apps
      0 delete ConfigMap/script of uid 1
      1 delete Job/first of uid 1
      2 delete Job/migrate of uid 1
    ");
}

#[test]
fn what_has_failed_goes_too_where_an_earlier_run_has_made_it() {
    assert_snapshot!(cleanup("
        desired:
          Deployment/first: {chart: shop, hook: [pre-upgrade], deletedOn: [succeeded]}
          Deployment/warm: {chart: shop, hook: [pre-upgrade], deletedOn: [failed]}
          Deployment/theirs: {chart: shop, hook: [pre-upgrade], deletedOn: [failed]}
        live: {Deployment/first: {}, Deployment/warm: {uid: 7}, Deployment/theirs: {by: [helm], unlabelled: true}}
        unsettled: {failed: [Deployment/warm, Deployment/theirs]}
    "), @r"
    apps
      0 delete Deployment/first of uid 1
      1 delete Deployment/warm of uid 7
    ");
}

#[test]
fn what_has_failed_stays_to_be_looked_at_where_nothing_is_said() {
    assert_snapshot!(cleanup("
        desired: {Job/migrate: {chart: shop, hook: [pre-install], deletedOn: [succeeded]}}
        live: {Job/migrate: {}}
        unsettled: {changes: {Job/migrate: created 1}, failed: [Job/migrate]}
    "), @"");
}

#[test]
fn hooks_are_run_before_and_after_a_deletion_by_their_weights() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired:
          Job/last: {chart: shop, hook: [pre-delete], weight: 5}
          Job/backup: {chart: shop, hook: [pre-delete], weight: -1}
          ConfigMap/script: {chart: shop, hook: [pre-delete], weight: -1}
          Job/goodbye: {chart: shop, hook: [post-delete]}
          Pod/test: {chart: shop, hook: [test]}
        live: {Namespace/shop: {}, Deployment/web: {}}
        records: {Namespace/shop: {created: true}, Deployment/web: {}}
    "), @r"
    phases: pre-delete (3), apps (2), post-delete (1)
    pre-delete
      0 apply Job/backup
      1 await ready: Job/backup ← 0
      2 apply ConfigMap/script ← 1
      3 await ready: ConfigMap/script ← 2
      4 apply Job/last ← 3
      5 await ready: Job/last ← 4
      6 discard Job/backup ← 5
      7 discard ConfigMap/script ← 5
      8 discard Job/last ← 5
      9 await gone: Job/backup, ConfigMap/script, Job/last ← 6 7 8
      10 await ready: Job/backup, ConfigMap/script, Job/last; phase ends ← 9
    apps
      11 delete Deployment/web of uid 1 ← 10
      12 await gone: Deployment/web; phase ends ← 11
    post-delete
      13 apply Job/goodbye ← 12
      14 await ready: Job/goodbye ← 13
      15 discard Job/goodbye ← 14
      16 await gone: Job/goodbye ← 15
      17 await ready: Job/goodbye; phase ends ← 16
    apps
      18 delete if empty Namespace/shop of uid 1 ← 17
      19 await gone: Namespace/shop; phase ends ← 18
    ");
}

#[test]
fn hooks_of_a_deletion_are_run_one_after_the_other_by_weight_name_and_kind_those_of_the_last_chart_first()
 {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired:
          Job/sure: {chart: shop, hook: [pre-delete]}
          Widget/backup: {chart: shop, hook: [pre-delete]}
          Job/backup: {chart: shop, hook: [pre-delete]}
          ConfigMap/backup: {chart: shop, hook: [pre-delete]}
          ConfigMap/z: {chart: shop, hook: [pre-delete], weight: -1}
          Job/a: {chart: later, hook: [pre-delete], weight: 1}
    "), @r"
    phases: pre-delete (6)
    pre-delete
      0 apply Job/a
      1 await ready: Job/a ← 0
      2 apply ConfigMap/z ← 1
      3 await ready: ConfigMap/z ← 2
      4 apply ConfigMap/backup ← 3
      5 await ready: ConfigMap/backup ← 4
      6 apply Job/backup ← 5
      7 await ready: Job/backup ← 6
      8 apply Widget/backup ← 7
      9 await ready: Widget/backup ← 8
      10 apply Job/sure ← 9
      11 await ready: Job/sure ← 10
      12 discard Job/a ← 11
      13 discard ConfigMap/z ← 11
      14 discard ConfigMap/backup ← 11
      15 discard Job/backup ← 11
      16 discard Widget/backup ← 11
      17 discard Job/sure ← 11
      18 await gone: Job/a, ConfigMap/z, ConfigMap/backup, Job/backup, Widget/backup, Job/sure ← 12 13 14 15 16 17
      19 await ready: Job/a, ConfigMap/z, ConfigMap/backup, Job/backup, Widget/backup, Job/sure; phase ends ← 18
    ");
}

#[test]
fn hooks_of_a_chart_of_which_nothing_was_brought_are_not_run_where_it_is_deleted() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired:
          Deployment/web: {chart: shop}
          Job/backup: {chart: shop, hook: [pre-delete]}
          Deployment/other: {chart: other}
          Job/prepare: {chart: other, hook: [pre-install, pre-delete]}
          Job/goodbye: {chart: other, hook: [post-delete]}
        live: {Deployment/web: {}, Job/prepare: {}}
        records: {Deployment/web: {}, Job/prepare: {}}
    "), @r"
    phases: pre-delete (1), apps (2)
    pre-delete
      0 apply Job/backup
      1 await ready: Job/backup ← 0
      2 discard Job/backup ← 1
      3 await gone: Job/backup ← 2
      4 await ready: Job/backup; phase ends ← 3
    apps
      5 delete Deployment/web of uid 1 ← 4
      6 delete Job/prepare of uid 1 ← 4
      7 await gone: Deployment/web, Job/prepare; phase ends ← 5 6
    ");
}

#[test]
fn what_hooks_of_both_sides_of_a_deletion_share_goes_after_the_last_of_them() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired:
          ConfigMap/shared: {chart: shop, hook: [pre-install, pre-delete, post-delete], weight: -1}
          Job/backup: {chart: shop, hook: [pre-delete]}
          Job/goodbye: {chart: shop, hook: [post-delete]}
        live: {ConfigMap/shared: {}, Job/backup: {}, Deployment/web: {}}
        records: {ConfigMap/shared: {}, Deployment/web: {}}
    "), @r"
    phases: pre-delete (2), apps (1), post-delete (1)
    forget ConfigMap/shared
    pre-delete
      0 apply ConfigMap/shared
      1 await ready: ConfigMap/shared ← 0
      2 delete Job/backup of uid 1 ← 1
      3 await gone: Job/backup, required ← 2
      4 apply Job/backup ← 3
      5 await ready: Job/backup ← 4
      6 discard Job/backup ← 5
      7 await gone: Job/backup ← 6
      8 await ready: ConfigMap/shared, Job/backup; phase ends ← 7
    apps
      9 delete Deployment/web of uid 1 ← 8
      10 await gone: Deployment/web; phase ends ← 9
    post-delete
      11 apply Job/goodbye ← 10
      12 await ready: Job/goodbye ← 11
      13 discard ConfigMap/shared ← 12
      14 discard Job/goodbye ← 12
      15 await gone: ConfigMap/shared, Job/goodbye ← 13 14
      16 await ready: Job/goodbye; phase ends ← 15
    ");
}

#[test]
fn hooks_before_a_deletion_are_not_run_once_it_has_begun() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired:
          Job/backup: {chart: shop, hook: [pre-delete]}
          Job/goodbye: {chart: shop, hook: [post-delete]}
        live: {ConfigMap/left: {}, Job/backup: {phase: pre-delete}}
        records: {ConfigMap/left: {}, Job/backup: {phase: pre-delete}}
        unsettled:
          snapshot: {Deployment/web: {}}
          changes: {Deployment/web: deleted}
          program: [delete Deployment/web]
    "), @r"
    phases: pre-delete (1), apps (1), post-delete (1)
    forget Deployment/web
    pre-delete
      0 delete Job/backup of uid 1
      1 await gone: Job/backup; phase ends ← 0
    apps
      2 delete ConfigMap/left of uid 1 ← 1
      3 await gone: ConfigMap/left; phase ends ← 2
    post-delete
      4 apply Job/goodbye ← 3
      5 await ready: Job/goodbye ← 4
      6 discard Job/goodbye ← 5
      7 await gone: Job/goodbye ← 6
      8 await ready: Job/goodbye; phase ends ← 7
    ");
}

#[test]
fn what_an_earlier_unfinished_deletion_has_deleted_is_in_no_later_program() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired:
          Job/backup: {chart: shop, hook: [pre-delete]}
          Job/goodbye: {chart: shop, hook: [post-delete]}
        unsettled:
          snapshot: {Deployment/web: {}}
          changes: {Deployment/web: deleted}
          earlier: [[delete Deployment/web]]
    "), @r"
    phases: post-delete (1)
    forget Deployment/web
    post-delete
      0 apply Job/goodbye
      1 await ready: Job/goodbye ← 0
      2 discard Job/goodbye ← 1
      3 await gone: Job/goodbye ← 2
      4 await ready: Job/goodbye; phase ends ← 3
    ");
}

#[test]
fn what_a_run_before_the_deletion_has_deleted_or_replaced_does_not_begin_it() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired: {Job/backup: {chart: shop, hook: [pre-delete]}}
        live: {Deployment/web: {}, ConfigMap/pruned: null}
        records: {Deployment/web: {}}
        unsettled:
          snapshot: {Deployment/web: {uid: 0}, ConfigMap/pruned: {}}
          changes: {Deployment/web: 'deleted, created 1', ConfigMap/pruned: deleted}
          program: [apply Job/backup, delete Deployment/web]
    "), @r"
    phases: pre-delete (1), apps (1)
    forget ConfigMap/pruned
    pre-delete
      0 apply Job/backup
      1 await ready: Job/backup ← 0
      2 discard Job/backup ← 1
      3 await gone: Job/backup ← 2
      4 await ready: Job/backup; phase ends ← 3
    apps
      5 delete Deployment/web of uid 1 ← 4
      6 await gone: Deployment/web; phase ends ← 5
    ");
}

#[test]
fn what_is_still_going_has_begun_to_go() {
    assert_snapshot!(remove("
        phases: {apps: []}
        desired: {Job/backup: {chart: shop, hook: [pre-delete]}}
        live: {Deployment/web: {deleting: true}}
        records: {Deployment/web: {}}
        unsettled:
          snapshot: {Deployment/web: {}}
          changes: {Deployment/web: deleted}
          program: [delete Deployment/web]
    "), @r"
    phases: apps (1)
    apps
      0 delete Deployment/web of uid 1
      1 await gone: Deployment/web; phase ends ← 0
    ");
}

#[test]
fn hooks_of_a_rollback_are_run_where_it_writes_something_of_their_chart() {
    assert_snapshot!(decide_back("
        desired:
          Deployment/web: {chart: shop, image: 1}
          Job/back: {chart: shop, hook: [pre-rollback], deletedOn: [succeeded]}
          Job/prepare: {chart: shop, hook: [pre-install, pre-upgrade], deletedOn: [succeeded]}
          ConfigMap/stays: {chart: shop, hook: [pre-install]}
          Deployment/other: {chart: other}
          Job/other: {chart: other, hook: [post-rollback]}
        live: {Deployment/web: {image: 2}, Deployment/other: {}}
        records: {Deployment/web: {sent: {image: 2}}, Deployment/other: {}}
    "), @r"
    change Deployment/web
    create Job/back: deleted once it has succeeded
    keep Job/prepare
    create ConfigMap/stays
    keep Deployment/other
    keep Job/other
    ");
}

#[test]
fn hooks_of_a_rollback_and_those_that_do_not_stay_are_none_of_what_is_brought_back() {
    assert_snapshot!(revert("
        phases: {apps: []}
        then:
          Deployment/web: {chart: shop}
          Job/back: {chart: shop, hook: [pre-rollback]}
          Job/prepare: {chart: shop, hook: [pre-install], deletedOn: [succeeded]}
          Job/welcome: {chart: shop, hook: [post-install]}
        now: {Deployment/web: {chart: shop}}
        live: {Deployment/web: {}, Job/back: null, Job/prepare: null, Job/welcome: null}
        records: {Deployment/web: {}}
    "), @r"
    observe: Deployment/web, Job/back, Job/prepare, Job/welcome
    Deployment/web as then, in apps
    Job/back as then, in apps
    Job/prepare as then, in apps
    not Job/welcome: RanAlready
    phases: apps[]
    ");
}

#[test]
fn a_hook_that_was_there_before_and_was_deleted_unseen_comes_back() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/script: {}, Job/prepare: null}
        live: {ConfigMap/script: null, Job/prepare: null}
        program: [apply ConfigMap/script, apply Job/prepare, discard ConfigMap/script, discard Job/prepare]
    "), @r"
    apps
      0 recreate ConfigMap/script
      1 await ready: ConfigMap/script; phase ends ← 0
    ");
}

#[test]
fn tests_are_run_anew_by_their_weights_and_go_as_their_policies_say() {
    assert_snapshot!(test("
        desired:
          Deployment/web: {chart: shop}
          Pod/second: {chart: shop, hook: [test], weight: 1, deletedOn: [succeeded]}
          Pod/first: {chart: shop, hook: [test]}
          ConfigMap/script: {chart: shop, hook: [test], deletedOn: [succeeded]}
          Job/bye: {chart: shop, hook: [pre-delete]}
        live: {Deployment/web: {}, Pod/first: {}}
    "), @r"
    tests
      0 delete Pod/first of uid 1
      1 await gone: Pod/first, required ← 0
      2 apply Pod/first ← 1
      3 await ready: Pod/first ← 2
      4 apply ConfigMap/script ← 3
      5 await ready: ConfigMap/script ← 4
      6 apply Pod/second ← 5
      7 await ready: Pod/second ← 6
      8 discard ConfigMap/script ← 7
      9 discard Pod/second ← 7
      10 await gone: ConfigMap/script, Pod/second ← 8 9
      11 await ready: Pod/first, ConfigMap/script, Pod/second; phase ends ← 10
    ");
}

#[test]
fn a_revision_of_charts_that_tells_nothing_of_them_was_stored_without_their_hooks() {
    let helm = [tool("helm")];
    let plain = wanted("Deployment/web: {}");
    let of_chart = wanted("Deployment/web: {chart: shop}");
    assert!(knows_no_hooks(&helm, &plain));
    assert!(!knows_no_hooks(&helm, &of_chart));
    assert!(!knows_no_hooks(&[tool("kustomize")], &plain));
}

fn tool(name: &str) -> UsedTool {
    UsedTool {
        name: name.to_owned(),
        version: "v4".to_owned(),
    }
}
