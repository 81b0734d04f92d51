//! Which workloads restart because something changes that they read only when they start.

use insta::assert_snapshot;

use super::given::restart;

#[test]
fn a_workload_restarts_once_what_it_reads_changes() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          Deployment/web: {reads: [ConfigMap/a]}
          Deployment/other: {reads: [ConfigMap/b]}
        live:
          ConfigMap/a: {data: {x: 1}}
          Deployment/web: {reads: [ConfigMap/a]}
          Deployment/other: {reads: [ConfigMap/b]}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}, Deployment/web: {}, Deployment/other: {}}
    "), @r"
    change ConfigMap/a
    change Deployment/web: restarts, because ConfigMap/shop/a changes
    keep Deployment/other
    annotation of Deployment/web: a digest
    to be tried: Deployment/web
    ");
}

#[test]
fn what_changes_in_nothing_that_is_read_restarts_nothing() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {metadata: {labels: {app: b}}, data: {x: 1}}
          Deployment/web: {reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {metadata: {labels: {app: a}}, data: {x: 1}}
          Deployment/web: {reads: [ConfigMap/a]}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}, Deployment/web: {}}
    "), @r"
    change ConfigMap/a
    keep Deployment/web
    ");
}

#[test]
fn pods_that_started_on_what_was_given_up_are_replaced() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 1}}
          Deployment/web: {reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {data: {x: 2}}
          Deployment/web: {reads: [ConfigMap/a], annotation: of-two}
        unsettled: {snapshot: {ConfigMap/a: {data: {x: 1}}, Deployment/web: {reads: [ConfigMap/a]}}}
        records: {ConfigMap/a: {sent: {data: {x: 2}}}, Deployment/web: {}}
    "), @r"
    change ConfigMap/a
    change Deployment/web: restarts, because ConfigMap/shop/a changes
    annotation of Deployment/web: a digest
    to be tried: Deployment/web
    ");
}

#[test]
fn what_is_new_was_read_by_no_pod_that_runs() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          Deployment/web: {reads: [ConfigMap/a]}
        live:
          Deployment/web: {reads: [ConfigMap/a]}
        records: {Deployment/web: {}}
    "), @r"
    create ConfigMap/a
    keep Deployment/web
    ");
}

#[test]
fn a_workload_whose_template_changes_or_that_is_new_starts_anew_anyway() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          Deployment/changed: {image: 2, reads: [ConfigMap/a]}
          Deployment/new: {reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {data: {x: 1}}
          Deployment/changed: {image: 1, reads: [ConfigMap/a]}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}, Deployment/changed: {sent: {}}}
    "), @r"
    change ConfigMap/a
    change Deployment/changed
    create Deployment/new
    ");
}

#[test]
fn only_the_pods_of_a_stateful_set_outlive_that_it_is_created_anew() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          StatefulSet/db: {spec: {serviceName: b}, reads: [ConfigMap/a]}
          Deployment/web: {spec: {selector: b}, reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {data: {x: 1}}
          StatefulSet/db: {spec: {serviceName: a}, reads: [ConfigMap/a]}
          Deployment/web: {spec: {selector: a}, reads: [ConfigMap/a]}
        decisions: {StatefulSet/db: replace, Deployment/web: replace}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}}
    "), @r"
    change ConfigMap/a
    replace StatefulSet/db: restarts, because ConfigMap/shop/a changes
    replace Deployment/web
    annotation of StatefulSet/db: a digest
    ");
}

#[test]
fn a_workload_may_opt_out() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          Deployment/opts-out: {marks: {restartOnChange: false}, reads: [ConfigMap/a]}
          Deployment/says-it-itself: {reads: [ConfigMap/a], annotation: own}
        live:
          ConfigMap/a: {data: {x: 1}}
          Deployment/opts-out: {reads: [ConfigMap/a]}
          Deployment/says-it-itself: {reads: [ConfigMap/a], annotation: by-hand}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}, Deployment/opts-out: {}, Deployment/says-it-itself: {}}
    "), @r"
    change ConfigMap/a
    keep Deployment/opts-out
    keep Deployment/says-it-itself
    annotation of Deployment/says-it-itself: own
    ");
}

#[test]
fn a_restart_that_was_is_not_taken_back_and_not_repeated() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 1}}
          Deployment/web: {reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {data: {x: 1}}
          Deployment/web: {reads: [ConfigMap/a], annotation: earlier}
        records: {ConfigMap/a: {}, Deployment/web: {}}
    "), @r"
    keep ConfigMap/a
    keep Deployment/web
    annotation of Deployment/web: earlier
    ");
}

#[test]
fn what_an_interrupted_run_has_changed_counts_as_changed() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          Deployment/web: {reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {data: {x: 2}}
          Deployment/web: {reads: [ConfigMap/a]}
        records: {ConfigMap/a: {}, Deployment/web: {}}
        unsettled: {snapshot: {ConfigMap/a: {data: {x: 1}}}}
    "), @r"
    keep ConfigMap/a
    change Deployment/web: restarts, because ConfigMap/shop/a changes
    annotation of Deployment/web: a digest
    to be tried: Deployment/web
    ");
}

#[test]
fn what_makes_no_pods_of_its_own_is_not_restarted() {
    assert_snapshot!(restart("
        desired:
          ConfigMap/a: {data: {x: 2}}
          Widget/web: {reads: [ConfigMap/a]}
          ReplicaSet/web: {reads: [ConfigMap/a]}
          Job/once: {reads: [ConfigMap/a]}
        live:
          ConfigMap/a: {data: {x: 1}}
          Widget/web: {reads: [ConfigMap/a]}
          ReplicaSet/web: {reads: [ConfigMap/a]}
          Job/once: {reads: [ConfigMap/a]}
        records: {ConfigMap/a: {sent: {data: {x: 1}}}, Widget/web: {}, ReplicaSet/web: {}, Job/once: {}}
    "), @r"
    change ConfigMap/a
    keep Widget/web
    keep ReplicaSet/web
    keep Job/once
    ");
}

#[test]
fn an_annotation_on_what_is_not_restarted_is_left_out() {
    assert_snapshot!(restart("
        desired: {ReplicaSet/web: {reads: [ConfigMap/a]}}
        live: {ReplicaSet/web: {reads: [ConfigMap/a], annotation: foreign}}
    "), @r"
    change ReplicaSet/web
    ");
}
