//! Writes whose answer nobody saw, told by what is there, and how they are taken back.

use insta::assert_snapshot;

use super::given::rollback;

#[test]
fn what_was_absent_and_has_our_entry_from_its_beginning_was_created() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/ours, apply ConfigMap/others, apply ConfigMap/taken-over, apply ConfigMap/absent]
        snapshot: {ConfigMap/ours: null, ConfigMap/others: null, ConfigMap/taken-over: null, ConfigMap/absent: null}
        live: {ConfigMap/ours: {uid: 7}, ConfigMap/others: {by: [helm]}, ConfigMap/taken-over: {createdAt: 0, appliedAt: 30}}
    "), @r"
    apps
      0 delete ConfigMap/ours of uid 7
      1 await gone: ConfigMap/ours; phase ends ← 0
    ");
}

#[test]
fn what_an_earlier_run_may_have_created_is_looked_for_too() {
    assert_snapshot!(rollback("
        changes: {ConfigMap/late: unconfirmed, ConfigMap/never: unconfirmed, ConfigMap/others: unconfirmed}
        snapshot: {ConfigMap/late: null, ConfigMap/never: null, ConfigMap/others: null}
        live: {ConfigMap/late: {uid: 7}, ConfigMap/others: {by: [helm]}}
    "), @r"
    unconfirmed: ConfigMap/late, ConfigMap/never, ConfigMap/others
    left to others ConfigMap/others: was created outside deployctl during the run, and is left as it is
    apps
      0 delete ConfigMap/late of uid 7
      1 await gone: ConfigMap/late; phase ends ← 0
    ");
}

#[test]
fn what_was_there_and_is_another_version_may_have_been_changed() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/changed, apply ConfigMap/same, apply ConfigMap/by-others]
        snapshot:
          ConfigMap/changed: {metadata: {resourceVersion: '1'}}
          ConfigMap/same: {metadata: {resourceVersion: '1'}}
          ConfigMap/by-others: {metadata: {resourceVersion: '1'}, by: [helm]}
        live:
          ConfigMap/changed: {metadata: {resourceVersion: '2'}}
          ConfigMap/same: {metadata: {resourceVersion: '1'}}
          ConfigMap/by-others: {metadata: {resourceVersion: '2'}, by: [helm]}
    "), @r"
    unconfirmed: ConfigMap/changed
    apps
      0 restore ConfigMap/changed
      1 await ready: ConfigMap/changed; phase ends ← 0
    ");
}

#[test]
fn what_is_gone_was_deleted_where_the_program_deletes_it() {
    assert_snapshot!(rollback("
        program: [delete ConfigMap/ours, apply ConfigMap/others]
        snapshot: {ConfigMap/ours: {}, ConfigMap/others: {}}
    "), @r"
    left to others ConfigMap/others: was deleted outside deployctl
    apps
      0 recreate ConfigMap/ours
      1 await ready: ConfigMap/ours; phase ends ← 0
    ");
}

#[test]
fn what_is_going_was_sent_there_where_the_program_deletes_it() {
    assert_snapshot!(rollback("
        program: [delete ConfigMap/ours, apply ConfigMap/others]
        snapshot: {ConfigMap/ours: {}, ConfigMap/others: {metadata: {resourceVersion: '1'}}}
        live: {ConfigMap/ours: {deleting: true}, ConfigMap/others: {metadata: {resourceVersion: '2'}, deleting: true}}
    "), @r"
    unconfirmed: ConfigMap/others
    left to others ConfigMap/others: was deleted outside deployctl
    apps
      0 delete ConfigMap/ours of uid 1
      1 await gone: ConfigMap/ours, required ← 0
      2 recreate ConfigMap/ours ← 1
      3 await ready: ConfigMap/ours; phase ends ← 2
    ");
}

#[test]
fn what_was_going_before_is_not_waited_for() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/a, apply ConfigMap/leaving/b]
        snapshot: {ConfigMap/a: null, ConfigMap/leaving/b: null}
        live: {ConfigMap/a: {deleting: true}, ConfigMap/leaving/b: {}, Namespace/leaving: {deleting: true}}
    "), @"");
}

#[test]
fn what_has_our_entry_from_its_beginning_took_the_place_of_what_was_there() {
    assert_snapshot!(rollback("
        program: [apply Deployment/web]
        snapshot: {Deployment/web: {uid: 1}}
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
fn what_has_older_owners_than_itself_was_created_again() {
    assert_snapshot!(rollback("
        program: [delete ConfigMap/a]
        snapshot: {ConfigMap/a: {uid: 1}}
        live: {ConfigMap/a: {uid: 2, createdAt: 30, appliedAt: 0}}
    "), @r"
    apps
      0 recreate ConfigMap/a
      1 await ready: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_the_journal_knows_of_is_as_the_last_write_left_it_or_was_written_once_more() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/as-recorded, apply ConfigMap/once-more]
        snapshot: {ConfigMap/as-recorded: {data: {x: 1}}, ConfigMap/once-more: {data: {x: 1}}}
        changes: {ConfigMap/as-recorded: changed, ConfigMap/once-more: changed}
        live: {ConfigMap/as-recorded: {data: {x: 2}}, ConfigMap/once-more: {data: {x: 3}}}
        records: {ConfigMap/as-recorded: {}, ConfigMap/once-more: {stored: {data: {x: 2}}}}
    "), @r"
    unconfirmed: ConfigMap/once-more
    apps
      0 restore ConfigMap/as-recorded
      1 restore ConfigMap/once-more
      2 await ready: ConfigMap/as-recorded, ConfigMap/once-more; phase ends ← 0 1
    ");
}

#[test]
fn what_the_program_does_not_write_was_changed_by_others() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/a]
        snapshot: {ConfigMap/a: {}, ConfigMap/b: {metadata: {resourceVersion: '1'}}}
        live: {ConfigMap/a: {}, ConfigMap/b: {metadata: {resourceVersion: '2'}}}
    "), @"");
}

#[test]
fn what_is_known_to_be_answered_was_changed_by_others() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/a]
        confirmed: [ConfigMap/a]
        snapshot: {ConfigMap/a: {metadata: {resourceVersion: '1'}}}
        live: {ConfigMap/a: {metadata: {resourceVersion: '2'}}}
    "), @"");
}

#[test]
fn nothing_is_known_of_what_the_snapshot_says_nothing_about() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/a]
        live: {ConfigMap/a: {}}
    "), @"");
}

