//! Certificates and secrets.

use crate::readiness::custom::{
    peculiar::secrets,
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Ready},
        Step, busy_if, fails_if, reason, says, settles, stored, summary,
    },
};

pub(super) const ROWS: &[Row] = &[
    row(
        "cert-manager.io",
        &["Certificate"],
        &[busy_if("Issuing"), summary("Ready")],
    ),
    row(
        "cert-manager.io",
        &["CertificateRequest"],
        &[
            fails_if("InvalidRequest"),
            fails_if("Denied"),
            reason("Ready", &["Failed", "Denied"], Failed),
            settles("Ready"),
        ],
    ),
    row(
        "cert-manager.io",
        &["Issuer", "ClusterIssuer"],
        &[summary("Ready")],
    ),
    row(
        "certmanager.k8s.io",
        &["Certificate", "Issuer", "ClusterIssuer"],
        &[busy_if("Issuing"), summary("Ready")],
    ),
    row(
        "*acme.cert-manager.io",
        &["Order", "Challenge"],
        &[
            says("/status/state", &["valid"], Ready),
            says("/status/state", &["invalid", "expired", "errored"], Failed),
        ],
    ),
    row(
        "external-secrets.io",
        &["ClusterExternalSecret"],
        &[Step::Own(secrets::newest_condition)],
    ),
    row(
        "external-secrets.io",
        &["ExternalSecret"],
        &[
            Step::Own(secrets::synchronised_generation),
            summary("Ready"),
        ],
    ),
    row("external-secrets.io", &[], &[summary("Ready")]),
    // What makes values when somebody asks for them.
    row("generators.external-secrets.io", &[], &[stored()]),
    row(
        "kubernetes-client.io",
        &["ExternalSecret"],
        &[
            says("/status/status", &["SUCCESS"], Ready),
            says("/status/status", &["ERROR*"], Failed),
            says("/status/status", &["*"], Busy),
        ],
    ),
    row("bitnami.com", &["SealedSecret"], &[summary("Synced")]),
    row("onepassword.com", &["OnePasswordItem"], &[summary("Ready")]),
];
