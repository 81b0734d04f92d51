//! What becomes of what is not wanted any more.

use insta::assert_snapshot;

use super::given::{deploy, orphans, prune};

#[test]
fn what_a_revision_wrote_and_is_not_wanted_any_more_goes() {
    assert_snapshot!(prune("
        desired: {ConfigMap/wanted: {}}
        live: {ConfigMap/wanted: {}, ConfigMap/old: {}, ConfigMap/foreign: {}}
        records: {ConfigMap/wanted: {}, ConfigMap/old: {}}
    "), @r"
    delete ConfigMap/old of apps
    ");
}

#[test]
fn what_moves_to_another_phase_is_still_wanted() {
    assert_snapshot!(prune("
        desired: {ConfigMap/a: {phase: databases}}
        live: {ConfigMap/a: {}}
        records: {ConfigMap/a: {phase: apps}}
    "), @"");
}

#[test]
fn what_others_apply_too_is_released() {
    assert_snapshot!(prune("
        live: {ConfigMap/shared: {by: [us, helm]}}
        records: {ConfigMap/shared: {}}
    "), @r"
    release ConfigMap/shared of apps
    ");
}

#[test]
fn what_is_not_ours_any_more_is_forgotten() {
    assert_snapshot!(prune("
        live:
          ConfigMap/taken-over: {by: [helm]}
          Pod/made-by-a-controller: {metadata: {ownerReferences: [{controller: true}]}}
          ConfigMap/gone: null
        records:
          ConfigMap/taken-over: {stored: {}}
          Pod/made-by-a-controller: {}
          ConfigMap/gone: {}
          ConfigMap/nobody-looked: {}
    "), @r"
    forget ConfigMap/gone
    forget ConfigMap/nobody-looked
    forget ConfigMap/taken-over
    forget Pod/made-by-a-controller
    ");
}

#[test]
fn what_only_names_an_owner_is_ours_to_remove() {
    assert_snapshot!(prune("
        live: {ConfigMap/owned: {metadata: {ownerReferences: [{kind: Deployment}]}}}
        records: {ConfigMap/owned: {}}
    "), @r"
    delete ConfigMap/owned of apps
    ");
}

#[test]
fn what_was_put_back_half_way_is_ours() {
    assert_snapshot!(prune("
        live: {ConfigMap/half-way: {by: [], posted: true}}
        records: {ConfigMap/half-way: {stored: {}}}
    "), @r"
    delete ConfigMap/half-way of apps
    ");
}

#[test]
fn what_may_not_be_looked_at_is_remembered() {
    assert_snapshot!(prune("
        live: {Secret/hidden: forbidden}
        records: {Secret/hidden: {}}
    "), @r"
    go on remembering Secret/hidden
    ");
}

#[test]
fn what_is_being_deleted_is_not_waited_for() {
    assert_snapshot!(prune("
        live: {ConfigMap/going: {deleting: true}}
        records: {ConfigMap/going: {}}
    "), @r"
    forget ConfigMap/going
    ");
}

#[test]
fn a_part_of_the_phases_prunes_in_its_own() {
    assert_snapshot!(prune("
        selection: [apps]
        live: {ConfigMap/a: {}, ConfigMap/b: {}, ConfigMap/c: {}}
        records: {ConfigMap/a: {}, ConfigMap/b: {phase: databases}, ConfigMap/c: {phase: others}}
    "), @r"
    delete ConfigMap/a of apps
    ");
}

#[test]
fn data_stays_and_so_does_what_it_cannot_be_opened_without() {
    assert_snapshot!(prune("
        live:
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: []}
          PersistentVolumeClaim/uploads: {}
          PersistentVolume/disk: {}
          Secret/password: {}
          Secret/other: {}
        records:
          StatefulSet/db: {}
          PersistentVolumeClaim/uploads: {}
          PersistentVolume/disk: {}
          Secret/password: {}
          Secret/other: {}
    "), @r"
    delete Secret/other of apps
    delete StatefulSet/db of apps
    keep PersistentVolume/disk: it holds data
    keep PersistentVolumeClaim/uploads: it holds data
    keep Secret/password: StatefulSet/shop/db, whose data on PersistentVolumeClaim/shop/data-db-0 is kept, reads it
    keep PersistentVolumeClaim/data-db-0: it holds the data of StatefulSet/shop/db
    ");
}

#[test]
fn what_stays_does_not_go_with_an_owner_that_goes() {
    assert_snapshot!(prune("
        desired: {Secret/wanted: {}}
        live:
          ConfigMap/of-wanted: {uid: a}
          ConfigMap/of-shared: {uid: b}
          ConfigMap/of-unwanted: {uid: c}
          ConfigMap/of-foreign: {uid: d}
          Secret/wanted: {metadata: {ownerReferences: [{uid: a, controller: true}]}}
          Secret/shared: {by: [us, helm], metadata: {ownerReferences: [{uid: b}]}}
          Secret/unwanted: {metadata: {ownerReferences: [{uid: c, controller: true}]}}
          Secret/foreign: {by: [operator], metadata: {ownerReferences: [{uid: d}]}}
        records:
          ConfigMap/of-wanted: {}
          ConfigMap/of-shared: {}
          ConfigMap/of-unwanted: {}
          ConfigMap/of-foreign: {}
          Secret/shared: {}
          Secret/unwanted: {}
    "), @r"
    release Secret/shared of apps
    delete ConfigMap/of-foreign of apps
    delete ConfigMap/of-shared of apps, what it has taken over stays
    delete ConfigMap/of-unwanted of apps
    delete ConfigMap/of-wanted of apps, what it has taken over stays
    forget Secret/unwanted
    ");
}

#[test]
fn what_data_cannot_be_opened_without_does_not_go_with_what_has_taken_it_over() {
    assert_snapshot!(prune("
        live:
          ConfigMap/owner: {uid: a}
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: []}
          Secret/password: {metadata: {ownerReferences: [{uid: a, controller: true}]}}
        records:
          ConfigMap/owner: {}
          StatefulSet/db: {}
          Secret/password: {}
    "), @r"
    delete ConfigMap/owner of apps, what it has taken over stays
    delete StatefulSet/db of apps
    keep Secret/password: StatefulSet/shop/db, whose data on PersistentVolumeClaim/shop/data-db-0 is kept, reads it
    keep PersistentVolumeClaim/data-db-0: it holds the data of StatefulSet/shop/db
    ");
}

#[test]
fn a_claim_that_never_got_a_volume_holds_no_data() {
    assert_snapshot!(prune("
        live:
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-0: {by: [], status: {phase: Pending}}
          PersistentVolumeClaim/data-db-1: {by: [], status: {phase: Bound}, spec: {volumeName: v}}
          PersistentVolumeClaim/uploads: {status: {phase: Pending}}
          Secret/password: {}
        records:
          StatefulSet/db: {}
          PersistentVolumeClaim/uploads: {}
          Secret/password: {}
    "), @r"
    delete PersistentVolumeClaim/data-db-0 of apps
    delete PersistentVolumeClaim/uploads of apps
    delete StatefulSet/db of apps
    keep Secret/password: StatefulSet/shop/db, whose data on PersistentVolumeClaim/shop/data-db-1 is kept, reads it
    keep PersistentVolumeClaim/data-db-1: it holds the data of StatefulSet/shop/db
    ");
}

#[test]
fn a_secret_of_a_claim_that_a_workload_names_stays() {
    assert_snapshot!(prune("
        live:
          Deployment/gitea:
            spec:
              template:
                spec:
                  containers: [{envFrom: [{secretRef: {name: by-environment}}], env: [{valueFrom: {secretKeyRef: {name: by-variable}}}]}]
                  volumes:
                  - {persistentVolumeClaim: {claimName: gitea}}
                  - {secret: {secretName: by-volume}}
                  - {projected: {sources: [{secret: {name: by-projection}}]}}
          PersistentVolumeClaim/gitea: {by: []}
          Secret/by-environment: {}
          Secret/by-variable: {}
          Secret/by-volume: {}
          Secret/by-projection: {}
        records:
          Deployment/gitea: {}
          Secret/by-environment: {}
          Secret/by-variable: {}
          Secret/by-volume: {}
          Secret/by-projection: {}
    "), @r"
    delete Deployment/gitea of apps
    keep Secret/by-environment: Deployment/shop/gitea, whose data on PersistentVolumeClaim/shop/gitea is kept, reads it
    keep Secret/by-projection: Deployment/shop/gitea, whose data on PersistentVolumeClaim/shop/gitea is kept, reads it
    keep Secret/by-variable: Deployment/shop/gitea, whose data on PersistentVolumeClaim/shop/gitea is kept, reads it
    keep Secret/by-volume: Deployment/shop/gitea, whose data on PersistentVolumeClaim/shop/gitea is kept, reads it
    ");
}

#[test]
fn a_secret_goes_where_its_workload_has_no_claim() {
    assert_snapshot!(prune("
        live:
          StatefulSet/db: {claims: {data: 1Gi}, reads: [Secret/password]}
          PersistentVolumeClaim/data-db-replica-0: {by: []}
          PersistentVolumeClaim/data-db-: {by: []}
          PersistentVolumeClaim/elsewhere/data-db-0: {by: []}
          Secret/password: {}
        records: {StatefulSet/db: {}, Secret/password: {}}
    "), @r"
    delete Secret/password of apps
    delete StatefulSet/db of apps
    ");
}

#[test]
fn what_was_kept_for_data_stays_while_the_data_is_there() {
    assert_snapshot!(prune("
        live:
          Secret/password: {}
          Secret/elsewhere/password: {}
          Namespace/shop: {}
          PersistentVolumeClaim/data-db-0: {by: []}
        records:
          Secret/password: {kept: true, created: true}
          Secret/elsewhere/password: {kept: true, created: true}
          Namespace/shop: {kept: true, created: true}
    "), @r"
    delete Namespace/shop of apps
    delete Secret/elsewhere/password of apps
    keep Secret/password: it is kept since an earlier run, with the data that may need it
    ");
}

#[test]
fn data_goes_where_that_is_asked_for() {
    assert_snapshot!(deploy("
        deleteData: true
        live:
          StatefulSet/db:
            spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}
            claims: {data: 1Gi}
            reads: [Secret/password]
          PersistentVolumeClaim/data-db-0: {by: [], uid: 5}
          PersistentVolumeClaim/uploads: {}
          PersistentVolumeClaim/foreign: {by: []}
          Secret/password: {}
        records:
          StatefulSet/db: {phase: databases}
          PersistentVolumeClaim/uploads: {}
          Secret/password: {kept: true}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await ready: nothing; phase ends ← 0
    prune
      2 delete PersistentVolumeClaim/uploads of uid 1 ← 0 1
      3 delete Secret/password of uid 1 ← 0 1
      4 await gone: PersistentVolumeClaim/uploads, Secret/password ← 2 3
      5 delete PersistentVolumeClaim/data-db-0 of uid 5 ← 4
      6 delete StatefulSet/db of uid 1 ← 4
      7 await gone: PersistentVolumeClaim/data-db-0, StatefulSet/db; phase ends ← 5 6
    ");
}

#[test]
fn a_claim_of_a_stateful_set_that_is_ours_too_goes_once() {
    assert_snapshot!(prune("
        deleteData: true
        live:
          StatefulSet/db: {claims: {data: 1Gi}}
          PersistentVolumeClaim/data-db-0: {}
        records: {StatefulSet/db: {phase: databases}, PersistentVolumeClaim/data-db-0: {}}
    "), @r"
    delete PersistentVolumeClaim/data-db-0 of databases
    delete StatefulSet/db of databases
    data that goes: PersistentVolumeClaim/data-db-0
    ");
}

#[test]
fn claims_of_a_workload_that_made_none_are_not_its_data() {
    assert_snapshot!(prune("
        deleteData: true
        live:
          Deployment/web:
            spec:
              template: {spec: {containers: [], volumes: [{persistentVolumeClaim: {claimName: foreign}}]}}
          PersistentVolumeClaim/foreign: {by: []}
        records: {Deployment/web: {}}
    "), @r"
    delete Deployment/web of apps
    ");
}

#[test]
fn a_stateful_set_that_takes_its_claims_along_is_kept_from_it() {
    assert_snapshot!(deploy("
        live:
          StatefulSet/takes-claims: {spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}}
          StatefulSet/leaves-claims: {spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}}}
          Deployment/no-claims: {spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}}
        records: {StatefulSet/takes-claims: {}, StatefulSet/leaves-claims: {}, Deployment/no-claims: {}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await ready: nothing; phase ends ← 0
    prune
      2 delete Deployment/no-claims of uid 1 ← 0 1
      3 delete StatefulSet/leaves-claims of uid 1 ← 0 1
      4 delete StatefulSet/takes-claims of uid 1, its claims stay ← 0 1
      5 await gone: Deployment/no-claims, StatefulSet/leaves-claims, StatefulSet/takes-claims; phase ends ← 2 3 4
    ");
}

#[test]
fn a_namespace_goes_last_if_it_is_ours_and_empty() {
    assert_snapshot!(deploy("
        live: {Namespace/ours: {}, Namespace/found: {}, ConfigMap/ours/a: {}}
        records: {Namespace/ours: {created: true}, Namespace/found: {}, ConfigMap/ours/a: {}}
    "), @r"
    databases
      0 await ready: nothing; phase ends
    apps
      1 await ready: nothing; phase ends ← 0
    prune
      2 delete ConfigMap/ours/a of uid 1 ← 0 1
      3 await gone: ConfigMap/ours/a ← 2
      4 release Namespace/found ← 3
      5 delete if empty Namespace/ours of uid 1 ← 3
      6 await gone: Namespace/ours; phase ends ← 4 5
    ");
}

#[test]
fn what_is_no_container_goes_although_it_was_there_before_us() {
    assert_snapshot!(prune("
        live: {ConfigMap/taken-over: {}}
        records: {ConfigMap/taken-over: {created: false}}
    "), @r"
    delete ConfigMap/taken-over of apps
    ");
}

#[test]
fn a_namespace_that_an_interrupted_run_found_is_released() {
    assert_snapshot!(prune("
        live: {Namespace/found: {}, Namespace/made: {}, Namespace/made-before: {}}
        unsettled:
          snapshot: {Namespace/found: {by: []}, Namespace/made: null, Namespace/made-before: {}}
          changes: {Namespace/found: changed, Namespace/made: created 1, Namespace/made-before: changed}
          records: {Namespace/made-before: {created: true}}
    "), @r"
    release Namespace/found of others
    delete Namespace/made of others
    delete Namespace/made-before of apps
    ");
}

#[test]
fn what_an_interrupted_run_did_is_not_forgotten() {
    assert_snapshot!(prune("
        live: {ConfigMap/a: {}, ConfigMap/b: {}, ConfigMap/c: {}, ConfigMap/d: {}}
        records: {ConfigMap/d: {}}
        unsettled:
          changes: {ConfigMap/a: unconfirmed, ConfigMap/b: deleted, ConfigMap/c: created 1, ConfigMap/d: unconfirmed}
          program: [apply ConfigMap/a in databases]
          records: {ConfigMap/b: {phase: databases}}
    "), @r"
    delete ConfigMap/a of databases
    delete ConfigMap/b of databases
    delete ConfigMap/c of others
    delete ConfigMap/d of apps
    ");
}

#[test]
fn containers_that_nobody_remembers_go_only_where_we_created_them() {
    assert_snapshot!(orphans("
        live:
          Namespace/made: {}
          Namespace/found: {createdAt: 0, appliedAt: 30}
          ConfigMap/found: {createdAt: 0, appliedAt: 30}
          ConfigMap/going: {deleting: true}
    "), @r"
    delete ConfigMap/found of orphans
    delete ConfigMap/going of orphans
    release Namespace/found of orphans
    delete Namespace/made of orphans
    ");
}

#[test]
fn a_secret_goes_where_its_workload_names_another_claim() {
    assert_snapshot!(prune("
        live:
          Deployment/web:
            spec:
              template:
                spec:
                  containers: [{envFrom: [{secretRef: {name: password}}]}]
                  volumes: [{persistentVolumeClaim: {claimName: gone}}]
          PersistentVolumeClaim/foreign: {by: []}
          Secret/password: {}
        records: {Deployment/web: {}, Secret/password: {}}
    "), @r"
    delete Secret/password of apps
    delete Deployment/web of apps
    ");
}

#[test]
fn what_is_wanted_under_another_group_is_the_same_object() {
    assert_snapshot!(prune("
        desired: {Project/team: {}}
        live: {Project/team: {uid: 7}, Namespace/team: {uid: 7}}
        records: {Namespace/team: {created: true}}
    "), @r"
    forget Namespace/team
    ");
}

#[test]
fn what_an_annotation_keeps_stays() {
    assert_snapshot!(prune("
        live:
          ConfigMap/kept: {metadata: {annotations: {deployctl.dev/keep: 'true'}}}
          ConfigMap/of-helm: {metadata: {annotations: {helm.sh/resource-policy: keep}}}
          ConfigMap/going: {deleting: true, metadata: {annotations: {deployctl.dev/keep: 'true'}}}
          ConfigMap/old: {metadata: {annotations: {deployctl.dev/keep: 'false'}}}
        records: {ConfigMap/kept: {}, ConfigMap/of-helm: {}, ConfigMap/going: {}, ConfigMap/old: {}}
        deleteData: true
    "), @r"
    delete ConfigMap/old of apps
    keep ConfigMap/kept: `deployctl.dev/keep: true` keeps it
    keep ConfigMap/of-helm: `helm.sh/resource-policy: keep` keeps it
    forget ConfigMap/going
    ");
}

#[test]
fn what_holds_something_that_an_annotation_keeps_stays_with_it() {
    assert_snapshot!(prune("
        live:
          ConfigMap/kept: {metadata: {annotations: {deployctl.dev/keep: 'true'}}}
          Namespace/shop: {}
          Namespace/empty: {}
          ConfigMap/ours/kept: {metadata: {annotations: {deployctl.dev/keep: 'true'}}}
          Namespace/ours: {by: [us, helm]}
          Widget/kept: {metadata: {annotations: {helm.sh/resource-policy: keep}}}
          CustomResourceDefinition/widgets: {spec: {group: example.org, names: {kind: Widget}, versions: [{name: v1}]}}
          CustomResourceDefinition/gadgets: {spec: {group: example.org, names: {kind: Gadget}, versions: [{name: v1}]}}
        records:
          ConfigMap/kept: {}
          Namespace/shop: {created: true}
          Namespace/empty: {created: true}
          ConfigMap/ours/kept: {}
          Namespace/ours: {created: true}
          Widget/kept: {}
          CustomResourceDefinition/widgets: {created: true}
          CustomResourceDefinition/gadgets: {created: true}
    "), @r"
    release Namespace/ours of apps
    delete Namespace/empty of apps
    delete CustomResourceDefinition/gadgets of apps
    keep ConfigMap/ours/kept: `deployctl.dev/keep: true` keeps it
    keep ConfigMap/kept: `deployctl.dev/keep: true` keeps it
    keep Widget/kept: `helm.sh/resource-policy: keep` keeps it
    keep Namespace/shop: it holds ConfigMap/shop/kept, which is kept
    keep CustomResourceDefinition/widgets: it holds Widget/shop/kept, which is kept
    ");
}

#[test]
fn a_part_of_the_objects_prunes_what_has_its_labels() {
    let case = |selection: &str| {
        prune(&format!(
            "
        {selection}
        desired: {{ConfigMap/a: {{}}}}
        live:
          ConfigMap/a: {{}}
          ConfigMap/old: {{metadata: {{labels: {{app: web}}}}}}
          ConfigMap/other: {{metadata: {{labels: {{app: api}}}}}}
        records: {{ConfigMap/a: {{}}, ConfigMap/old: {{}}, ConfigMap/other: {{}}}}
    "
        ))
    };
    assert_snapshot!(case("selection: [app=web]"), @"delete ConfigMap/old of apps");
    assert_snapshot!(case("selection: [ConfigMap/a]"), @"");
}

#[test]
fn what_belonged_to_what_a_killed_run_has_deleted_goes() {
    assert_snapshot!(prune("
        desired: {StatefulSet/wanted: {}}
        live:
          Pod/db-0: {uid: p, by: []}
          Pod/db-1: {uid: other, by: []}
          Pod/db-2: {uid: p, by: [], metadata: {ownerReferences: [{uid: adopter, controller: true}]}}
          Pod/going-0: {uid: p, by: [], metadata: {ownerReferences: [{uid: g, controller: true}]}}
          StatefulSet/going: {uid: g, deleting: true}
          Pod/there-0: {uid: p, by: [], metadata: {ownerReferences: [{uid: t, controller: true}]}}
          StatefulSet/there: {uid: t, by: []}
          Pod/wanted-0: {uid: p, by: []}
          StatefulSet/db: null
        unsettled:
          changes:
            Pod/db-0: of StatefulSet/db uid p
            Pod/db-1: of StatefulSet/db uid p
            Pod/db-2: of StatefulSet/db uid p
            Pod/going-0: of StatefulSet/going uid p
            Pod/there-0: of StatefulSet/there uid p
            Pod/wanted-0: of StatefulSet/wanted uid p
            StatefulSet/db: deleted
    "), @r"
    delete Pod/db-0 of others
    delete Pod/going-0 of others
    forget Pod/db-1
    forget Pod/db-2
    forget Pod/there-0
    forget Pod/wanted-0
    forget StatefulSet/db
    ");
}
