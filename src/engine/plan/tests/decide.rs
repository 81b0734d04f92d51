//! What has to be done with what is wanted: the skip rule, and what is not run again.

use insta::assert_snapshot;

use super::given::decide;

#[test]
fn what_is_as_it_was_sent_and_stored_last_is_left_alone() {
    assert_snapshot!(decide("
        desired: {ConfigMap/a: {data: {x: 1}}}
        live: {ConfigMap/a: {data: {x: 1}}}
        records: {ConfigMap/a: {}}
    "), @r"
    keep ConfigMap/a
    ");
}

#[test]
fn what_is_not_there_is_created() {
    assert_snapshot!(decide("
        desired: {ConfigMap/new: {}, ConfigMap/deleted-by-hand: {}}
        records: {ConfigMap/deleted-by-hand: {}}
    "), @r"
    create ConfigMap/new
    create ConfigMap/deleted-by-hand
    ");
}

#[test]
fn another_manifest_is_applied() {
    assert_snapshot!(decide("
        desired: {ConfigMap/a: {data: {x: 2}}}
        live: {ConfigMap/a: {data: {x: 1}}}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}}
    "), @r"
    change ConfigMap/a
    ");
}

#[test]
fn a_hand_on_a_field_of_ours_is_put_right() {
    assert_snapshot!(decide("
        desired: {ConfigMap/a: {data: {x: 1}}}
        live: {ConfigMap/a: {data: {x: 3}}}
        records: {ConfigMap/a: {stored: {data: {x: 1}}}}
    "), @r"
    change ConfigMap/a
    ");
}

#[test]
fn what_admission_made_of_it_counts_as_sent() {
    assert_snapshot!(decide("
        desired: {ConfigMap/a: {data: {x: 1}}}
        live: {ConfigMap/a: {data: {x: 1, injected: 1}}}
        records: {ConfigMap/a: {stored: {data: {x: 1, injected: 1}}}}
    "), @r"
    keep ConfigMap/a
    ");
}

#[test]
fn what_was_created_anew_by_somebody_is_another_object() {
    assert_snapshot!(decide("
        desired: {ConfigMap/a: {}}
        live: {ConfigMap/a: {uid: 2}}
        records: {ConfigMap/a: {stored: {uid: 1}}}
    "), @r"
    change ConfigMap/a
    ");
}

#[test]
fn our_mark_is_put_on_again() {
    assert_snapshot!(decide("
        desired: {ConfigMap/no-label: {}, ConfigMap/no-entry: {}}
        live:
          ConfigMap/no-label: {metadata: {labels: {app: shop}}, unlabelled: true}
          ConfigMap/no-entry: {by: [helm]}
        records: {ConfigMap/no-label: {}, ConfigMap/no-entry: {stored: {}}}
    "), @r"
    change ConfigMap/no-label
    change ConfigMap/no-entry: taken over from Helm; unsent fields go
    ");
}

#[test]
fn what_was_kept_is_taken_up_again() {
    assert_snapshot!(decide("
        desired: {PersistentVolumeClaim/data: {}}
        live: {PersistentVolumeClaim/data: {}}
        records: {PersistentVolumeClaim/data: {kept: true}}
    "), @r"
    change PersistentVolumeClaim/data
    ");
}

#[test]
fn what_may_not_be_looked_at_is_applied() {
    assert_snapshot!(decide("
        desired: {Secret/a: {}}
        live: {Secret/a: forbidden}
        records: {Secret/a: {}}
    "), @r"
    change Secret/a
    ");
}

#[test]
fn what_is_being_deleted_is_created_once_it_is_gone() {
    assert_snapshot!(decide("
        desired: {ConfigMap/a: {}}
        live: {ConfigMap/a: {deleting: true}}
        records: {ConfigMap/a: {}}
    "), @r"
    create ConfigMap/a once it is gone
    ");
}

#[test]
fn a_job_that_has_run_and_has_removed_itself_is_not_run_again() {
    assert_snapshot!(decide("
        desired: {Job/migrate: {spec: {image: 1}}}
        records: {Job/migrate: {completed: true}}
    "), @r"
    keep Job/migrate
    ");
}

#[test]
fn a_pod_that_has_run_and_was_removed_is_not_run_again() {
    assert_snapshot!(decide("
        desired: {Pod/migrate: {spec: {image: 1}}, Pod/changed: {spec: {image: 2}}}
        records:
          Pod/migrate: {completed: true}
          Pod/changed: {completed: true, sent: {spec: {image: 1}}}
    "), @r"
    keep Pod/migrate
    create Pod/changed
    ");
}

#[test]
fn a_job_is_run_where_it_has_changed_or_has_not_completed() {
    assert_snapshot!(decide("
        desired: {Job/changed: {spec: {image: 2}}, Job/stopped: {}, ConfigMap/no-job: {}}
        records:
          Job/changed: {completed: true, sent: {spec: {image: 1}}}
          Job/stopped: {}
          ConfigMap/no-job: {completed: true}
    "), @r"
    create Job/changed
    create Job/stopped
    create ConfigMap/no-job
    ");
}

#[test]
fn nothing_is_decided_about_other_phases() {
    assert_snapshot!(decide("
        selection: [apps]
        desired: {ConfigMap/a: {}, Secret/b: {phase: databases}}
    "), @r"
    create ConfigMap/a
    ");
}
