//! What the user may not do and the run needs.

use std::collections::BTreeMap;

use super::Finding;
use crate::finding::Check;

/// What the user may not do, and what it is needed for.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    /// The verb of the request.
    pub(crate) verb: &'static str,
    /// The plural name of the kind.
    pub(crate) resource: String,
    /// Where; `None` for kinds without a namespace.
    pub(crate) namespace: Option<String>,
    /// What for.
    pub(crate) need: Need,
}

/// What a permission is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// To write what is wanted.
    Write,
    /// To take back what was written, where the run fails.
    Rollback,
    /// To delete what is not wanted, or has to be created anew.
    Removal,
}

impl Need {
    fn consequence(self) -> &'static str {
        match self {
            Need::Write | Need::Removal => "",
            Need::Rollback => ", so a run that fails could not be rolled back",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Need::Write | Need::Removal => "ask the cluster's administrator for this permission",
            Need::Rollback => {
                "ask the cluster's administrator for this permission, or do without a rollback: `--no-rollback`"
            }
        }
    }
}

/// One finding for each verb and kind that the user may not, naming the namespaces.
pub(crate) fn not_permitted(missing: &[Missing]) -> Vec<Finding> {
    let mut places: BTreeMap<(Need, &str, &str), Vec<&str>> = BTreeMap::new();
    for Missing {
        verb,
        resource,
        namespace,
        need,
    } in missing
    {
        places
            .entry((*need, verb, resource))
            .or_default()
            .extend(namespace.as_deref());
    }
    places
        .into_iter()
        .map(|((need, verb, resource), mut namespaces)| {
            namespaces.sort_unstable();
            let place = if namespaces.is_empty() {
                String::new()
            } else {
                format!(" in namespace `{}`", namespaces.join("`, `"))
            };
            let message = format!("you may not {verb} {resource}{place}{}", need.consequence());
            Finding::of(Check::MissingPermission, message).remedy(need.remedy())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(namespace: &str, need: Need) -> Missing {
        Missing {
            verb: "delete",
            resource: "secrets".to_owned(),
            namespace: Some(namespace.to_owned()),
            need,
        }
    }

    #[test]
    fn namespaces_are_joined() {
        let findings = not_permitted(&[missing("b", Need::Removal), missing("a", Need::Removal)]);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].message,
            "you may not delete secrets in namespace `a`, `b`"
        );
    }

    #[test]
    fn what_only_the_way_back_needs_can_be_done_without() {
        let findings = not_permitted(&[missing("a", Need::Rollback)]);
        assert_eq!(
            findings[0].message,
            "you may not delete secrets in namespace `a`, so a run that fails could not be rolled back"
        );
        assert!(
            findings[0]
                .remedy
                .as_ref()
                .is_some_and(|remedy| remedy.contains("--no-rollback"))
        );
    }
}
