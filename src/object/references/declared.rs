//! What annotations say about which object comes after which others, in the words of the tools that
//! read them.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::super::peers::{Meaning, Notation, peers};
use crate::{
    finding::Check,
    object::{Object, ObjectId, Problem},
};

/// What annotations say about the order of objects.
#[derive(Debug, Clone, Default)]
pub(super) struct DeclaredOrder {
    /// Objects that are ready before another one is written.
    pub(super) after: HashMap<ObjectId, Vec<ObjectId>>,
    /// What cannot be understood, or leads in a circle.
    pub(super) problems: Vec<Problem>,
}

/// An object as an annotation names it; what it does not say may be anything.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named<'a> {
    group: Option<&'a str>,
    kind: Option<&'a str>,
    place: Place<'a>,
    name: Option<&'a str>,
}

/// Where an object lies that an annotation names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place<'a> {
    #[default]
    Anywhere,
    Cluster,
    Namespace(&'a str),
}

/// A rule about all members of a group.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    /// Whether the object comes after them, and not before.
    after: bool,
    group: String,
}

impl DeclaredOrder {
    /// What the annotations of `objects` say.
    pub(super) fn of(objects: &IndexMap<ObjectId, Object>) -> Self {
        let mut order = Self::default();
        let groups = groups(objects);
        for (id, object) in objects {
            for (name, value, meaning) in peers(&object.body) {
                let added = match meaning {
                    Meaning::Order(notation) => order.add(objects, &groups, (id, value), notation),
                    Meaning::Wave if value.parse::<i64>().is_err() => Err(Misunderstood::Value),
                    _ => Ok(()),
                };
                if let Err(why) = added {
                    let problem = why.named(name, value).at(&object.origin);
                    order.problems.push(problem.about(id));
                }
            }
        }
        order.refuse_circle(objects);
        order
    }

    fn add(
        &mut self,
        objects: &IndexMap<ObjectId, Object>,
        groups: &HashMap<String, Vec<&ObjectId>>,
        (id, value): (&ObjectId, &str),
        notation: Notation,
    ) -> Result<(), Misunderstood> {
        match notation {
            Notation::Group => {}
            Notation::Rule => {
                let Rule { after, group } = rule(value).ok_or(Misunderstood::Value)?;
                for member in groups.get(&filled(&group, id)).into_iter().flatten() {
                    let (later, first) = if after { (id, *member) } else { (*member, id) };
                    self.put(later, first);
                }
            }
            Notation::Paths => {
                let paths = value.split(',').map(|path| path_of(path.trim()));
                let named: Option<Vec<Named<'_>>> = paths.collect();
                self.after_all(objects, id, named.ok_or(Misunderstood::Value)?)?;
            }
            Notation::Pairs => {
                self.after_all(objects, id, vec![pairs(value).ok_or(Misunderstood::Value)?])?;
            }
        }
        Ok(())
    }

    fn after_all(
        &mut self,
        objects: &IndexMap<ObjectId, Object>,
        id: &ObjectId,
        named: Vec<Named<'_>>,
    ) -> Result<(), Misunderstood> {
        let mut complete = true;
        for named in named {
            let meant = objects.keys().filter(|other| named.means(other));
            let before = meant.clone().count();
            meant.for_each(|first| self.put(id, first));
            complete &= before > 0;
        }
        if complete {
            Ok(())
        } else {
            Err(Misunderstood::Absent)
        }
    }

    fn put(&mut self, later: &ObjectId, first: &ObjectId) {
        let before = self.after.entry(later.clone()).or_default();
        if later != first && !before.contains(first) {
            before.push(first.clone());
        }
    }

    /// Adds an error where objects come after each other in a circle.
    fn refuse_circle(&mut self, objects: &IndexMap<ObjectId, Object>) {
        let mut done: HashSet<&ObjectId> = HashSet::new();
        let found = objects
            .keys()
            .find_map(|id| circle(id, &self.after, &mut Vec::new(), &mut done));
        let Some(circle) = found else { return };
        let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
        let message = format!("annotations put it after itself: {}", names.join(" after "));
        let first = &objects[&circle[0]];
        let problem = Problem::of(Check::OrderCircle, message)
            .at(&first.origin)
            .about(&first.id);
        self.problems.push(problem.hint("take one of them out"));
    }
}

