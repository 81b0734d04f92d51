//! Storage, backups, virtual machines, `OpenShift`, API management and policies.

use crate::readiness::custom::{
    peculiar::olm,
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Late, Ready, Unknown, Waiting},
        Step, Test, busy_if, busy_unless, fails_if, fails_unless, false_for, flag, has, idle_if,
        idle_unless, lacks, ready_if, reason, says, settles, stored, summary, true_for,
    },
};

/// The operations of Astra Control: what is neither over nor running has failed.
const ASTRA: &[Step] = &[
    says("/status/state", &["Completed"], Ready),
    says("/status/state", &["Running", "Pending", "Removing"], Busy),
    has("/status/state", Failed),
];

/// 3scale's resources: a condition for each way in which it can go wrong.
const THREE_SCALE: &[Step] = &[
    fails_if("Invalid"),
    fails_if("Orphan"),
    fails_if("Failed"),
    says("/status/developerUserState", &["suspended"], Idle),
    Step::When(
        Test::Condition {
            kind: "Waiting",
            truths: &[crate::object::Truth::True],
            reasons: &[],
        },
        Waiting,
    ),
    busy_if("In-progress"),
    busy_if("Pending"),
    ready_if("Synced"),
    ready_if("Ready"),
];

const CEPH: &[Step] = &[
    says(
        "/status/phase",
        &["Ready", "Connected", "Created", "Bound"],
        Ready,
    ),
    says(
        "/status/phase",
        &["Failure", "Error", "ReconcileFailed"],
        Failed,
    ),
];

const COMPLIANT: &[Step] = &[
    says("/status/compliant", &["Compliant"], Ready),
    says("/status/compliant", &["Pending"], Busy),
    Step::When(Test::Has("/status/compliant"), Late),
];

const SNAPSHOT: &[Step] = &[
    flag("/status/readyToUse", true, Ready),
    has("/status/error", Late),
];

