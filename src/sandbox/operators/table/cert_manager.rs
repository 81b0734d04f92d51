//! cert-manager: certificates are issued and issuers are ready, or not.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::Subject,
};

pub(super) const KINDS: &[PlayedKind] = &[
    played(
        "cert-manager",
        ("cert-manager.io", "Certificate"),
        certificate,
    ),
    played("cert-manager", ("cert-manager.io", "Issuer"), issuer),
    played("cert-manager", ("cert-manager.io", "ClusterIssuer"), issuer),
];

fn certificate(subject: &Subject<'_>) -> Value {
    let well = ("Ready", "Certificate is up to date and has not expired");
    let badly = (
        "Failed",
        "The certificate request has failed to complete and will be retried",
    );
    json!({"conditions": [subject.observed("Ready", well, badly)]})
}

fn issuer(subject: &Subject<'_>) -> Value {
    let well = (
        "ACMEAccountRegistered",
        "The ACME account was registered with the ACME server",
    );
    let badly = ("ErrRegisterACMEAccount", "Failed to register ACME account");
    json!({"conditions": [subject.observed("Ready", well, badly)]})
}
