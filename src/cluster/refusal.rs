//! An error answer of the API server, read without the values that it quotes.

use std::fmt::{self, Write as _};

use serde::Deserialize;

use super::{redact::redacted, refusal_cause::RefusalCause};

/// An error answer of the API server.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) code: u16,
    /// `CamelCase` reason, for example `Forbidden`; empty where the server gave none.
    pub(crate) reason: String,
    /// The server's text.
    pub(crate) message: String,
    /// Fields that are at fault.
    pub(crate) causes: Vec<RefusalCause>,
    /// When to try again, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// Whether it names the object that it is about: where that is not there, the kind is.
    pub(crate) names_object: bool,
    /// What it is about, as paths call it: `resourcequotas`; empty where it does not say.
    pub(crate) about: String,
    /// Whether the request was sent before and failed in a way that does not say whether it was
    /// carried out.
    pub(crate) maybe_done: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.message.clone();
        if text.is_empty() {
            let _ = write!(
                text,
                "the API server answered with HTTP status {}",
                self.code
            );
        }
        formatter.write_str(&text)
    }
}

impl Refusal {
    /// Reads the error answer `body` that came with HTTP status `code`; plain text becomes the
    /// message.
    pub(super) fn read(code: u16, body: &[u8], retry_after: Option<u64>) -> Self {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Status {
            message: String,
            reason: String,
            details: Option<Details>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default, rename_all = "camelCase")]
        struct Details {
            name: String,
            kind: String,
            causes: Vec<RefusalCause>,
            retry_after_seconds: u64,
        }
        match serde_json::from_slice::<Status>(body) {
            Ok(status) => {
                let details = status.details.unwrap_or_default();
                let asked =
                    (details.retry_after_seconds > 0).then_some(details.retry_after_seconds);
                let retry_after = retry_after.or(asked);
                let names_object = !details.name.is_empty();
                let mut causes = details.causes;
                let message = if code == 422 {
                    redacted(&status.message, &mut causes)
                } else {
                    status.message
                };
                Self {
                    code,
                    reason: status.reason,
                    message,
                    causes,
                    retry_after,
                    names_object,
                    about: details.kind,
                    ..Self::default()
                }
            }
            Err(_) => Self {
                code,
                message: String::from_utf8_lossy(body).trim().to_owned(),
                retry_after,
                ..Self::default()
            },
        }
    }

    /// Whether the user, a quota or an admission webhook does not permit it.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.code == 403
    }

    /// Whether fields of the object have values that they cannot have.
    pub(crate) fn is_invalid(&self) -> bool {
        self.code == 422
    }

    /// Whether this is a conflict of field ownership.
    pub(crate) fn is_ownership_conflict(&self) -> bool {
        self.code == 409
            && self
                .causes
                .iter()
                .any(|cause| cause.reason == "FieldManagerConflict")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_name_their_fields() {
        let body = br#"{"message":"conflict","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"hpa\"","field":".spec.replicas"}]}}"#;
        let refusal = Refusal::read(409, body, None);
        assert!(refusal.is_ownership_conflict());
        assert_eq!(refusal.causes[0].field, ".spec.replicas");
    }
}