/// Why an annotation has no effect.
enum Misunderstood {
    Value,
    Absent,
}

impl Misunderstood {
    /// A warning about the annotation `name` with `value`.
    fn named(self, name: &str, value: &str) -> Problem {
        match self {
            Self::Value => Problem::of(Check::MisunderstoodAnnotation, format!(
                "the annotation `{name}` is `{value}`, which is not understood and has no effect"
            ))
            .hint("docs/compatibility.md says what is"),
            Self::Absent => Problem::of(Check::MisunderstoodAnnotation, format!(
                "the annotation `{name}` names what the plan does not have: `{value}`"
            ))
            .hint("correct the name; nothing is waited for"),
        }
    }
}

/// The first circle that `id` leads into, which begins and ends with the same object.
fn circle<'a>(
    id: &'a ObjectId,
    after: &'a HashMap<ObjectId, Vec<ObjectId>>,
    path: &mut Vec<&'a ObjectId>,
    done: &mut HashSet<&'a ObjectId>,
) -> Option<Vec<ObjectId>> {
    if let Some(start) = path.iter().position(|known| *known == id) {
        let circle = path[start..].iter().copied().chain([id]);
        return Some(circle.cloned().collect());
    }
    if !done.insert(id) {
        return None;
    }
    path.push(id);
    let mut before = after.get(id).into_iter().flatten();
    let found = before.find_map(|first| circle(first, after, path, done));
    path.pop();
    found
}

/// The members of each group.
fn groups(objects: &IndexMap<ObjectId, Object>) -> HashMap<String, Vec<&ObjectId>> {
    let mut groups: HashMap<String, Vec<&ObjectId>> = HashMap::new();
    for (id, object) in objects {
        for (_, value, meaning) in peers(&object.body) {
            if meaning == Meaning::Order(Notation::Group) {
                groups.entry(filled(value, id)).or_default().push(id);
            }
        }
    }
    groups
}

/// `group` with what stands for parts of the identity of `id`.
/// <https://carvel.dev/kapp/docs/latest/apply-ordering/>
fn filled(group: &str, id: &ObjectId) -> String {
    group
        .replace("{api-group}", &id.group)
        .replace("{kind}", &id.kind)
        .replace("{name}", &id.name)
        .replace("{namespace}", id.namespace.as_deref().unwrap_or_default())
}

/// What comes first or last by `value`; a rule about deletions is none about writes.
fn rule(value: &str) -> Option<Rule> {
    let words: Vec<&str> = value.split_whitespace().collect();
    match words.as_slice() {
        ["upsert", order @ ("after" | "before"), "upserting", group] => Some(Rule {
            after: *order == "after",
            group: (*group).to_owned(),
        }),
        _ => None,
    }
}

fn path_of(path: &str) -> Option<Named<'_>> {
    let parts: Vec<&str> = path.split('/').collect();
    let (group, place, kind, name) = match parts.as_slice() {
        [group, "namespaces", namespace, kind, name] => {
            (*group, Place::Namespace(namespace), *kind, *name)
        }
        [group, kind, name] => (*group, Place::Cluster, *kind, *name),
        _ => return None,
    };
    let is_complete = !kind.is_empty() && !name.is_empty() && place != Place::Namespace("");
    is_complete.then_some(Named {
        group: Some(group),
        kind: Some(kind),
        place,
        name: Some(name),
    })
}

fn pairs(value: &str) -> Option<Named<'_>> {
    let mut named = Named::default();
    for pair in value.split(',') {
        let (key, value) = pair.trim().split_once('=')?;
        match key {
            "group" => named.group = Some(value),
            "kind" => named.kind = Some(value),
            "namespace" => named.place = Place::Namespace(value),
            "name" => named.name = Some(value),
            "state" | "version" => {}
            _ => return None,
        }
    }
    (named != Named::default()).then_some(named)
}

