//! Clouds and clusters: Crossplane, ACK, Config Connector, Cluster API, Karpenter, Gardener,
//! Pulumi.

use crate::readiness::custom::{
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Late, Missing, Ready, Unknown, Waiting},
        Step, Test, busy_if, busy_unless, each, fails_if, fails_unless, false_for, fewer, flag,
        has, idle_if, ready_if, reason, says, settles, stored, summary,
    },
};

/// Managed resources: `Synced` tells whether the cloud takes the wish, `Ready` whether it is
/// fulfilled.
const MANAGED: &[Step] = &[
    reason("Synced", &["ReconcilePaused"], Idle),
    fails_unless("Synced"),
    fails_unless("LastAsyncOperation"),
    busy_unless("Ready"),
    busy_unless("Synced"),
    ready_if("Ready"),
];

/// Resources of `LogScale` (Humio): whether it has what the object stands for.
const HUMIO: &[Step] = &[
    says("/status/state", &["Running", "Exists", "Ready"], Ready),
    says("/status/state", &["ConfigError"], Failed),
    says("/status/state", &["NotFound"], Missing),
    says("/status/state", &["Unknown"], Unknown),
];

pub(super) const ROWS: &[Row] = &[
    row(
        "*.crossplane.io",
        &[
            "*ProviderConfig",
            "*ProviderConfigUsage",
            "*StoreConfig",
            "Composition",
            "CompositionRevision",
        ],
        &[stored()],
    ),
    row(
        "*.upbound.io",
        &["*ProviderConfig", "*ProviderConfigUsage", "*StoreConfig"],
        &[stored()],
    ),
    row(
        "pkg.crossplane.io",
        &["Provider", "Configuration", "Function"],
        &[fails_unless("Installed"), summary("Healthy")],
    ),
    row("*.aws.crossplane.io", &[], MANAGED),
    row("*.upbound.io", &[], MANAGED),
    row(
        "stacks.crossplane.io",
        &[],
        &[Step::Inside {
            at: "/status/conditionedStatus",
            steps: &[settles("Ready")],
        }],
    ),
    row(
        "*.services.k8s.aws",
        &[],
        &[
            fails_if("ACK.Terminal"),
            settles("Ready"),
            ready_if("ACK.ResourceSynced"),
        ],
    ),
    row(
        "core.cnrm.cloud.google.com",
        &["ConfigConnector", "ConfigConnectorContext"],
        &[
            flag("/status/healthy", true, Ready),
            flag("/status/healthy", false, Late),
        ],
    ),
    row(
        "*.cnrm.cloud.google.com",
        &[],
        &[
            reason(
                "Ready",
                &[
                    "UpdateFailed",
                    "DeleteFailed",
                    "DependencyNotFound",
                    "DependencyInvalid",
                    "ManagementConflict",
                ],
                Failed,
            ),
            reason("Ready", &["DependencyNotReady"], Waiting),
            settles("Ready"),
        ],
    ),
    row(
        "cluster.x-k8s.io",
        &["Cluster"],
        &[
            flag("/spec/paused", true, Idle),
            says("/status/phase", &["Failed"], Failed),
            Step::When(Test::Severity("Error"), Failed),
            busy_unless("Ready"),
            says("/status/phase", &["Provisioned"], Ready),
        ],
    ),
    row(
        "cluster.x-k8s.io",
        &["Machine"],
        &[
            says("/status/phase", &["Running"], Ready),
            says("/status/phase", &["Failed"], Failed),
        ],
    ),
    row(
        "cluster.x-k8s.io",
        &["MachineDeployment", "MachineSet"],
        &[
            flag("/spec/paused", true, Idle),
            says("/status/phase", &["Failed"], Failed),
            fewer("/status/updatedReplicas", "/status/replicas"),
            fewer("/status/readyReplicas", "/status/replicas"),
            says("/status/phase", &["Running"], Ready),
        ],
    ),
    row(
        "cluster.x-k8s.io",
        &["MachinePool"],
        &[
            says("/status/phase", &["Running", "Scaling"], Ready),
            says("/status/phase", &["Failed", "Unknown"], Failed),
        ],
    ),
    row(
        "cluster.x-k8s.io",
        &["MachineHealthCheck"],
        &[
            Step::When(
                Test::Fewer {
                    have: "/status/currentHealthy",
                    want: "/status/expectedMachines",
                },
                Late,
            ),
            has("/status/currentHealthy", Ready),
        ],
    ),
    row(
        "addons.cluster.x-k8s.io",
        &["ClusterResourceSet"],
        &[summary("ResourcesApplied")],
    ),
    row(
        "controlplane.cluster.x-k8s.io",
        &["AWSManagedControlPlane"],
        &[
            has("/status/failureMessage", Failed),
            busy_if("EKSControlPlaneUpdating"),
            ready_if("Ready"),
            Step::When(Test::Severity("Error"), Failed),
        ],
    ),
    row(
        "*cluster.x-k8s.io",
        &[
            "*Template",
            "*Identity",
            "ClusterResourceSetBinding",
            "MachineDrainRule",
        ],
        &[stored()],
    ),
    row(
        "*cluster.x-k8s.io",
        &[],
        &[has("/status/failureMessage", Failed), Step::General],
    ),
    row(
        "karpenter.sh",
        &["NodeClaim"],
        &[idle_if("Disrupting"), summary("Ready")],
    ),
    row(
        "karpenter.sh",
        &["NodePool"],
        &[
            fails_unless("Ready"),
            fails_unless("NodeClassReady"),
            settles("Ready"),
        ],
    ),
    row(
        "karpenter.k8s.aws",
        &[],
        &[
            summary("Ready"),
            fails_unless("SubnetsReady"),
            fails_unless("SecurityGroupsReady"),
            fails_unless("ValidationSucceeded"),
        ],
    ),
    row(
        "core.gardener.cloud",
        &["Shoot"],
        &[
            Step::When(
                Test::Labelled {
                    key: "shoot.gardener.cloud/status",
                    value: "unhealthy",
                },
                Failed,
            ),
            Step::When(
                Test::Labelled {
                    key: "shoot.gardener.cloud/status",
                    value: "unknown",
                },
                Unknown,
            ),
            Step::When(
                Test::Labelled {
                    key: "shoot.gardener.cloud/status",
                    value: "progressing",
                },
                Busy,
            ),
            says(
                "/status/lastOperation/state",
                &["Processing", "Pending"],
                Busy,
            ),
            Step::When(
                Test::Labelled {
                    key: "shoot.gardener.cloud/status",
                    value: "healthy",
                },
                Ready,
            ),
        ],
    ),
    row(
        "pulumi.com",
        &["Stack"],
        &[
            fails_if("Stalled"),
            busy_if("Reconciling"),
            settles("Ready"),
        ],
    ),
    row(
        "services.cloud.sap.com",
        &["ServiceInstance", "ServiceBinding"],
        &[
            fails_if("Failed"),
            false_for(
                "Succeeded",
                &[
                    "CreateInProgress",
                    "UpdateInProgress",
                    "DeleteInProgress",
                    "InProgress",
                ],
                Busy,
            ),
            fails_unless("Succeeded"),
            settles("Ready"),
        ],
    ),
    row(
        "iammanager.keikoproj.io",
        &["Iamrole"],
        &[
            says("/status/state", &["Ready"], Ready),
            says(
                "/status/state",
                &[
                    "Error",
                    "RolesMaxLimitReached",
                    "PolicyNotAllowed",
                    "RoleNameNotAvailable",
                ],
                Failed,
            ),
        ],
    ),
    row("core.humio.com", &[], HUMIO),
    row(
        "networking.gke.io",
        &["ManagedCertificate"],
        &[
            each(
                "/status/domainStatus",
                &[says("/status", &["Failed*"], Failed)],
            ),
            says("/status/certificateStatus", &["Active"], Ready),
        ],
    ),
];
