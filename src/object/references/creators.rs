//! Programs of the plan that may create objects themselves, by the roles of their accounts.

use std::collections::HashMap;

use serde_json::Value;

use super::named::subjects;
use crate::object::{
    Object, ObjectId,
    field::{list, text, texts},
    pod::{containers, pod_spec},
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// A workload whose account may create objects of some kinds.
#[derive(Debug, Clone)]
pub(super) struct Creator {
    /// The workload.
    pub(super) id: ObjectId,
    /// What its containers are told, in which it may name what it makes.
    told: Vec<String>,
    /// What it may create, and in which namespace; `None` for all.
    may: Vec<(Grant, Option<String>)>,
}

/// A kind that may be created, as a role says it: group and plural name, `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    group: String,
    resource: String,
}

impl Creator {
    /// Whether it may create `target`.
    pub(super) fn may_create(&self, target: &ObjectId) -> bool {
        let resource = plural(&target.kind);
        let is_of = |grant: &Grant| {
            (grant.group == "*" || grant.group == target.group)
                && (grant.resource == "*" || grant.resource == resource)
        };
        self.may.iter().any(|(grant, namespace)| {
            is_of(grant) && (namespace.is_none() || *namespace == target.namespace)
        })
    }

    /// Whether what its containers are told names `target`.
    pub(super) fn names(&self, target: &ObjectId) -> bool {
        self.told.iter().any(|text| has_word(text, &target.name))
    }
}

/// The workloads among `objects` that may create something.
pub(super) fn creators(objects: &[&Object]) -> Vec<Creator> {
    let grants = grants(objects);
    let creators = objects.iter().filter_map(|object| {
        let spec = pod_spec(&object.body)?;
        let account = text(spec, "/serviceAccountName")?;
        let account = ObjectId::core("ServiceAccount", object.id.namespace.as_deref(), account);
        Some(Creator {
            id: object.id.clone(),
            told: told(spec),
            may: grants.get(&account)?.clone(),
        })
    });
    creators.collect()
}

/// What each account may create.
fn grants(objects: &[&Object]) -> HashMap<ObjectId, Vec<(Grant, Option<String>)>> {
    let roles: HashMap<&ObjectId, &Value> = objects
        .iter()
        .filter(|object| object.id.group == RBAC)
        .map(|object| (&object.id, object.body.as_ref()))
        .collect();
    let mut grants: HashMap<ObjectId, Vec<(Grant, Option<String>)>> = HashMap::new();
    for object in objects {
        let (id, body) = (&object.id, object.body.as_ref());
        let accounts = subjects(id, body);
        if accounts.is_empty() {
            continue;
        }
        let granted = role(id, body, &roles);
        for account in accounts {
            let own = grants.entry(account).or_default();
            own.extend(
                granted
                    .iter()
                    .map(|grant| (grant.clone(), id.namespace.clone())),
            );
        }
    }
    grants
}

/// What the role that the binding `id` refers to lets create.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles>
fn role(id: &ObjectId, body: &Value, roles: &HashMap<&ObjectId, &Value>) -> Vec<Grant> {
    let kind = text(body, "/roleRef/kind").unwrap_or_default();
    let name = text(body, "/roleRef/name").unwrap_or_default();
    let referred = ObjectId {
        group: RBAC.to_owned(),
        kind: kind.to_owned(),
        namespace: id.namespace.clone().filter(|_| kind == "Role"),
        name: name.to_owned(),
    };
    let is_user_facing =
        kind == "ClusterRole" && ["cluster-admin", "admin", "edit"].contains(&name);
    if is_user_facing {
        let all = || "*".to_owned();
        return vec![Grant {
            group: all(),
            resource: all(),
        }];
    }
    let rules = roles.get(&referred).map(|role| list(role, "/rules"));
    let creates =
        |rule: &&Value| texts(rule, "/verbs").any(|verb| ["create", "patch", "*"].contains(&verb));
    let rules = rules.into_iter().flatten().filter(creates);
    let grants = rules.flat_map(|rule| {
        texts(rule, "/apiGroups").flat_map(move |group| {
            texts(rule, "/resources").map(move |resource| Grant {
                group: group.to_owned(),
                resource: resource.to_owned(),
            })
        })
    });
    grants.collect()
}

/// Commands, arguments and variables of all containers.
fn told(spec: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for container in containers(spec) {
        let words = ["/command", "/args"]
            .into_iter()
            .flat_map(|path| texts(container, path));
        let variables = list(container, "/env").iter();
        let values = variables.filter_map(|variable| text(variable, "/value"));
        told.extend(words.chain(values).map(str::to_owned));
    }
    told
}

/// Whether `name` stands in `text` by itself, and not as a part of another name.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-.".contains(character);
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The plural of a kind, by the rule that all built-in kinds go by.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.as_bytes() {
        [.., b's'] => format!("{kind}es"),
        [rest @ .., b'y'] => format!("{}ies", String::from_utf8_lossy(rest)),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Object {
        let mut body = rest;
        body["apiVersion"] = api_version.into();
        body["kind"] = kind.into();
        body["metadata"] = json!({"name": name, "namespace": "shop"});
        Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version: api_version.to_owned(),
            origin: Origin {
                file: std::path::Path::new("a.yaml").into(),
                line: 1,
            },
            body: body.into(),
        }
    }

    #[test]
    fn a_job_whose_account_may_create_secrets_makes_what_it_is_told() {
        let rbac = "rbac.authorization.k8s.io/v1";
        let rules = json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create"]}]});
        let binding = json!({"roleRef": {"kind": "Role", "name": "make"}, "subjects": [{"kind": "ServiceAccount", "name": "maker"}]});
        let spec = json!({"serviceAccountName": "maker", "containers": [{"args": ["create", "--secret-name=admission"]}]});
        let job = |spec: Value| json!({"spec": {"template": {"spec": spec}}});
        let objects = [
            object(rbac, "Role", "make", rules),
            object(rbac, "RoleBinding", "make", binding),
            object("batch/v1", "Job", "certgen", job(spec)),
            object("batch/v1", "Job", "other", job(json!({"containers": []}))),
        ];
        let found = creators(&objects.iter().collect::<Vec<_>>());
        assert_eq!(found.len(), 1);
        let secret = |namespace: &str, name: &str| ObjectId::core("Secret", Some(namespace), name);
        let certgen = &found[0];
        assert!(certgen.may_create(&secret("shop", "admission")));
        assert!(!certgen.may_create(&secret("other", "admission")));
        assert!(!certgen.may_create(&ObjectId::core("ConfigMap", Some("shop"), "admission")));
        assert!(certgen.names(&secret("shop", "admission")));
        assert!(!certgen.names(&secret("shop", "admi")));
    }

    #[test]
    fn plurals_are_those_of_the_built_in_kinds() {
        for (kind, plurals) in [
            ("Secret", "secrets"),
            ("StorageClass", "storageclasses"),
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
        ] {
            assert_eq!(plural(kind), plurals);
        }
    }
}
