//! What is wanted in order to go back to what an earlier revision wanted.

use insta::assert_snapshot;

use super::given::revert;

#[test]
fn everything_is_wanted_as_it_was_then() {
    assert_snapshot!(revert("
        then: {ConfigMap/changed: {data: {x: 1}}, ConfigMap/gone: {}}
        now: {ConfigMap/changed: {data: {x: 2}}, ConfigMap/new: {}}
        live: {ConfigMap/changed: {data: {x: 2}}, ConfigMap/new: {}, ConfigMap/gone: null}
    "), @r"
    observe: ConfigMap/changed, ConfigMap/gone, ConfigMap/new
    ConfigMap/changed as then, in apps
    ConfigMap/gone as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn secrets_that_are_there_stay_as_they_are() {
    assert_snapshot!(revert("
        then: {Secret/changed: {data: {x: 1}}, Secret/same: {}, Secret/gone: {}}
        now: {Secret/changed: {data: {x: 2}}, Secret/same: {}}
        live: {Secret/changed: {}, Secret/same: {}, Secret/gone: null}
    "), @r"
    observe: Secret/changed, Secret/same, Secret/gone
    Secret/changed as now, in apps: Secret
    Secret/same as then, in apps: Same
    Secret/gone as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn labels_and_annotations_of_secrets_come_back_without_their_values() {
    assert_snapshot!(revert("
        then: {Secret/both: {metadata: {labels: {a: x}}, data: {x: 1}}, Secret/label: {metadata: {annotations: {a: x}}, data: {x: 1}}}
        now: {Secret/both: {metadata: {labels: {a: y}}, data: {x: 2}}, Secret/label: {metadata: {annotations: {a: y}}, data: {x: 1}}}
        live: {Secret/both: {data: {x: 2}}, Secret/label: {data: {x: 1}}}
    "), @r"
    observe: Secret/both, Secret/label
    Secret/both as never, in apps: SecretValues
    Secret/label as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn secrets_come_back_where_that_is_asked_for() {
    assert_snapshot!(revert("
        restoreSecrets: true
        then: {Secret/changed: {data: {x: 1}}}
        now: {Secret/changed: {data: {x: 2}}}
        live: {Secret/changed: {}}
    "), @r"
    observe: Secret/changed
    Secret/changed as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn claims_stay_as_they_are() {
    assert_snapshot!(revert("
        then: {PersistentVolumeClaim/changed: {spec: {a: 1}}, PersistentVolumeClaim/same: {}}
        now: {PersistentVolumeClaim/changed: {spec: {a: 2}}, PersistentVolumeClaim/same: {}}
        live: {PersistentVolumeClaim/changed: {}, PersistentVolumeClaim/same: {}}
    "), @r"
    observe: PersistentVolumeClaim/changed, PersistentVolumeClaim/same
    PersistentVolumeClaim/changed as now, in apps: Data
    PersistentVolumeClaim/same as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn a_definition_does_not_lose_a_version_in_which_objects_are_stored() {
    assert_snapshot!(revert("
        then:
          CustomResourceDefinition/moved: {spec: {versions: [{name: v1}]}}
          CustomResourceDefinition/not-yet: {spec: {versions: [{name: v1}]}}
        now:
          CustomResourceDefinition/moved: {spec: {versions: [{name: v1}, {name: v2}]}}
          CustomResourceDefinition/not-yet: {spec: {versions: [{name: v1}, {name: v2}]}}
        live:
          CustomResourceDefinition/moved: {status: {storedVersions: [v1, v2]}}
          CustomResourceDefinition/not-yet: {status: {storedVersions: [v1]}}
    "), @r"
    observe: CustomResourceDefinition/moved, CustomResourceDefinition/not-yet
    CustomResourceDefinition/moved as now, in apps: StoredVersion
    CustomResourceDefinition/not-yet as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn jobs_are_not_run_again() {
    assert_snapshot!(revert("
        then: {Job/changed: {spec: {image: 1}}, Job/same: {}, Job/gone: {}, Job/gone-and-remembered: {}, CronJob/gone: {}}
        now: {Job/changed: {spec: {image: 2}}, Job/same: {}, Job/gone-and-remembered: {}}
        live: {Job/changed: {}, Job/same: {}, Job/gone: null, Job/gone-and-remembered: null, CronJob/gone: null}
        records: {Job/gone-and-remembered: {completed: true}}
    "), @r"
    observe: Job/changed, Job/same, Job/gone, Job/gone-and-remembered, CronJob/gone
    Job/changed as now, in apps: RunsOnce
    Job/same as then, in apps
    Job/gone-and-remembered as then, in apps
    CronJob/gone as then, in apps
    not Job/gone: RanAlready
    phases: databases[] apps[databases]
    ");
}

#[test]
fn jobs_are_run_again_where_they_are_marked_for_it() {
    assert_snapshot!(revert("
        then: {Job/changed: {spec: {image: 1}}, Job/gone: {marks: {rollback: rerun}}}
        now: {Job/changed: {spec: {image: 2}, marks: {rollback: rerun}}}
        live: {Job/changed: {}, Job/gone: null}
    "), @r"
    observe: Job/changed, Job/gone
    Job/changed as then, in apps
    Job/gone as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn what_is_marked_manual_now_or_was_then_is_left() {
    assert_snapshot!(revert("
        then: {StatefulSet/a: {marks: {rollback: manual}}, StatefulSet/b: {}, StatefulSet/gone: {marks: {rollback: manual}}}
        now: {StatefulSet/a: {}, StatefulSet/b: {spec: {x: 2}, marks: {rollback: manual}}}
        live: {StatefulSet/a: {}, StatefulSet/b: {}, StatefulSet/gone: null}
    "), @r"
    observe: StatefulSet/a, StatefulSet/b, StatefulSet/gone
    StatefulSet/a as then, in apps: Manual
    StatefulSet/b as now, in apps: Manual
    not StatefulSet/gone: ManualAbsent
    phases: databases[] apps[databases]
    ");
}

#[test]
fn what_is_marked_manual_and_is_new_goes_on_being_wanted_with_its_phase() {
    assert_snapshot!(revert("
        newPhases: {extra: [apps, unknown]}
        now: {StatefulSet/kept: {phase: extra, marks: {rollback: manual}}, ConfigMap/goes: {phase: extra}, StatefulSet/absent: {marks: {rollback: manual}}}
        live: {StatefulSet/kept: {}, ConfigMap/goes: {}, StatefulSet/absent: null}
    "), @r"
    observe: StatefulSet/kept, ConfigMap/goes, StatefulSet/absent
    StatefulSet/kept as now, in extra: Manual
    phases: databases[] apps[databases] extra[apps]
    ");
}

#[test]
fn what_stays_lies_in_the_phase_that_it_had_then() {
    assert_snapshot!(revert("
        then: {Secret/a: {phase: databases, data: {x: 1}}}
        now: {Secret/a: {phase: apps, data: {x: 2}}}
        live: {Secret/a: {}}
    "), @r"
    observe: Secret/a
    Secret/a as now, in databases: Secret
    phases: databases[] apps[databases]
    ");
}

#[test]
fn what_may_not_be_looked_at_is_wanted_as_then() {
    assert_snapshot!(revert("
        then: {Secret/a: {data: {x: 1}}}
        now: {Secret/a: {data: {x: 2}}}
        live: {Secret/a: forbidden}
    "), @r"
    observe: Secret/a
    Secret/a as then, in apps
    phases: databases[] apps[databases]
    ");
}

#[test]
fn of_two_revisions_the_one_counts_that_was_sent_last() {
    assert_snapshot!(revert("
        then: {Secret/reached: {data: {x: 1}}, Secret/not-reached: {data: {x: 1}}, Secret/unknown: {data: {x: 1}}}
        now: {Secret/reached: {data: {x: 3}}, Secret/not-reached: {data: {x: 3}}, Secret/unknown: {data: {x: 3}}}
        good: {Secret/reached: {data: {x: 2}}, Secret/not-reached: {data: {x: 2}}, Secret/unknown: {data: {x: 2}}}
        live: {Secret/reached: {}, Secret/not-reached: {}, Secret/unknown: {}}
        records: {Secret/reached: {sent: {data: {x: 3}}}, Secret/not-reached: {sent: {data: {x: 2}}}}
    "), @r"
    observe: Secret/reached, Secret/not-reached, Secret/unknown
    Secret/reached as now, in apps: Secret
    Secret/not-reached as last good, in apps: Secret
    Secret/unknown as now, in apps: Secret
    phases: databases[] apps[databases]
    ");
}
