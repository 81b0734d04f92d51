//! cert-manager: certificates are issued and issuers are ready, or not.

use serde_json::{Value, json};

use super::secret::{Data, secret};
use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::{Subject, made_up, text_or},
};

pub(super) const KINDS: &[PlayedKind] = &[
    played(
        "cert-manager",
        ("cert-manager.io", "Certificate"),
        certificate,
    )
    .making(issued),
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

/// The Secret that a certificate is kept in, which the pods that serve by it mount.
fn issued(subject: &Subject<'_>) -> Vec<Value> {
    let spec = subject.spec();
    let name = text_or(&spec["secretName"], "");
    if name.is_empty() {
        return Vec::new();
    }
    let value = |key: &str| {
        let value = made_up(&[subject.namespace(), name, key]);
        (key.to_owned(), value)
    };
    let data: Data = ["ca.crt", "tls.crt", "tls.key"].map(value).into();
    let mut issued = secret(subject.namespace(), name, &data);
    issued["type"] = "kubernetes.io/tls".into();
    for part in ["labels", "annotations"] {
        issued["metadata"][part] = json!(
            spec["secretTemplate"][part]
                .as_object()
                .cloned()
                .unwrap_or_default()
        );
    }
    issued["metadata"]["annotations"]["cert-manager.io/certificate-name"] = subject.name().into();
    vec![issued]
}
