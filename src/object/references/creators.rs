//! Programs of the plan that may create objects themselves, by the roles of their accounts.

use std::collections::HashMap;

use serde_json::Value;

use crate::object::{
    HasKind as _, Object, ObjectId,
    field::{list, text, texts},
    pod::{containers, pod_spec},
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// A workload, and what its account may create and change.
#[derive(Debug, Clone)]
pub(super) struct Creator {
    /// The workload.
    pub(super) id: ObjectId,
    /// What its containers are told, in which it may name what it makes.
    told: Vec<String>,
    /// What it may create or change, and in which namespace; `None` for all.
    may: Vec<Scoped>,
}

/// A grant, and the namespace that it is for.
type Scoped = (Grant, Option<String>);

/// A kind of objects that may be written, as a role says it: group and plural name, `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    group: String,
    resource: String,
    /// Whether they may be created, and not only changed.
    creates: bool,
}

impl Grant {
    fn is_for(&self, target: &ObjectId) -> bool {
        (self.group == "*" || self.group == target.group)
            && (self.resource == "*" || self.resource == plural(&target.kind))
    }
}

impl Creator {
    /// Whether it may create `target`.
    pub(super) fn may_create(&self, target: &ObjectId) -> bool {
        self.grants(target).any(|grant| grant.creates)
    }

    /// Whether it may change `target`, and so add a key to it.
    pub(super) fn may_change(&self, target: &ObjectId) -> bool {
        self.grants(target).next().is_some()
    }

    fn grants(&self, target: &ObjectId) -> impl Iterator<Item = &Grant> {
        let here = self
            .may
            .iter()
            .filter(|(_, namespace)| namespace.is_none() || *namespace == target.namespace);
        here.map(|(grant, _)| grant)
            .filter(|grant| grant.is_for(target))
    }

    /// Whether it runs once and what its containers are told names `target`, and is no path of a file,
    /// which is more often called as what is mounted there. Who runs for good is told whom to ask.
    pub(super) fn is_told_of(&self, target: &ObjectId) -> bool {
        if !(self.id.is_job() || self.id.is_cron_job() || self.id.is_pod()) {
            return false;
        }
        let separates =
            |character: char| character.is_whitespace() || "='\",;:".contains(character);
        let words = self.told.iter().flat_map(|text| text.split(separates));
        words
            .filter(|word| !word.starts_with('/') || word.starts_with("//"))
            .any(|word| has_word(word, &target.name))
    }

    /// Whether what its containers are told names `target`.
    pub(super) fn names(&self, target: &ObjectId) -> bool {
        self.told.iter().any(|text| has_word(text, &target.name))
    }
}

/// The workloads among `objects`, which may make others.
pub(super) fn creators(objects: &[&Object]) -> Vec<Creator> {
    let grants = grants(objects);
    let creators = objects.iter().filter_map(|object| {
        let spec = pod_spec(&object.body)?;
        let names = names_of_account(&object.id, spec);
        let may = names.iter().filter_map(|name| grants.get(name)).flatten();
        Some(Creator {
            id: object.id.clone(),
            told: told(spec),
            may: may.cloned().collect(),
        })
    });
    creators.collect()
}

/// What bindings may call the account of the pods of `id`, which have the spec `spec`: as a user, and
/// by its groups.
/// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-users-and-groups>
fn names_of_account(id: &ObjectId, spec: &Value) -> [String; 4] {
    let account = ["/serviceAccountName", "/serviceAccount"]
        .into_iter()
        .filter_map(|path| text(spec, path))
        .find(|name| !name.is_empty());
    let namespace = id.namespace.as_deref().unwrap_or_default();
    let account = account.unwrap_or("default");
    [
        user(namespace, account),
        format!("system:serviceaccounts:{namespace}"),
        "system:serviceaccounts".to_owned(),
        "system:authenticated".to_owned(),
    ]
}

fn user(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}

