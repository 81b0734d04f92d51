//! Metrics, logs, traces and dashboards.

use crate::readiness::custom::{
    peculiar::otel,
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Ready},
        Step, fails_if, fails_unless, fails_unless_true, flag, has, lacks, ready_if, reason, says,
        stored, summary,
    },
};

pub(super) const ROWS: &[Row] = &[
    row(
        "monitoring.coreos.com",
        &[
            "Prometheus",
            "PrometheusAgent",
            "Alertmanager",
            "ThanosRuler",
        ],
        &[
            flag("/spec/paused", true, Idle),
            reason("Available", &["SomePodsNotReady"], Busy),
            fails_unless_true("Available"),
            fails_unless("Reconciled"),
            ready_if("Available"),
        ],
    ),
    row("monitoring.coreos.com", &[], &[stored()]),
    row(
        "operator.victoriametrics.com",
        &[],
        &[
            says("/status/updateStatus", &["operational"], Ready),
            says("/status/updateStatus", &["expanding"], Busy),
            says("/status/updateStatus", &["paused"], Idle),
            says("/status/updateStatus", &["failed"], Failed),
        ],
    ),
    row(
        "grafana.integreatly.org",
        &["Grafana"],
        &[
            says("/status/stageStatus", &["failed"], Failed),
            says("/status/stageStatus", &["in progress", ""], Busy),
            lacks("/status/stageStatus", Busy),
            says("/status/stage", &["complete"], Ready),
        ],
    ),
    row(
        "grafana.integreatly.org",
        &[],
        &[
            fails_if("NoMatchingInstance"),
            flag("/status/NoMatchingInstances", true, Failed),
            fails_if("*UIDMismatch"),
            summary("*Synchronized"),
            has("/status/uid", Ready),
            has("/status/hash", Ready),
        ],
    ),
    row(
        "grafana-org-operator.kubitus-project.gitlab.io",
        &[],
        &[summary("Ready")],
    ),
    row(
        "datadoghq.com",
        &["DatadogMetric"],
        &[
            fails_if("Error"),
            fails_unless("Valid"),
            ready_if("Valid"),
            ready_if("Active"),
        ],
    ),
    row("coralogix.com", &[], &[summary("RemoteSynced")]),
    row(
        "jaegertracing.io",
        &["Jaeger"],
        &[
            says("/status/phase", &["Running"], Ready),
            says("/status/phase", &["Failed"], Failed),
        ],
    ),
    row(
        "opentelemetry.io",
        &["OpenTelemetryCollector"],
        &[Step::Own(otel::replicas)],
    ),
    row("opentelemetry.io", &["Instrumentation"], &[stored()]),
    row(
        "kiali.io",
        &["Kiali"],
        &[fails_if("Failure"), ready_if("Successful")],
    ),
    row(
        "metrics.keptn.sh",
        &["Analysis"],
        &[
            flag("/status/pass", true, Ready),
            flag("/status/warning", true, Ready),
            says("/status/state", &["Pending", "Progressing"], Busy),
            flag("/status/pass", false, Failed),
        ],
    ),
    row(
        "metrics.keptn.sh",
        &["KeptnMetric"],
        &[has("/status/errMsg", Failed), has("/status/value", Ready)],
    ),
];
