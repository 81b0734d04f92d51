//! What a rollback does with each object, by what was there, what was done, and what is there now.

use insta::assert_snapshot;

use super::given::rollback;

#[test]
fn what_was_changed_is_restored() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {data: {x: 1}}}
        changes: {ConfigMap/a: changed}
        live: {ConfigMap/a: {data: {x: 2}}}
    "), @r"
    apps
      0 restore ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_was_created_is_deleted_by_its_uid() {
    assert_snapshot!(rollback("
        changes: {ConfigMap/a: created 7}
        live: {ConfigMap/a: {uid: 7}}
    "), @r"
    apps
      0 delete ConfigMap/a of uid 7
      1 await gone: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_was_created_and_is_gone_needs_nothing() {
    assert_snapshot!(rollback("
        changes: {ConfigMap/a: created 7}
    "), @"");
}

#[test]
fn what_is_of_the_release_and_nobody_saw_created_is_not_called_somebody_elses() {
    assert_snapshot!(rollback("
        snapshot: {Widget/first: null, Widget/theirs: null}
        changes: {Widget/first: unconfirmed, Widget/theirs: unconfirmed}
        live: {Widget/first: {createdAt: 0, appliedAt: 10}, Widget/theirs: {by: [operator]}}
    "), @r"
    unconfirmed: Widget/first, Widget/theirs
    left to others Widget/theirs: was created outside deployctl during the run, and is left as it is
    unknown Widget/first: is of this release, and nobody saw who created it
    ");
}

#[test]
fn what_others_created_in_between_is_left_to_them() {
    assert_snapshot!(rollback("
        changes: {ConfigMap/a: created 7, ConfigMap/b: unconfirmed}
        live: {ConfigMap/a: {uid: 8}, ConfigMap/b: {by: [operator]}}
    "), @r"
    unconfirmed: ConfigMap/b
    left to others ConfigMap/a: was created outside deployctl during the run, and is left as it is
    left to others ConfigMap/b: was created outside deployctl during the run, and is left as it is
    ");
}

#[test]
fn what_was_deleted_is_created_again() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}}
        changes: {ConfigMap/a: deleted}
    "), @r"
    apps
      0 recreate ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_others_deleted_is_left_to_them() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/gone: {}, ConfigMap/going: {}}
        changes: {ConfigMap/gone: unconfirmed, ConfigMap/going: unconfirmed}
        live: {ConfigMap/going: {deleting: true}}
    "), @r"
    unconfirmed: ConfigMap/going, ConfigMap/gone
    left to others ConfigMap/going: was deleted outside deployctl
    left to others ConfigMap/gone: was deleted outside deployctl
    ");
}

#[test]
fn what_may_not_be_looked_at_is_not_called_as_before() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/there: {}}
        changes: {ConfigMap/there: deleted, ConfigMap/new: created 1}
        live: {ConfigMap/there: forbidden, ConfigMap/new: forbidden}
    "), @r"
    unknown ConfigMap/new: could not be looked at
    unknown ConfigMap/there: could not be looked at
    ");
}

#[test]
fn what_others_created_again_is_left_to_them() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}}
        changes: {ConfigMap/a: deleted}
        live: {ConfigMap/a: {uid: 2}}
    "), @r"
    left to others ConfigMap/a: was created again outside deployctl, and is left as it is
    ");
}

