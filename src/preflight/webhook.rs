//! What the API server says of admission webhooks that stand in the way.

use serde_json::Value;

use crate::{
    cluster::Refusal,
    object::field::{list, text},
};

/// A webhook that stood in the way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WebhookRefusal<'a> {
    /// Its name in its configuration.
    pub(crate) name: &'a str,
    /// Whether it was asked and said no; otherwise it could not be asked.
    pub(crate) has_answered: bool,
}

/// The API server's words about a webhook, up to its name, and whether it has answered.
/// <https://github.com/kubernetes/apiserver/tree/master/pkg/admission/plugin/webhook>
const WORDS: [(&str, bool); 2] = [
    ("failed calling webhook \"", false),
    ("admission webhook \"", true),
];

/// The webhook that `refusal` is about; `None` where it is about something else.
pub(crate) fn webhook_refusal(refusal: &Refusal) -> Option<WebhookRefusal<'_>> {
    WORDS.iter().find_map(|(words, has_answered)| {
        let (_, rest) = refusal.message.split_once(words)?;
        let (name, _) = rest.split_once('"')?;
        Some(WebhookRefusal {
            name,
            has_answered: *has_answered,
        })
    })
}

/// The name of the webhook that could not be asked, as `refusal` says.
pub(crate) fn dead_webhook(refusal: &Refusal) -> Option<&str> {
    let webhook = webhook_refusal(refusal)?;
    (!webhook.has_answered).then_some(webhook.name)
}

/// The webhook `name` in `configuration`, a webhook configuration.
pub(crate) fn webhook_in<'a>(configuration: &'a Value, name: &str) -> Option<&'a Value> {
    let mut webhooks = list(configuration, "/webhooks").iter();
    webhooks.find(|webhook| text(webhook, "/name") == Some(name))
}
