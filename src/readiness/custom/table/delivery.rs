//! What brings software into clusters: Argo, Flux, Flagger, Keptn, the `GitOps` Promoter.

use crate::readiness::custom::{
    peculiar::{promoter, rollout},
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Ready, Unknown},
        Step, busy_if, busy_while_unknown, busy_without, each, fails_if, fails_unless, flag, lacks,
        outdated, says, settles, stored, summary, true_for,
    },
};

const ANALYSIS: &[Step] = &[
    says("/status/phase", &["Successful"], Ready),
    says("/status/phase", &["Failed", "Error"], Failed),
    says("/status/phase", &["Inconclusive"], Unknown),
];

const KEPTN: &[Step] = &[
    says("/status/status", &["Succeeded"], Ready),
    says("/status/status", &["Failed", "Cancelled"], Failed),
];

/// Flux says `Ready` unknown while it works for the first time, and false once it has failed,
/// although it goes on trying.
const FLUX: &[Step] = &[flag("/spec/suspend", true, Idle), summary("Ready")];

/// What reports on commits for each environment: reconciled is not yet passed.
const COMMIT_STATUSES: &[Step] = &[
    fails_unless("Ready"),
    busy_while_unknown("Ready"),
    lacks("/status/conditions", Busy),
    busy_without("Ready"),
    outdated("Ready"),
    each(
        "/status/environments",
        &[
            says("/phase", &["failure"], Failed),
            says("/phase", &["pending", ""], Busy),
            lacks("/phase", Busy),
        ],
    ),
    settles("Ready"),
];