#[test]
fn what_was_created_anew_is_replaced_by_what_was_there() {
    assert_snapshot!(rollback("
        snapshot: {Deployment/web: {uid: 1}}
        changes: {Deployment/web: 'created 2, deleted'}
        live: {Deployment/web: {uid: 2}}
    "), @r"
    apps
      0 delete Deployment/web of uid 2
      1 await gone: Deployment/web, required ← 0
      2 recreate Deployment/web ← 1
      3 await ready: nothing; phase ends ← 2
    ");
}

#[test]
fn a_stateful_set_is_replaced_under_its_pods_and_claims() {
    assert_snapshot!(rollback("
        snapshot: {StatefulSet/db: {uid: 1}}
        changes: {StatefulSet/db: 'created 2, deleted'}
        live: {StatefulSet/db: {uid: 2, spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}}}
    "), @r"
    apps
      0 delete StatefulSet/db of uid 2, what belongs to it stays
      1 await gone: StatefulSet/db, required ← 0
      2 recreate StatefulSet/db ← 1
      3 await ready: nothing; phase ends ← 2
    ");
}

#[test]
fn what_an_earlier_rollback_created_again_is_completed() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/known: {}, ConfigMap/old-owner: {}, ConfigMap/half-way: {}}
        changes: {ConfigMap/known: recreated 2, ConfigMap/old-owner: deleted, ConfigMap/half-way: deleted}
        live:
          ConfigMap/known: {uid: 2}
          ConfigMap/old-owner: {uid: 2, createdAt: 30, appliedAt: 0}
          ConfigMap/half-way: {uid: 2, by: [], posted: true}
    "), @r"
    apps
      0 recreate ConfigMap/half-way
      1 recreate ConfigMap/known
      2 recreate ConfigMap/old-owner
      3 await ready: ConfigMap/half-way, ConfigMap/known, ConfigMap/old-owner; phase ends ← 0 1 2
    ");
}

#[test]
fn what_we_deleted_and_is_still_going_is_awaited_and_created_again() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}}
        changes: {ConfigMap/a: deleted}
        live: {ConfigMap/a: {deleting: true}}
    "), @r"
    apps
      0 delete ConfigMap/a of uid 1
      1 await gone: ConfigMap/a, required ← 0
      2 recreate ConfigMap/a ← 1
      3 await ready: ConfigMap/a; phase ends ← 2
    ");
}

#[test]
fn what_was_created_again_and_is_going_once_more_is_awaited_too() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {}}
        changes: {ConfigMap/a: 'recreated 2, deleted'}
        live: {ConfigMap/a: {uid: 2, deleting: true}}
    "), @r"
    apps
      0 delete ConfigMap/a of uid 2
      1 await gone: ConfigMap/a, required ← 0
      2 recreate ConfigMap/a ← 1
      3 await ready: ConfigMap/a; phase ends ← 2
    ");
}

#[test]
fn what_is_going_and_is_neither_is_judged_by_who_made_it() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/ours: {}, ConfigMap/others: {}}
        changes: {ConfigMap/ours: 'created 2, deleted', ConfigMap/others: deleted}
        live: {ConfigMap/ours: {uid: 2, deleting: true}, ConfigMap/others: {uid: 3, deleting: true}}
    "), @r"
    left to others ConfigMap/others: was created again outside deployctl, and is left as it is
    apps
      0 delete ConfigMap/ours of uid 2
      1 await gone: ConfigMap/ours, required ← 0
      2 recreate ConfigMap/ours ← 1
      3 await ready: ConfigMap/ours; phase ends ← 2
    ");
}