pub(super) const ROWS: &[Row] = &[
    row(
        "velero.io",
        &["Schedule"],
        &[
            flag("/spec/paused", true, Idle),
            says("/status/phase", &["Enabled"], Ready),
            says("/status/phase", &["FailedValidation"], Failed),
        ],
    ),
    row(
        "velero.io",
        &["BackupStorageLocation"],
        &[
            says("/status/phase", &["Available"], Ready),
            says("/status/phase", &["Unavailable"], Late),
        ],
    ),
    row(
        "velero.io",
        &["BackupRepository"],
        &[
            says("/status/phase", &["Ready"], Ready),
            says("/status/phase", &["NotReady"], Late),
        ],
    ),
    // Written with the object itself: their definitions have no status subresource.
    row(
        "velero.io",
        &[
            "Backup",
            "DataDownload",
            "DataUpload",
            "DeleteBackupRequest",
            "DownloadRequest",
            "PodVolumeBackup",
            "PodVolumeRestore",
            "Restore",
            "ServerStatusRequest",
        ],
        &[
            says("/status/phase", &["Completed", "Processed"], Ready),
            says("/status/phase", &["Failed*", "PartiallyFailed"], Failed),
            says("/status/phase", &["Canceled"], Failed),
        ],
    ),
    row(
        "longhorn.io",
        &["Volume"],
        &[
            says("/status/robustness", &["faulted"], Failed),
            says("/status/robustness", &["degraded"], Busy),
            says(
                "/status/state",
                &["attaching", "detaching", "creating", "deleting"],
                Busy,
            ),
            says("/status/state", &["attached", "detached"], Ready),
        ],
    ),
    row(
        "longhorn.io",
        &["Node", "BackupTarget"],
        &[
            flag("/status/available", true, Ready),
            flag("/status/available", false, Late),
            summary("Ready"),
        ],
    ),
    row(
        "longhorn.io",
        &["Engine", "Replica", "InstanceManager", "ShareManager"],
        &[
            says("/status/currentState", &["running", "stopped"], Ready),
            says("/status/currentState", &["error"], Failed),
        ],
    ),
    row("longhorn.io", &["RecurringJob", "Setting"], &[stored()]),
    row(
        "snapshot.storage.k8s.io",
        &["VolumeSnapshot", "VolumeSnapshotContent"],
        SNAPSHOT,
    ),
    row(
        "snapshot.storage.k8s.io",
        &["VolumeSnapshotClass"],
        &[stored()],
    ),
    row(
        "ceph.rook.io",
        &["CephCluster"],
        &[
            says("/status/state", &["Error"], Failed),
            says("/status/phase", &["Failure"], Failed),
            says("/status/ceph/health", &["HEALTH_ERR"], Failed),
            says("/status/state", &["Creating"], Busy),
            says("/status/ceph/health", &["HEALTH_WARN"], Failed),
            lacks("/status/ceph/health", Busy),
            says(
                "/status/state",
                &["Connecting", "Progressing", "Updating", "Deleting"],
                Busy,
            ),
            says(
                "/status/phase",
                &["Connecting", "Progressing", "Deleting"],
                Busy,
            ),
            says("/status/ceph/health", &["HEALTH_OK"], Ready),
        ],
    ),
    row("ceph.rook.io", &[], CEPH),
    row(
        "objectbucket.io",
        &[],
        &[
            says("/status/phase", &["Bound"], Ready),
            says("/status/phase", &["Failed"], Failed),
        ],
    ),
    row(
        "trident.netapp.io",
        &["TridentBackendConfig"],
        &[
            says("/status/lastOperationStatus", &["Failed"], Failed),
            says("/status/phase", &["Lost", "Failed", "Unknown"], Failed),
            says("/status/lastOperationStatus", &["Progressing"], Busy),
            says("/status/phase", &["Bound"], Ready),
        ],
    ),
    row(
        "astra.netapp.io",
        &["AppVault"],
        &[
            says("/status/state", &["available"], Ready),
            says("/status/state", &["failed", "error"], Failed),
        ],
    ),
    row("astra.netapp.io", &["Application"], &[summary("Ready")]),
    row(
        "astra.netapp.io",
        &["ExecHook"],
        &[
            flag("/spec/enabled", false, Idle),
            flag("/spec/enabled", true, Ready),
        ],
    ),
    row("astra.netapp.io", &["Schedule"], &[stored()]),
    row("astra.netapp.io", &[], ASTRA),
    row(
        "minio.min.io",
        &["Tenant"],
        &[
            says("/status/currentState", &["Initialized"], Ready),
            says(
                "/status/currentState",
                &[
                    "Provisioning*",
                    "Waiting*",
                    "Updating*",
                    "Restarting*",
                    "Creating*",
                ],
                Busy,
            ),
            says(
                "/status/currentState",
                &[
                    "Statefulset not controlled*",
                    "Another MinIO Tenant*",
                    "Different versions*",
                    "Pool Decommissioning*",
                    "Tenant credentials*",
                ],
                Failed,
            ),
            has("/status/currentState", Unknown),
        ],
    ),
    row(
        "cdi.kubevirt.io",
        &["DataVolume"],
        &[
            says("/status/phase", &["Succeeded"], Ready),
            says("/status/phase", &["Failed", "Unknown"], Failed),
            says("/status/phase", &["Paused"], Idle),
            reason("Running", &["Error"], Failed),
        ],
    ),
    row(
        "kubevirt.io",
        &["VirtualMachine"],
        &[
            idle_if("Paused"),
            ready_if("Ready"),
            flag("/status/created", true, Busy),
            says(
                "/status/printableStatus",
                &["Provisioning", "Starting", "WaitingFor*", "Migrating"],
                Busy,
            ),
            idle_unless("Ready"),
            says("/status/printableStatus", &["Stopped", "Paused"], Idle),
        ],
    ),
    row(
        "kubevirt.io",
        &["VirtualMachineInstance"],
        &[
            says("/status/phase", &["Failed"], Failed),
            says(
                "/status/phase",
                &["Pending", "Scheduling", "Scheduled", "WaitingForSync"],
                Busy,
            ),
            says("/status/phase", &["Succeeded"], Idle),
            says("/status/phase", &["Unknown"], Unknown),
            idle_if("Paused"),
            summary("Ready"),
        ],
    ),
    row(
        "apps.openshift.io",
        &["DeploymentConfig"],
        &[
            fails_unless("Progressing"),
            busy_unless("Progressing"),
            busy_unless("Available"),
            // What is available may be the pods of the rollout before.
            true_for(
                "Progressing",
                &[
                    "NewReplicationControllerCreated",
                    "ReplicationControllerUpdated",
                ],
                Busy,
            ),
            ready_if("Available"),
        ],
    ),
    row(
        "operator.openshift.io",
        &["IngressController"],
        &[
            fails_if("Degraded"),
            busy_if("Progressing"),
            busy_unless("DeploymentReplicasAllAvailable"),
            settles("Available"),
        ],
    ),
    row(
        "ocs.openshift.io",
        &["StorageCluster"],
        &[
            fails_if("Degraded"),
            busy_if("Progressing"),
            settles("Available"),
        ],
    ),
    row(
        "operators.coreos.com",
        &["Subscription"],
        &[
            fails_if("CatalogSourcesUnhealthy"),
            fails_if("InstallPlanFailed"),
            fails_if("ResolutionFailed"),
            Step::Own(olm::lost_plan),
            Step::Own(olm::upgrade_to_approve),
            busy_if("InstallPlanPending"),
            busy_if("BundleUnpacking"),
            has("/status/installedCSV", Ready),
        ],
    ),
    row(
        "operators.coreos.com",
        &["ClusterServiceVersion", "InstallPlan"],
        &[
            says("/status/phase", &["Succeeded", "Complete"], Ready),
            says("/status/phase", &["Failed"], Failed),
            says("/status/phase", &["RequiresApproval"], Waiting),
        ],
    ),
    row(
        "k8s.keycloak.org",
        &["KeycloakRealmImport"],
        &[fails_if("HasErrors"), settles("Done")],
    ),
    row(
        "k8s.keycloak.org",
        &[],
        &[fails_if("HasErrors"), settles("Ready")],
    ),
    row(
        "kyverno.io",
        &["ClusterPolicy", "Policy"],
        // Until 1.8 there was a flag and no condition.
        &[settles("Ready"), flag("/status/ready", true, Ready)],
    ),
    row(
        "policy.open-cluster-management.io",
        &["OperatorPolicy"],
        &[summary("Compliant")],
    ),
    row(
        "policy.open-cluster-management.io",
        &["Policy"],
        &[
            flag("/spec/disabled", true, Ready),
            says("/status/compliant", &["Compliant"], Ready),
            says("/status/compliant", &["Pending"], Busy),
            Step::When(Test::Has("/status/compliant"), Late),
            has("/status/status", Busy),
            has("/status/placement", Ready),
        ],
    ),
    row(
        "policy.open-cluster-management.io",
        &[
            "CertificatePolicy",
            "ConfigurationPolicy",
            "IamPolicy",
            "PolicySet",
        ],
        COMPLIANT,
    ),
    row(
        "apps.3scale.net",
        &["APIManager"],
        &[
            ready_if("Available"),
            false_for("Available", &["*"], Failed),
            settles("Available"),
        ],
    ),
    row(
        "capabilities.3scale.net",
        &["Application"],
        &[
            says("/status/state", &["suspended"], Idle),
            summary("Ready"),
        ],
    ),
    row(
        "capabilities.3scale.net",
        &["Tenant"],
        &[
            fails_unless("Ready"),
            says("/status/tenantId", &["0"], Busy),
            says("/status/adminId", &["0"], Busy),
            lacks("/status/tenantId", Busy),
            lacks("/status/adminId", Busy),
            settles("Ready"),
        ],
    ),
    row("capabilities.3scale.net", &[], THREE_SCALE),
    row(
        "tower.ansible.com",
        &["AnsibleJob"],
        &[
            says("/status/ansibleJobResult/status", &["successful"], Ready),
            says(
                "/status/ansibleJobResult/status",
                &["failed", "error", "canceled"],
                Failed,
            ),
        ],
    ),
];
