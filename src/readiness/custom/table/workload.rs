//! Workloads beyond those of Kubernetes: Kruise, Knative, `KServe`, functions, scalers.

use crate::readiness::custom::{
    peculiar::{karmada, kruise},
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Ready, Unknown},
        Step, Test, busy_unless, busy_while_unknown, busy_without, fails_if, fails_if_odd,
        fails_unless, fails_unless_true, fewer, flag, has, idle_if, lacks, ready_if, says, settles,
        stored, summary,
    },
};

const PAUSED: Step = flag("/spec/updateStrategy/paused", true, Idle);
const PAUSED_ROLLING: Step = flag("/spec/updateStrategy/rollingUpdate/paused", true, Idle);
const PAUSED_SCALER: Step = Step::When(
    Test::Annotated {
        key: "autoscaling.keda.sh/paused",
        value: "true",
    },
    Idle,
);

pub(super) const ROWS: &[Row] = &[
    row(
        "apps.kruise.io",
        &["CloneSet", "StatefulSet"],
        &[
            PAUSED,
            PAUSED_ROLLING,
            Step::Own(kruise::unobserved),
            Step::Rule(kruise::replicas),
        ],
    ),
    row(
        "apps.kruise.io",
        &["DaemonSet"],
        &[
            PAUSED_ROLLING,
            Step::Own(kruise::unobserved),
            Step::Rule(kruise::daemons),
        ],
    ),
    row(
        "apps.kruise.io",
        &["BroadcastJob"],
        &[
            flag("/spec/paused", true, Idle),
            says("/status/phase", &["failed"], Failed),
            says("/status/phase", &["paused"], Idle),
            fewer("/status/succeeded", "/status/desired"),
            says("/status/phase", &["completed"], Ready),
        ],
    ),
    row(
        "apps.kruise.io",
        &["AdvancedCronJob"],
        &[
            flag("/spec/paused", true, Idle),
            has("/status/active", Busy),
            has("/status/lastScheduleTime", Ready),
            stored(),
        ],
    ),
    row(
        "rollouts.kruise.io",
        &["Rollout"],
        &[
            says(
                "/status/phase",
                &["Disabled", "Disabling", "Terminating"],
                Failed,
            ),
            says("/status/phase", &["Healthy"], Ready),
            says(
                "/status/canaryStatus/currentStepState",
                &["StepPaused"],
                Idle,
            ),
            says(
                "/status/blueGreenStatus/currentStepState",
                &["StepPaused"],
                Idle,
            ),
        ],
    ),
    row(
        "game.kruise.io",
        &["GameServer"],
        &[
            Step::Own(kruise::wanted_state),
            Step::Inside {
                at: "/status/podStatus",
                steps: &[fails_unless_true("KruisePodReady")],
            },
            says("/status/currentState", &["Ready"], Ready),
        ],
    )
    .otherwise(Unknown),
    row(
        "game.kruise.io",
        &["GameServerSet"],
        &[
            PAUSED_ROLLING,
            Step::Own(kruise::unobserved),
            Step::Rule(kruise::game_servers),
        ],
    ),
    row(
        "serving.kserve.io",
        &["InferenceService"],
        &[
            idle_if("Stopped"),
            says(
                "/status/modelStatus/transitionStatus",
                &["BlockedByFailedLoad", "InvalidSpec"],
                Failed,
            ),
            says(
                "/status/modelStatus/transitionStatus",
                &["InProgress"],
                Busy,
            ),
            fails_unless("*Ready"),
            settles("Ready"),
        ],
    ),
    row(
        "serving.knative.dev",
        &["Service"],
        &[
            fails_unless("Ready"),
            fails_unless("ConfigurationsReady"),
            fails_unless("RoutesReady"),
            busy_unless("ConfigurationsReady"),
            busy_unless("RoutesReady"),
            settles("Ready"),
        ],
    ),
    row(
        "*.knative.dev",
        &["KnativeServing", "KnativeEventing"],
        &[
            fails_if_odd("Ready"),
            fails_unless("InstallSucceeded"),
            busy_unless("DependenciesInstalled"),
            busy_unless("DeploymentsAvailable"),
            settles("Ready"),
        ],
    ),
    // Tells others which images are used; nothing in Knative itself takes notice of it.
    // <https://github.com/knative/caching>
    row(
        "caching.internal.knative.dev",
        &["Image"],
        &[summary("Ready"), stored()],
    ),
    // `serving-core.yaml` brings one; it is looked at only where cert-manager is there and encryption
    // is switched on. <https://knative.dev/docs/serving/encryption/system-internal-tls/>
    row(
        "networking.internal.knative.dev",
        &["Certificate"],
        &[summary("Ready"), stored()],
    ),
    row("*.knative.dev", &[], &[summary("Ready")]),
    row(
        "openfaas.com",
        &["Function"],
        &[
            fails_unless("Ready"),
            fails_if("Stalled"),
            busy_without("Ready"),
            lacks("/status/conditions", Busy),
            busy_while_unknown("Ready"),
            says("/status/replicas", &["0"], Idle),
            lacks("/status/replicas", Idle),
            settles("Ready"),
        ],
    ),
    row(
        "core.spinkube.dev",
        &["SpinApp"],
        &[
            fails_unless("Available"),
            fewer("/status/readyReplicas", "/spec/replicas"),
            Step::General,
        ],
    ),
    row(
        "keda.sh",
        &["ScaledObject"],
        &[
            PAUSED_SCALER,
            fails_unless("Ready"),
            fails_if("Fallback"),
            idle_if("Paused"),
            settles("Ready"),
        ],
    ),
    row(
        "keda.sh",
        &["ScaledJob"],
        &[
            PAUSED_SCALER,
            fails_unless_true("Ready"),
            idle_if("Paused"),
            ready_if("Ready"),
        ],
    ),
    // Its status only lists who uses it.
    row(
        "keda.sh",
        &["TriggerAuthentication", "ClusterTriggerAuthentication"],
        &[stored()],
    ),
    // It recommends once it has measured for a while, or never where nothing runs, and nobody waits
    // for that. <https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/api.md>
    row(
        "autoscaling.k8s.io",
        &["VerticalPodAutoscaler"],
        &[fails_if("ConfigUnsupported"), stored()],
    ),
    row(
        "work.karmada.io",
        &["ResourceBinding", "ClusterResourceBinding"],
        &[Step::Rule(karmada::members)],
    ),
];