#[test]
fn what_a_controller_makes_again_is_left_to_it() {
    assert_snapshot!(rollback("
        snapshot:
          ConfigMap/made: {metadata: {ownerReferences: [{controller: true}]}}
          ConfigMap/owned: {metadata: {ownerReferences: [{controller: false}]}}
        changes: {ConfigMap/made: deleted, ConfigMap/owned: deleted}
    "), @r"
    apps
      0 recreate ConfigMap/owned
      1 await ready: ConfigMap/owned; phase ends ← 0
    ");
}

#[test]
fn jobs_and_pods_that_are_gone_are_not_run_again() {
    assert_snapshot!(rollback("
        snapshot: {Job/migrate: {}, Pod/once: {}, Job/going: {}, CronJob/nightly: {}}
        changes: {Job/migrate: deleted, Pod/once: deleted, Job/going: deleted, CronJob/nightly: deleted}
        live: {Job/going: {deleting: true}}
    "), @r"
    irreversible Pod/once: is not restored: it would run again
    irreversible Job/going: is not restored: it would run again
    irreversible Job/migrate: is not restored: it would run again
    apps
      0 recreate CronJob/nightly
      1 await ready: CronJob/nightly; phase ends ← 0
    ");
}

#[test]
fn a_job_that_was_created_anew_goes_and_is_not_run_again() {
    assert_snapshot!(rollback("
        snapshot: {Job/migrate: {uid: 1}}
        changes: {Job/migrate: 'created 2, deleted'}
        live: {Job/migrate: {uid: 2}}
    "), @r"
    irreversible Job/migrate: is not restored: it has completed
    apps
      0 delete Job/migrate of uid 2
      1 await gone: Job/migrate; phase ends ← 0
    ");
}

#[test]
fn a_job_that_was_new_just_goes() {
    assert_snapshot!(rollback("
        changes: {Job/migrate: created 2}
        live: {Job/migrate: {uid: 2}}
    "), @r"
    apps
      0 delete Job/migrate of uid 2
      1 await gone: Job/migrate; phase ends ← 0
    ");
}

#[test]
fn a_job_that_was_changed_in_place_is_restored() {
    assert_snapshot!(rollback("
        snapshot: {Job/migrate: {metadata: {labels: {a: x}}}}
        changes: {Job/migrate: changed}
        live: {Job/migrate: {metadata: {labels: {a: y}}}}
    "), @r"
    apps
      0 restore Job/migrate
      1 await ready: nothing; phase ends ← 0
    ");
}

#[test]
fn what_is_marked_for_it_is_run_again() {
    assert_snapshot!(rollback("
        marks: {Job/gone: rerun, Job/anew: rerun}
        snapshot: {Job/gone: {}, Job/anew: {uid: 1}}
        changes: {Job/gone: deleted, Job/anew: 'created 2, deleted'}
        live: {Job/anew: {uid: 2}}
    "), @r"
    apps
      0 delete Job/anew of uid 2
      1 await gone: Job/anew, required ← 0
      2 recreate Job/anew ← 1
      3 recreate Job/gone
      4 await ready: nothing; phase ends ← 2 3
    ");
}

#[test]
fn what_is_marked_manual_stays_whatever_was_done() {
    assert_snapshot!(rollback("
        marks: {StatefulSet/db: manual, ConfigMap/new: manual}
        snapshot: {StatefulSet/db: {}}
        changes: {StatefulSet/db: unconfirmed, ConfigMap/new: created 1}
        live: {StatefulSet/db: {}, ConfigMap/new: {}}
    "), @r"
    unconfirmed: StatefulSet/db
    irreversible ConfigMap/new: is marked `rollback: manual`
    irreversible StatefulSet/db: is marked `rollback: manual`
    ");
}

#[test]
fn what_was_sealed_is_opened_by_creating_it_anew() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/sealed: {data: {x: 1}}, ConfigMap/was-sealed: {immutable: true}, Secret/opened: {immutable: false}}
        changes: {ConfigMap/sealed: changed, ConfigMap/was-sealed: unconfirmed, Secret/opened: unconfirmed}
        live: {ConfigMap/sealed: {data: {x: 1}, immutable: true}, ConfigMap/was-sealed: {immutable: true}, Secret/opened: {immutable: false}}
    "), @r"
    unconfirmed: ConfigMap/was-sealed, Secret/opened
    apps
      0 delete ConfigMap/sealed of uid 1
      1 await gone: ConfigMap/sealed, required ← 0
      2 recreate ConfigMap/sealed ← 1
      3 restore ConfigMap/was-sealed
      4 restore Secret/opened
      5 await ready: ConfigMap/sealed, ConfigMap/was-sealed, Secret/opened; phase ends ← 2 3 4
    ");
}

#[test]
fn data_that_was_created_stays_with_what_it_needs() {
    assert_snapshot!(rollback("
        changes:
          StatefulSet/db: created 1
          PersistentVolumeClaim/uploads: created 1
          Secret/password: created 1
          Secret/other: created 1
        live:
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: []}
          PersistentVolumeClaim/uploads: {}
          Secret/password: {}
          Secret/other: {}
    "), @r"
    keep PersistentVolumeClaim/data-db-0: it holds the data of StatefulSet/shop/db
    keep PersistentVolumeClaim/uploads: it holds data
    keep Secret/password: StatefulSet/shop/db, whose data on PersistentVolumeClaim/shop/data-db-0 is kept, reads it
    apps
      0 delete Secret/other of uid 1
      1 delete StatefulSet/db of uid 1
      2 await gone: Secret/other, StatefulSet/db; phase ends ← 0 1
    ");
}

#[test]
fn what_an_owner_that_goes_has_taken_over_stays_and_what_it_made_goes() {
    assert_snapshot!(rollback("
        snapshot: {Secret/before: {}}
        changes:
          ConfigMap/of-before: created a
          ConfigMap/of-older: created b
          ConfigMap/of-untouched: created c
          ConfigMap/of-made: created d
          ConfigMap/of-created: created e
          Secret/created: created 1
        live:
          ConfigMap/of-before: {uid: a, createdAt: 5}
          ConfigMap/of-older: {uid: b, createdAt: 5}
          ConfigMap/of-untouched: {uid: c, createdAt: 5}
          ConfigMap/of-made: {uid: d, createdAt: 5}
          ConfigMap/of-created: {uid: e, createdAt: 5}
          Secret/before: {by: [operator], createdAt: 6, metadata: {ownerReferences: [{uid: a}]}}
          Secret/older: {by: [operator], metadata: {ownerReferences: [{uid: b}]}}
          Secret/untouched: {createdAt: 6, metadata: {ownerReferences: [{uid: c}]}}
          Secret/made: {by: [operator], createdAt: 6, metadata: {ownerReferences: [{uid: d}]}}
          Secret/created: {createdAt: 6, metadata: {ownerReferences: [{uid: e}]}}
    "), @r"
    apps
      0 delete ConfigMap/of-before of uid a, what it has taken over stays
      1 delete ConfigMap/of-created of uid e
      2 delete ConfigMap/of-made of uid d
      3 delete ConfigMap/of-older of uid b, what it has taken over stays
      4 delete ConfigMap/of-untouched of uid c, what it has taken over stays
      5 delete Secret/created of uid 1
      6 await gone: ConfigMap/of-before, ConfigMap/of-created, ConfigMap/of-made, ConfigMap/of-older, ConfigMap/of-untouched, Secret/created; phase ends ← 0 1 2 3 4 5
    ");
}

#[test]
fn what_is_kept_for_data_does_not_go_with_what_has_taken_it_over() {
    assert_snapshot!(rollback("
        changes:
          ConfigMap/owner: created a
          StatefulSet/db: created 1
          Secret/password: created 1
        live:
          ConfigMap/owner: {uid: a}
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: []}
          Secret/password: {metadata: {ownerReferences: [{uid: a}]}}
    "), @r"
    keep PersistentVolumeClaim/data-db-0: it holds the data of StatefulSet/shop/db
    keep Secret/password: StatefulSet/shop/db, whose data on PersistentVolumeClaim/shop/data-db-0 is kept, reads it
    apps
      0 delete ConfigMap/owner of uid a, what it has taken over stays
      1 delete StatefulSet/db of uid 1
      2 await gone: ConfigMap/owner, StatefulSet/db; phase ends ← 0 1
    ");
}

#[test]
fn what_is_created_again_does_not_take_along_what_was_there() {
    assert_snapshot!(rollback("
        snapshot: {Widget/owner: {uid: old}, Secret/password: {}}
        changes: {Widget/owner: 'deleted, created new'}
        live:
          Widget/owner: {uid: new}
          Secret/password: {metadata: {ownerReferences: [{uid: new}]}}
    "), @r"
    apps
      0 delete Widget/owner of uid new, what it has taken over stays
      1 await gone: Widget/owner, required ← 0
      2 recreate Widget/owner ← 1
      3 await ready: Widget/owner; phase ends ← 2
    ");
}

#[test]
fn a_claim_that_never_got_a_volume_goes_after_what_made_it() {
    assert_snapshot!(rollback("
        changes:
          StatefulSet/db: created 1
          PersistentVolumeClaim/uploads: created 1
          Secret/password: created 1
        live:
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: [], status: {phase: Pending}}
          PersistentVolumeClaim/data-other-0: {by: [], status: {phase: Pending}}
          PersistentVolumeClaim/uploads: {status: {phase: Pending}}
          Secret/password: {}
    "), @r"
    apps
      0 delete StatefulSet/db of uid 1
      1 await gone: StatefulSet/db ← 0
      2 delete if empty PersistentVolumeClaim/uploads of uid 1 ← 1
      3 delete if empty PersistentVolumeClaim/data-db-0 of uid 1 ← 1
      4 await gone: PersistentVolumeClaim/uploads, PersistentVolumeClaim/data-db-0 ← 2 3
      5 delete if empty Secret/password of uid 1 ← 4
      6 await gone: Secret/password; phase ends ← 5
    ");
}

#[test]
fn what_an_earlier_run_kept_stays() {
    assert_snapshot!(rollback("
        changes: {Secret/password: created 1, Secret/other: created 1}
        live: {Secret/password: {}, Secret/other: {}}
        records: {Secret/password: {kept: true}, Secret/other: {}}
    "), @r"
    keep Secret/password: it is kept since an earlier run
    apps
      0 delete Secret/other of uid 1
      1 await gone: Secret/other; phase ends ← 0
    ");
}

#[test]
fn what_others_apply_too_is_released() {
    assert_snapshot!(rollback("
        changes: {ConfigMap/shared: created 1, PersistentVolumeClaim/shared: created 1}
        live: {ConfigMap/shared: {by: [us, helm]}, PersistentVolumeClaim/shared: {by: [us, helm]}}
    "), @r"
    keep PersistentVolumeClaim/shared: it holds data
    keep ConfigMap/shared: released (label removed): managed by others too
    apps
      0 release ConfigMap/shared
      1 await gone: nothing; phase ends ← 0
    ");
}

#[test]
fn nothing_is_done_about_what_was_not_touched() {
    assert_snapshot!(rollback("
        snapshot: {ConfigMap/a: {data: {x: 1}}}
        live: {ConfigMap/a: {data: {x: 2}}}
    "), @"");
}

#[test]
fn a_secret_that_was_there_before_is_not_said_to_be_kept() {
    assert_snapshot!(rollback("
        changes: {StatefulSet/db: created 1, ConfigMap/a: created 1}
        live:
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: []}
          ConfigMap/a: {}
    "), @r"
    keep PersistentVolumeClaim/data-db-0: it holds the data of StatefulSet/shop/db
    apps
      0 delete ConfigMap/a of uid 1
      1 delete StatefulSet/db of uid 1
      2 await gone: ConfigMap/a, StatefulSet/db; phase ends ← 0 1
    ");
}

#[test]
fn what_a_changed_stateful_set_has_only_got_by_the_run_goes_or_is_kept() {
    assert_snapshot!(rollback("
        snapshot: {StatefulSet/db: {claims: {data: 1Gi}, spec: {replicas: 1}, status: {replicas: 1}}}
        changes: {StatefulSet/db: changed, Secret/password: created 1, Secret/other: created 1}
        live:
          StatefulSet/db: {claims: {data: 1Gi}, spec: {replicas: 4}, reads: [Secret/password]}
          Secret/password: {}
          Secret/other: {}
          PersistentVolumeClaim/data-db-0: {by: [], status: {phase: Pending}}
          PersistentVolumeClaim/data-db-1: {by: [], createdAt: 9, status: {phase: Pending}}
          PersistentVolumeClaim/data-db-2: {by: [], createdAt: 9, status: {phase: Bound}}
          PersistentVolumeClaim/data-db-3: {by: [], createdAt: 8, status: {phase: Pending}}
          PersistentVolumeClaim/data-other-1: {by: [], createdAt: 9, status: {phase: Pending}}
    "), @r"
    keep PersistentVolumeClaim/data-db-2: it holds data of StatefulSet/shop/db, as the run has left that
    keep Secret/password: StatefulSet/shop/db has read it, whose data on PersistentVolumeClaim/shop/data-db-2 is kept
    apps
      0 restore StatefulSet/db
      1 await ready: nothing ← 0
      2 delete Secret/other of uid 1 ← 1
      3 await gone: Secret/other ← 2
      4 delete if empty PersistentVolumeClaim/data-db-1 of uid 1 ← 3
      5 await gone: PersistentVolumeClaim/data-db-1; phase ends ← 4
    ");
}

#[test]
fn claims_of_other_templates_go_or_are_kept() {
    assert_snapshot!(rollback("
        snapshot: {StatefulSet/db: {uid: 1, claims: {data: 1Gi}, spec: {replicas: 2}, status: {replicas: 2}}}
        changes: {StatefulSet/db: 'created 2, deleted'}
        live:
          StatefulSet/db: {uid: 2, createdAt: 9, claims: {store: 1Gi}, spec: {replicas: 2}}
          PersistentVolumeClaim/data-db-0: {by: [], status: {phase: Bound}}
          PersistentVolumeClaim/store-db-0: {by: [], createdAt: 9, status: {phase: Bound}}
          PersistentVolumeClaim/store-db-1: {by: [], createdAt: 9, status: {phase: Pending}}
    "), @r"
    keep PersistentVolumeClaim/store-db-0: it holds data of StatefulSet/shop/db, as the run has left that
    apps
      0 delete StatefulSet/db of uid 2, what belongs to it stays
      1 await gone: StatefulSet/db, required ← 0
      2 recreate StatefulSet/db ← 1
      3 await ready: nothing ← 2
      4 delete if empty PersistentVolumeClaim/store-db-1 of uid 1 ← 3
      5 await gone: PersistentVolumeClaim/store-db-1; phase ends ← 4
    ");
}

#[test]
fn claims_of_pods_that_an_autoscaler_has_asked_for_stay_unnamed() {
    assert_snapshot!(rollback("
        snapshot: {StatefulSet/db: {by: [us, autoscaler], claims: {data: 1Gi}, spec: {replicas: 1}, status: {replicas: 1}}}
        changes: {StatefulSet/db: changed}
        live:
          StatefulSet/db: {by: [us, autoscaler], claims: {data: 1Gi}, spec: {replicas: 2}}
          PersistentVolumeClaim/data-db-1: {by: [], createdAt: 9, status: {phase: Pending}}
    "), @r"
    apps
      0 restore StatefulSet/db
      1 await ready: nothing; phase ends ← 0
    ");
}

#[test]
fn claims_that_go_with_their_pods_are_left_to_that() {
    let policy = "persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}";
    assert_snapshot!(rollback(&format!("
        snapshot: {{StatefulSet/db: {{claims: {{data: 1Gi}}, spec: {{replicas: 1, {policy}}}, status: {{replicas: 1}}}}}}
        changes: {{StatefulSet/db: changed}}
        live:
          StatefulSet/db: {{claims: {{data: 1Gi}}, spec: {{replicas: 2, {policy}}}}}
          PersistentVolumeClaim/data-db-1: {{by: [], createdAt: 9, status: {{phase: Bound}}}}
    ")), @r"
    apps
      0 restore StatefulSet/db
      1 await ready: nothing; phase ends ← 0
    ");
}

#[test]
fn what_belongs_to_what_is_put_back_stays_for_it() {
    assert_snapshot!(rollback("
        snapshot: {StatefulSet/db: {}}
        changes: {StatefulSet/db: deleted, Pod/db-0: of StatefulSet/db uid p}
        live: {Pod/db-0: {uid: p, by: []}}
    "), @r"
    apps
      0 recreate StatefulSet/db
      1 await ready: nothing; phase ends ← 0
    ");
}
