//! What the user may not do and the run needs.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::finding::Check;

/// What the user may not do, and what it is needed for.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    /// The verb of the request.
    pub(crate) verb: &'static str,
    /// API group of the kind; empty for the core group.
    pub(crate) group: String,
    /// The plural name of the kind.
    pub(crate) resource: String,
    /// Where; `None` for kinds without a namespace.
    pub(crate) namespace: Option<String>,
    /// What for.
    pub(crate) need: Need,
}

impl Missing {
    /// The kind as kubectl calls it: `deployments.apps`.
    fn kind(&self) -> String {
        match self.group.as_str() {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }
}

/// What a permission is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// To write what is wanted.
    Write,
    /// To take back what was written, where the run fails.
    Rollback,
    /// To have pods started anew that have read what is taken back: only those that have by then.
    Eviction,
    /// To delete what is not wanted, or has to be created anew.
    Removal,
}

impl Need {
    fn consequence(self) -> &'static str {
        match self {
            Need::Write | Need::Removal => "",
            Need::Rollback => ", so a run that fails could not be rolled back",
            Need::Eviction => {
                ", so a rollback could not replace pods that have read what it takes back"
            }
        }
    }

    fn check(self) -> Check {
        match self {
            Need::Eviction => Check::UncertainPermission,
            Need::Write | Need::Rollback | Need::Removal => Check::MissingPermission,
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Need::Write | Need::Removal | Need::Eviction => {
                "ask the cluster's administrator for this permission"
            }
            Need::Rollback => {
                "ask the cluster's administrator for this permission, or do without a rollback: `--no-rollback`"
            }
        }
    }
}

/// One finding for each verb and kind that the user may not, naming the namespaces; the last one says
/// what grants all of it.
pub(crate) fn not_permitted(missing: &[Missing]) -> Vec<Finding> {
    type Kind<'a> = (Need, &'a str, String, bool);
    let mut places: BTreeMap<Kind<'_>, BTreeSet<&str>> = BTreeMap::new();
    for one in missing {
        let kind = (one.need, one.verb, one.kind(), one.namespace.is_some());
        places
            .entry(kind)
            .or_default()
            .extend(one.namespace.as_deref());
    }
    let findings = places
        .into_iter()
        .map(|((need, verb, resource, is_namespaced), namespaces)| {
            let namespaces: Vec<&str> = namespaces.into_iter().collect();
            let place = if is_namespaced {
                format!(" in namespace `{}`", namespaces.join("`, `"))
            } else {
                String::new()
            };
            let message = format!("you may not {verb} {resource}{place}{}", need.consequence());
            Finding::of(need.check(), message).remedy(need.remedy())
        });
    let mut findings: Vec<Finding> = findings.collect();
    if let Some(last) = findings.last_mut() {
        let remedy = last.remedy.take().unwrap_or_default();
        last.remedy = Some(format!(
            "{remedy}; these roles grant all of it:\n{}",
            roles(missing)
        ));
    }
    findings
}

/// The roles that grant all that is `missing`: one for each namespace, and one for the cluster.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole>
fn roles(missing: &[Missing]) -> String {
    type Resources<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>;
    let mut roles: BTreeMap<Option<&str>, Resources<'_>> = BTreeMap::new();
    for one in missing {
        let rules = roles.entry(one.namespace.as_deref()).or_default();
        let verbs = rules.entry((&one.group, &one.resource)).or_default();
        verbs.insert(one.verb);
    }
    let documents = roles.into_iter().map(|(namespace, rules)| {
        let (kind, namespace) = namespace.map_or(("ClusterRole", String::new()), |namespace| {
            ("Role", format!(", namespace: {namespace}"))
        });
        let rules = rules.into_iter().map(|((group, resource), verbs)| {
            let verbs: Vec<&str> = verbs.into_iter().collect();
            format!(
                "  - {{apiGroups: [\"{group}\"], resources: [{resource}], verbs: [{}]}}",
                verbs.join(", ")
            )
        });
        let rules: Vec<String> = rules.collect();
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: deployctl{namespace}}}\nrules:\n{}",
            rules.join("\n")
        )
    });
    documents.collect::<Vec<_>>().join("\n---\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(namespace: &str, need: Need) -> Missing {
        Missing {
            verb: "delete",
            group: String::new(),
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
    fn kinds_of_one_name_are_told_apart() {
        let mut other = missing("a", Need::Removal);
        other.group = "example.org".to_owned();
        let mut of_cluster = other.clone();
        of_cluster.namespace = None;
        let again = missing("a", Need::Removal);
        let findings = not_permitted(&[missing("a", Need::Removal), again, other, of_cluster]);
        let said: Vec<&str> = findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "you may not delete secrets in namespace `a`",
                "you may not delete secrets.example.org",
                "you may not delete secrets.example.org in namespace `a`",
            ]
        );
    }

    #[test]
    fn the_last_one_says_what_grants_all_of_it() {
        let mut other = missing("a", Need::Write);
        (other.verb, other.group, other.resource) =
            ("patch", "apps".to_owned(), "deployments".to_owned());
        let mut of_cluster = missing("", Need::Write);
        of_cluster.namespace = None;
        let mut create = missing("a", Need::Write);
        create.verb = "create";
        let all = [missing("a", Need::Removal), create, other, of_cluster];
        let findings = not_permitted(&all);
        let with_roles = |finding: &&Finding| {
            finding
                .remedy
                .as_ref()
                .is_some_and(|it| it.contains("apiVersion"))
        };
        assert_eq!(findings.iter().filter(with_roles).count(), 1);
        let remedy = findings
            .last()
            .and_then(|last| last.remedy.clone())
            .unwrap_or_default();
        assert!(
            remedy.ends_with(
                "these roles grant all of it:
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: deployctl}
rules:
  - {apiGroups: [\"\"], resources: [secrets], verbs: [delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployctl, namespace: a}
rules:
  - {apiGroups: [\"\"], resources: [secrets], verbs: [create, delete]}
  - {apiGroups: [\"apps\"], resources: [deployments], verbs: [patch]}"
            ),
            "{remedy}"
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