impl Named<'_> {
    fn means(&self, id: &ObjectId) -> bool {
        let namespace = id.namespace.as_deref();
        let is_there = match self.place {
            Place::Anywhere => true,
            Place::Cluster => namespace.is_none(),
            Place::Namespace(name) => namespace == Some(name),
        };
        is_there
            && self.group.is_none_or(|group| group == id.group)
            && self
                .kind
                .is_none_or(|kind| kind.eq_ignore_ascii_case(&id.kind))
            && self.name.is_none_or(|name| name == id.name)
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    /// Deployments of namespace `n`, each with an annotation, and what comes before each.
    fn ordered(objects: &[(&str, &str, &str)]) -> (Vec<String>, Vec<String>) {
        let objects: IndexMap<ObjectId, Object> = objects
            .iter()
            .map(|(name, annotation, value)| {
                let body = json!({"apiVersion": "apps/v1", "kind": "Deployment",
                    "metadata": {"name": name, "namespace": "n", "annotations": {*annotation: value}}});
                let id = ObjectId::of(&body).expect("it has a name");
                let origin = Origin { file: Arc::from(Path::new("a.yaml")), line: 1 };
                let object = Object { id: id.clone(), api_version: "apps/v1".to_owned(), body: Arc::new(body), origin };
                (id, object)
            })
            .collect();
        let order = DeclaredOrder::of(&objects);
        let mut lines: Vec<String> = order
            .after
            .iter()
            .filter(|(_, before)| !before.is_empty())
            .map(|(id, before)| {
                let names: Vec<&str> = before.iter().map(|id| id.name.as_str()).collect();
                format!("{} after {}", id.name, names.join(", "))
            })
            .collect();
        lines.sort();
        let problems = order.problems.iter();
        (
            lines,
            problems.map(|problem| problem.message.clone()).collect(),
        )
    }

    #[test]
    fn objects_are_named_as_each_tool_names_them() {
        let none = ("db", "example.org/note", "");
        for (annotation, value) in [
            (
                "config.kubernetes.io/depends-on",
                "apps/namespaces/n/Deployment/db",
            ),
            (
                "werf.io/deploy-dependency-db",
                "state=ready,kind=Deployment,name=db",
            ),
        ] {
            let (order, problems) = ordered(&[("web", annotation, value), none]);
            assert_eq!(order, ["web after db"], "{annotation}");
            assert!(problems.is_empty(), "{problems:?}");
        }
    }

    #[test]
    fn groups_come_after_groups() {
        let (order, problems) = ordered(&[
            ("a", "kapp.k14s.io/change-group", "example.org/first"),
            (
                "b",
                "kapp.k14s.io/change-rule",
                "upsert after upserting example.org/first",
            ),
            (
                "c",
                "kapp.k14s.io/change-rule.own",
                "upsert before upserting example.org/first",
            ),
            (
                "d",
                "kapp.k14s.io/change-rule",
                "upsert after upserting example.org/nobody",
            ),
        ]);
        assert_eq!(order, ["a after c", "b after a"]);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn what_is_not_understood_absent_or_circular_is_named() {
        let depends_on = "config.kubernetes.io/depends-on";
        let (_, problems) = ordered(&[
            ("a", depends_on, "web"),
            ("b", depends_on, "apps/namespaces/n/Deployment/nobody"),
            ("c", "kapp.k14s.io/change-rule", "delete before deleting x"),
            ("d", depends_on, "apps/namespaces/n/Deployment/e"),
            ("e", depends_on, "apps/namespaces/n/Deployment/d"),
            ("f", "argocd.argoproj.io/sync-wave", "first"),
        ]);
        assert_eq!(
            problems,
            [
                "the annotation `config.kubernetes.io/depends-on` is `web`, which is not understood and has no effect",
                "the annotation `config.kubernetes.io/depends-on` names what the plan does not have: `apps/namespaces/n/Deployment/nobody`",
                "the annotation `kapp.k14s.io/change-rule` is `delete before deleting x`, which is not understood and has no effect",
                "the annotation `argocd.argoproj.io/sync-wave` is `first`, which is not understood and has no effect",
                "annotations put it after itself: Deployment/n/d after Deployment/n/e after Deployment/n/d",
            ]
        );
    }
}
