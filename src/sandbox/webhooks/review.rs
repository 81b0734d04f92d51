//! What a webhook answers.

use serde_json::{Value, json};

/// The answer to what the API server asks: whatever it is, it is allowed. `None` where it is no
/// question that webhooks are asked.
pub(super) fn answer(review: &Value) -> Option<Value> {
    (review["kind"] == "AdmissionReview").then(|| {
        json!({
            "apiVersion": review["apiVersion"],
            "kind": "AdmissionReview",
            "response": {"uid": review["request"]["uid"], "allowed": true},
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_is_allowed() {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1", "operation": "CREATE"}});
        let expected = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "1", "allowed": true}});
        assert_eq!(answer(&review), Some(expected));
        assert_eq!(answer(&json!({"kind": "APIGroup"})), None);
    }
}
