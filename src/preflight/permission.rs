use std::collections::BTreeMap;

use super::Finding;
use crate::error::ExitCode;

/// One finding for each verb and kind that the user may not, naming the namespaces.
pub(crate) fn not_permitted(refused: &[(String, String, Option<String>)]) -> Vec<Finding> {
    let mut places: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (verb, kind, namespace) in refused {
        places.entry((verb, kind)).or_default().extend(namespace.as_deref());
    }
    places
        .into_iter()
        .map(|((verb, kind), namespaces)| {
            let place = if namespaces.is_empty() { String::new() } else { format!(" in namespace `{}`", namespaces.join("`, `")) };
            Finding {
                exit: ExitCode::Failed,
                at: None,
                object: None,
                message: format!("you may not {verb} {kind}{place}"),
                remedy: Some("ask the cluster's administrator for this permission".to_owned()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::not_permitted;

    #[test]
    fn namespaces_are_joined() {
        let refused = |namespace: &str| ("patch".to_owned(), "secrets".to_owned(), Some(namespace.to_owned()));
        let findings = not_permitted(&[refused("a"), refused("b")]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].message, "you may not patch secrets in namespace `a`, `b`");
    }
}
