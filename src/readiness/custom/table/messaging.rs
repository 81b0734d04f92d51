//! Kafka, `RabbitMQ` and stream processing.

use crate::readiness::custom::{
    peculiar::spark,
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Ready, Unknown},
        Step, Test, busy_unless, busy_unless_says, busy_while_unknown, each, fails_if,
        fails_unless, false_for, flag, has, idle_if, lacks, ready_if, reason, says, summary,
    },
};

/// Numaflow's own resources: any condition that is false is a part that does not work.
const NUMAFLOW: &[Step] = &[
    lacks("/status/observedGeneration", Busy),
    says("/status/phase", &["Failed"], Failed),
    Step::When(
        Test::Labelled {
            key: "numaplane.numaproj.io/progressive-result-state",
            value: "failed",
        },
        Failed,
    ),
    fails_unless("*"),
    says("/status/phase", &["Running", "Paused", "Pausing"], Ready),
];

const NUMAPLANE: &[Step] = &[
    lacks("/status/observedGeneration", Busy),
    says("/status/phase", &["Failed"], Failed),
    fails_unless("ProgressiveUpgradeSucceeded"),
    has("/status/upgradeInProgress", Busy),
    says("/status/phase", &["Pending"], Busy),
    false_for("ChildResourcesHealthy", &["Progressing"], Busy),
    fails_unless("ChildResourceDeployed"),
    // Nobody can tell how what is to rest is.
    ready_if("*PausingOrPaused"),
    summary("ChildResourcesHealthy"),
];

pub(super) const ROWS: &[Row] = &[
    row(
        "kafka.strimzi.io",
        &[
            "Kafka",
            "KafkaBridge",
            "KafkaConnect",
            "KafkaConnector",
            "KafkaMirrorMaker",
            "KafkaMirrorMaker2",
            "KafkaTopic",
            "KafkaUser",
        ],
        &[
            idle_if("ReconciliationPaused"),
            reason("NotReady", &["Creating"], Busy),
            fails_if("NotReady"),
            summary("Ready"),
        ],
    ),
    row(
        "kafka.banzaicloud.io",
        &["KafkaCluster"],
        &[
            says(
                "/status/state",
                &["ClusterReconciling", "ClusterRollingUpgrading"],
                Busy,
            ),
            each(
                "/status/brokersState",
                &[
                    says("/configurationState", &["ConfigOutOfSync"], Failed),
                    says(
                        "/gracefulActionState/cruiseControlState",
                        &[
                            "GracefulUpscaleRe*",
                            "GracefulUpscaleRunning",
                            "GracefulDownscaleRe*",
                            "GracefulDownscaleRunning",
                        ],
                        Busy,
                    ),
                    Step::Ignore(Test::Says {
                        at: "/gracefulActionState/cruiseControlState",
                        words: &["GracefulUpscaleSucceeded", "GracefulDownscaleSucceeded"],
                    }),
                    has("/gracefulActionState/cruiseControlState", Failed),
                ],
            ),
            lacks("/status/cruiseControlTopicStatus", Busy),
            busy_unless_says(
                "/status/cruiseControlTopicStatus",
                &["CruiseControlTopicReady"],
            ),
            says("/status/state", &["ClusterRunning"], Ready),
        ],
    ),
    row(
        "platform.confluent.io",
        &["Connector"],
        &[
            says("/status/state", &["ERROR"], Failed),
            Step::When(Test::Positive("/status/failedTasksCount"), Failed),
            says("/status/connectorState", &["FAILED"], Failed),
            says("/status/connectorState", &["PAUSED"], Idle),
            says("/status/connectorState", &["RUNNING"], Ready),
        ],
    ),
    row(
        "platform.confluent.io",
        &[],
        &[
            says("/status/phase", &["RUNNING"], Ready),
            says("/status/phase", &["FAILED", "ERROR"], Failed),
            says("/status/state", &["CREATED", "SUCCEEDED"], Ready),
            says("/status/state", &["ERROR", "FAILED"], Failed),
        ],
    ),
    row(
        "rabbitmq.com",
        &["RabbitmqCluster"],
        &[
            fails_unless("ReconcileSuccess"),
            busy_while_unknown("AllReplicasReady"),
            false_for("AllReplicasReady", &["ScaledToZero"], Idle),
            busy_unless("ClusterAvailable"),
            busy_unless("AllReplicasReady"),
            ready_if("AllReplicasReady"),
        ],
    ),
    row(
        "rabbitmq.com",
        &[],
        &[fails_unless("Ready"), ready_if("Ready")],
    )
    .otherwise(Unknown),
    row(
        "flink.apache.org",
        &["FlinkDeployment", "FlinkSessionJob"],
        &[
            says("/status/jobManagerDeploymentStatus", &["ERROR"], Failed),
            says("/status/jobStatus/state", &["FAILED"], Failed),
            says(
                "/status/jobManagerDeploymentStatus",
                &["DEPLOYING", "DEPLOYED_NOT_READY"],
                Busy,
            ),
            flag("/status/reconciliationStatus/success", true, Ready),
            says("/status/reconciliationStatus/state", &["DEPLOYED"], Ready),
        ],
    ),
    row(
        "sparkoperator.k8s.io",
        &["SparkApplication"],
        &[
            says(
                "/status/applicationState/state",
                &["FAILED", "SUBMISSION_FAILED", "FAILING"],
                Failed,
            ),
            says("/status/applicationState/state", &["COMPLETED"], Ready),
            Step::Own(spark::executors),
        ],
    ),
    row("numaflow.numaproj.io", &[], NUMAFLOW),
    row("numaplane.numaproj.io", &[], NUMAPLANE),
    row(
        "camel.apache.org",
        &[
            "Integration",
            "IntegrationKit",
            "IntegrationPlatform",
            "Pipe",
            "Build",
        ],
        &[
            says("/status/phase", &["Error"], Failed),
            says(
                "/status/phase",
                &[
                    "Initialization",
                    "Planned",
                    "Waiting*",
                    "Building*",
                    "Build *",
                    "Deploying",
                    "Scheduling",
                ],
                Busy,
            ),
            summary("Ready"),
            says("/status/phase", &["Ready", "Succeeded"], Ready),
        ],
    ),
];