pub(super) const ROWS: &[Row] = &[
    row(
        "argoproj.io",
        &["Application"],
        &[
            says(
                "/status/operationState/phase",
                &["Running", "Terminating"],
                Busy,
            ),
            says("/status/operationState/phase", &["Failed", "Error"], Failed),
            says("/status/health/status", &["Degraded"], Failed),
            says("/status/health/status", &["Suspended"], Idle),
            says(
                "/status/health/status",
                &["Progressing", "Missing", "Unknown"],
                Busy,
            ),
            says("/status/sync/status", &["OutOfSync", "Unknown"], Busy),
            says("/status/health/status", &["Healthy"], Ready),
        ],
    ),
    row(
        "argoproj.io",
        &["ApplicationSet"],
        &[
            fails_if("ErrorOccurred"),
            fails_unless("ResourcesUpToDate"),
            busy_if("RolloutProgressing"),
            settles("ResourcesUpToDate"),
        ],
    ),
    row("argoproj.io", &["Rollout"], &[Step::Own(rollout::judge)]),
    row("argoproj.io", &["AnalysisRun", "Experiment"], ANALYSIS),
    row(
        "argoproj.io",
        &["Workflow"],
        &[
            flag("/spec/suspend", true, Idle),
            says("/status/phase", &["Succeeded", "Skipped", "Omitted"], Ready),
            says("/status/phase", &["Failed", "Error"], Failed),
        ],
    ),
    row(
        "argoproj.io",
        &["CronWorkflow"],
        &[
            flag("/spec/suspend", true, Idle),
            fails_if("*Error"),
            stored(),
        ],
    ),
    row(
        "argoproj.io",
        &[
            "AppProject",
            "WorkflowTemplate",
            "ClusterWorkflowTemplate",
            "AnalysisTemplate",
            "ClusterAnalysisTemplate",
        ],
        &[stored()],
    ),
    row(
        "helm.toolkit.fluxcd.io",
        &[],
        &[
            flag("/spec/suspend", true, Idle),
            fails_unless("Ready"),
            busy_while_unknown("Ready"),
            fails_unless("Released"),
            fails_unless("TestSuccess"),
            settles("Ready"),
        ],
    ),
    row("kustomize.toolkit.fluxcd.io", &[], FLUX),
    row(
        "source.toolkit.fluxcd.io",
        &["HelmRepository"],
        &[
            flag("/spec/suspend", true, Idle),
            says("/spec/type", &["oci"], Ready),
            fails_unless("Ready"),
            busy_while_unknown("Ready"),
            fails_unless("ArtifactInStorage"),
            settles("Ready"),
        ],
    ),
    row(
        "source.toolkit.fluxcd.io",
        &[],
        &[
            flag("/spec/suspend", true, Idle),
            fails_unless("Ready"),
            busy_while_unknown("Ready"),
            fails_unless("ArtifactInStorage"),
            settles("Ready"),
        ],
    ),
    row(
        "image.toolkit.fluxcd.io",
        &[],
        &[
            flag("/spec/suspend", true, Idle),
            true_for(
                "Reconciling",
                &[
                    "NewGeneration",
                    "AccessingRepository",
                    "ApplyingPolicy",
                    "Scanning",
                ],
                Busy,
            ),
            summary("Ready"),
        ],
    ),
    row("notification.toolkit.fluxcd.io", &["Receiver"], FLUX),
    // Their controller writes a status up to this version, and none since.
    // <https://fluxcd.io/flux/components/notification/alerts/>
    row(
        "notification.toolkit.fluxcd.io",
        &["Alert", "Provider"],
        FLUX,
    )
    .of_versions(&["v1beta1", "v1beta2"]),
    row(
        "notification.toolkit.fluxcd.io",
        &["Alert", "Provider"],
        &[
            flag("/spec/suspend", true, Idle),
            fails_unless("Ready"),
            stored(),
        ],
    ),
    row(
        "flagger.app",
        &["Canary"],
        &[
            says("/status/phase", &["Failed"], Failed),
            says("/status/phase", &["Succeeded", "Initialized"], Ready),
            says(
                "/status/phase",
                &[
                    "Progressing",
                    "Promoting",
                    "Finalising",
                    "Initializing",
                    "Waiting*",
                    "Terminating",
                ],
                Busy,
            ),
        ],
    )
    .otherwise(Unknown),
    row(
        "lifecycle.keptn.sh",
        &["KeptnEvaluation"],
        &[
            says("/status/overallStatus", &["Succeeded"], Ready),
            says("/status/overallStatus", &["Failed"], Failed),
        ],
    ),
    row(
        "lifecycle.keptn.sh",
        &[
            "KeptnAppVersion",
            "KeptnTask",
            "KeptnWorkloadInstance",
            "KeptnWorkloadVersion",
        ],
        KEPTN,
    ),
    row(
        "promoter.argoproj.io",
        &["PromotionStrategy"],
        &[
            fails_unless("Ready"),
            lacks("/status/conditions", Busy),
            busy_without("Ready"),
            outdated("Ready"),
            lacks("/status/environments", Failed),
            Step::Own(promoter::environments),
            settles("Ready"),
        ],
    ),
    row(
        "promoter.argoproj.io",
        &["ChangeTransferPolicy"],
        &[
            fails_unless("Ready"),
            Step::Own(promoter::change),
            settles("Ready"),
        ],
    ),
    row(
        "promoter.argoproj.io",
        &["ArgoCDCommitStatus"],
        &[
            fails_unless("Ready"),
            busy_while_unknown("Ready"),
            lacks("/status/conditions", Busy),
            busy_without("Ready"),
            outdated("Ready"),
            lacks("/status/applicationsSelected", Failed),
            settles("Ready"),
        ],
    ),
    row(
        "promoter.argoproj.io",
        &[
            "GitCommitStatus",
            "TimedCommitStatus",
            "WebRequestCommitStatus",
        ],
        COMMIT_STATUSES,
    ),
    row(
        "promoter.argoproj.io",
        &[
            "CommitStatus",
            "PullRequest",
            "ScmProvider",
            "ClusterScmProvider",
            "GitRepository",
        ],
        &[fails_unless("Reconciled"), summary("Ready")],
    ),
];