/// Whom the binding `id` gives its role to: users and groups.
fn subjects(id: &ObjectId, body: &Value) -> Vec<String> {
    if id.group != RBAC || !id.kind.ends_with("Binding") {
        return Vec::new();
    }
    let subjects = list(body, "/subjects").iter().filter_map(|subject| {
        let name = text(subject, "/name")?;
        if text(subject, "/kind") != Some("ServiceAccount") {
            return Some(name.to_owned());
        }
        let namespace = text(subject, "/namespace").or(id.namespace.as_deref());
        Some(user(namespace.unwrap_or_default(), name))
    });
    subjects.collect()
}

/// What each user and group may create or change.
fn grants(objects: &[&Object]) -> HashMap<String, Vec<Scoped>> {
    let roles: HashMap<&ObjectId, &Value> = objects
        .iter()
        .filter(|object| object.id.group == RBAC)
        .map(|object| (&object.id, object.body.as_ref()))
        .collect();
    let mut grants: HashMap<String, Vec<Scoped>> = HashMap::new();
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

/// What the role that the binding `id` refers to lets create or change.
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
            creates: true,
        }];
    }
    let rules = roles.get(&referred).map(|role| list(role, "/rules"));
    rules.into_iter().flatten().flat_map(granted).collect()
}

/// What `rule`, of a role, lets create or change.
fn granted(rule: &Value) -> Vec<Grant> {
    let has = |verbs: &[&str]| texts(rule, "/verbs").any(|verb| verbs.contains(&verb));
    let creates = has(&["create", "patch", "*"]);
    if !creates && !has(&["update"]) {
        return Vec::new();
    }
    let grants = texts(rule, "/apiGroups").flat_map(|group| {
        texts(rule, "/resources").map(move |resource| Grant {
            group: group.to_owned(),
            resource: resource.to_owned(),
            creates,
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
        assert_eq!(found.len(), 2);
        let secret = |namespace: &str, name: &str| ObjectId::core("Secret", Some(namespace), name);
        let certgen = &found[0];
        assert!(certgen.may_create(&secret("shop", "admission")));
        assert!(!certgen.may_create(&secret("other", "admission")));
        assert!(!certgen.may_create(&ObjectId::core("ConfigMap", Some("shop"), "admission")));
        assert!(certgen.names(&secret("shop", "admission")));
        assert!(!certgen.names(&secret("shop", "admi")));
        assert!(!found[1].may_change(&secret("shop", "admission")));
    }

    #[test]
    fn an_account_has_what_its_groups_have() {
        let rbac = "rbac.authorization.k8s.io/v1";
        let secret = |namespace: &str| ObjectId::core("Secret", Some(namespace), "admission");
        let job = || {
            let spec = json!({"containers": []});
            object(
                "batch/v1",
                "Job",
                "certgen",
                json!({"spec": {"template": {"spec": spec}}}),
            )
        };
        let account = |name: &str| json!({"kind": "ServiceAccount", "name": name});
        let group = |name: &str| json!({"kind": "Group", "name": name});
        for (subject, may) in [
            (account("default"), true),
            (account("other"), false),
            (group("system:serviceaccounts"), true),
            (group("system:serviceaccounts:shop"), true),
            (group("system:serviceaccounts:other"), false),
            (group("system:authenticated"), true),
            (
                json!({"kind": "User", "name": "system:serviceaccount:shop:default"}),
                true,
            ),
        ] {
            for (verb, creates) in [("create", true), ("patch", true), ("update", false)] {
                let rules = json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": [verb]}]});
                let binding =
                    json!({"roleRef": {"kind": "Role", "name": "make"}, "subjects": [subject]});
                let objects = [
                    object(rbac, "Role", "make", rules),
                    object(rbac, "RoleBinding", "make", binding),
                    job(),
                ];
                let found = creators(&objects.iter().collect::<Vec<_>>());
                let own = &found[0];
                assert_eq!(own.may_create(&secret("shop")), may && creates, "{subject}");
                assert_eq!(own.may_change(&secret("shop")), may, "{subject} {verb}");
                assert!(!own.may_change(&secret("other")));
            }
        }
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