#[test]
fn what_we_created_and_sent_away_again_is_ours() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/a]
        snapshot: {ConfigMap/a: null}
        changes: {ConfigMap/a: deleted}
        live: {ConfigMap/a: {deleting: true}}
    "), @r"
    apps
      0 delete ConfigMap/a of uid 1
      1 await gone: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_was_created_once_more_is_ours_too() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/a]
        snapshot: {ConfigMap/a: null}
        changes: {ConfigMap/a: created 6}
        live: {ConfigMap/a: {uid: 7}}
    "), @r"
    apps
      0 delete ConfigMap/a of uid 7
      1 await gone: ConfigMap/a; phase ends ← 0
    ");
}

#[test]
fn what_was_taken_over_or_released_may_have_been_changed() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/taken-over, apply ConfigMap/released]
        snapshot:
          ConfigMap/taken-over: {metadata: {resourceVersion: '1'}, by: [helm]}
          ConfigMap/released: {metadata: {resourceVersion: '1'}}
        live:
          ConfigMap/taken-over: {metadata: {resourceVersion: '2'}, by: [helm, us]}
          ConfigMap/released: {metadata: {resourceVersion: '2'}, by: []}
    "), @r"
    unconfirmed: ConfigMap/released, ConfigMap/taken-over
    apps
      0 restore ConfigMap/released
      1 restore ConfigMap/taken-over
      2 await ready: ConfigMap/released, ConfigMap/taken-over; phase ends ← 0 1
    ");
}

#[test]
fn what_was_created_again_may_have_been_written_since() {
    assert_snapshot!(rollback("
        program: [apply ConfigMap/applied-since, apply ConfigMap/as-recorded, apply ConfigMap/not-since]
        snapshot: {ConfigMap/applied-since: {}, ConfigMap/as-recorded: {}, ConfigMap/not-since: {}}
        changes: {ConfigMap/applied-since: recreated 2, ConfigMap/as-recorded: recreated 2, ConfigMap/not-since: recreated 2}
        live:
          ConfigMap/applied-since: {uid: 2, createdAt: 10, appliedAt: 20}
          ConfigMap/as-recorded: {uid: 2, createdAt: 10, appliedAt: 20}
          ConfigMap/not-since: {uid: 2, createdAt: 10, appliedAt: 0}
        records: {ConfigMap/as-recorded: {}}
    "), @r"
    unconfirmed: ConfigMap/applied-since
    apps
      0 recreate ConfigMap/applied-since
      1 recreate ConfigMap/as-recorded
      2 recreate ConfigMap/not-since
      3 await ready: ConfigMap/applied-since, ConfigMap/as-recorded, ConfigMap/not-since; phase ends ← 0 1 2
    ");
}

#[test]
fn a_successor_that_we_made_was_not_written_since() {
    assert_snapshot!(rollback("
        program: [apply Deployment/web]
        snapshot: {Deployment/web: {uid: 1}}
        live: {Deployment/web: {uid: 2, createdAt: 10, appliedAt: 11}}
    "), @r"
    apps
      0 delete Deployment/web of uid 2
      1 await gone: Deployment/web, required ← 0
      2 recreate Deployment/web ← 1
      3 await ready: nothing; phase ends ← 2
    ");
}

#[test]
fn another_version_than_was_written_says_nothing_about_the_write() {
    assert_snapshot!(rollback("
        program: [apply Widget/a]
        snapshot: {Widget/a: {data: {x: 1}}}
        changes: {Widget/a: changed}
        live: {Widget/a: {apiVersion: example.org/v2, data: {x: 3}}}
        records: {Widget/a: {stored: {data: {x: 2}}}}
    "), @r"
    apps
      0 restore Widget/a
      1 await ready: Widget/a; phase ends ← 0
    ");
}
