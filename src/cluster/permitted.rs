//! LISTs of what the user may see: a refusal that was to be expected is an answer too.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{discovery::Resource, error::RequestError, request::Cluster};

/// Where a kind is listed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ListScope<'a> {
    /// In this namespace.
    Namespace(&'a str),
    /// In all namespaces, by one LIST; where that is not permitted, in each of these.
    Everywhere { otherwise: &'a BTreeSet<&'a str> },
}

/// Which refusals of a LIST are taken for an answer. Every other error is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerated {
    /// What is not served, or not there, has nothing in it.
    Absent,
    /// That, and what the user may not look at is left out.
    Forbidden,
    /// That, and whatever else the server refuses; what cannot be listed has nothing in it.
    Refused,
}

/// What a user may see of a kind.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The objects, with `apiVersion` and `kind` filled in.
    pub(crate) items: Vec<Arc<Value>>,
    /// The resource version from which a watch goes on; `None` where not everything came by one
    /// LIST.
    pub(crate) resource_version: Option<String>,
    /// Whether this is everything, as far as the server says.
    pub(crate) complete: bool,
}

impl Tolerated {
    /// Whether `error` says that there is nothing.
    fn is_nothing(self, error: &RequestError) -> bool {
        error.is_absent() || (self == Self::Refused && error.is_not_allowed())
    }

    /// Whether `error` says that the user may not see what there is.
    fn is_hidden(self, error: &RequestError) -> bool {
        match self {
            Self::Absent => false,
            Self::Forbidden => error.is_forbidden(),
            Self::Refused => matches!(error, RequestError::Refused(_)),
        }
    }
}

impl Cluster {
    /// The objects of `resource` that `selector` selects, as far as the user may list them.
    pub(crate) async fn list_permitted(
        &self,
        resource: &Resource,
        scope: ListScope<'_>,
        selector: Option<&str>,
        tolerated: Tolerated,
    ) -> Result<Listing, RequestError> {
        let (namespace, otherwise) = match scope {
            ListScope::Namespace(namespace) => (Some(namespace), None),
            ListScope::Everywhere { otherwise } => (None, Some(otherwise)),
        };
        let mut listing = Listing {
            items: Vec::new(),
            resource_version: None,
            complete: true,
        };
        match self.list(resource, namespace, selector).await {
            Ok(listed) => {
                listing.items = listed.items;
                listing.resource_version = Some(listed.resource_version);
                return Ok(listing);
            }
            Err(error) if tolerated.is_nothing(&error) => return Ok(listing),
            Err(error) if tolerated.is_hidden(&error) => listing.complete = false,
            Err(error) => return Err(error),
        }
        let namespaces = otherwise.filter(|_| resource.namespaced);
        for namespace in namespaces.into_iter().flatten() {
            match self.list(resource, Some(namespace), selector).await {
                Ok(listed) => listing.items.extend(listed.items),
                Err(error) if tolerated.is_hidden(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cluster::Refusal;

    #[test]
    fn each_refusal_is_nothing_or_hidden_or_an_error() {
        let refused = |code| {
            RequestError::Refused(Refusal {
                code,
                ..Refusal::default()
            })
        };
        let (nothing, hidden, error) = ("nothing", "hidden", "error");
        for (tolerated, code, is) in [
            (Tolerated::Absent, 404, nothing),
            (Tolerated::Absent, 403, error),
            (Tolerated::Absent, 405, error),
            (Tolerated::Forbidden, 404, nothing),
            (Tolerated::Forbidden, 403, hidden),
            (Tolerated::Forbidden, 405, error),
            (Tolerated::Refused, 404, nothing),
            (Tolerated::Refused, 405, nothing),
            (Tolerated::Refused, 403, hidden),
            (Tolerated::Refused, 500, hidden),
        ] {
            let answer = refused(code);
            let taken = if tolerated.is_nothing(&answer) {
                nothing
            } else if tolerated.is_hidden(&answer) {
                hidden
            } else {
                error
            };
            assert_eq!(taken, is, "{tolerated:?} {code}");
        }
        let silent = RequestError::TimedOut {
            server: String::new(),
            after: Duration::ZERO,
        };
        assert!(!Tolerated::Refused.is_nothing(&silent) && !Tolerated::Refused.is_hidden(&silent));
    }
}
