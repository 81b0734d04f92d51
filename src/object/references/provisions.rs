//! What there will be once a set of objects is there: the objects, and what is made for them.

use std::collections::HashMap;

use super::{
    creators::{Creator, creators},
    made::{Keys, Made, Reach, made_by, makes_claim, may_make_anything},
};
use crate::object::{HasKind as _, Object, ObjectId, field::text};

/// What there will be once a set of objects is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Provisions {
    made: HashMap<ObjectId, Provision>,
    /// What may be in any namespace.
    everywhere: Vec<(ObjectId, Provision)>,
    /// Objects that may have made whatever is not there, and where.
    unknown: Vec<(ObjectId, Reach)>,
    creators: Vec<Creator>,
    /// `StatefulSet`s, which make claims.
    claiming: Vec<Object>,
    /// Storage classes that volumes among the objects are of.
    classes: Vec<String>,
}

/// One thing that there will be.
#[derive(Debug, Clone)]
pub(crate) struct Provision {
    /// What brings it: itself, where it is one of the objects.
    pub(crate) by: ObjectId,
    /// Its keys, where it has any.
    pub(crate) keys: Keys,
}

/// Who may make something that nobody is known to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayMake<'a> {
    /// Nobody of the set.
    Nobody,
    /// This one, which is told its name.
    Told(&'a ObjectId),
    /// This one, which may write such objects, is told such a name, or of which nothing is known.
    Perhaps(&'a ObjectId),
}

impl Provisions {
    /// What there will be once `objects` are there.
    pub(crate) fn of<'a>(objects: impl Iterator<Item = &'a Object>) -> Self {
        let objects: Vec<&Object> = objects.collect();
        let mut provisions = Self {
            creators: creators(&objects),
            ..Self::default()
        };
        for object in objects {
            let (id, body) = (&object.id, &object.body);
            provisions.add(id.clone(), Keys::of(body), id);
            for made in made_by(id, body) {
                provisions.make(made, id);
            }
            let reach = may_make_anything(id, body);
            provisions
                .unknown
                .extend(reach.map(|reach| (id.clone(), reach)));
            if id.is_like_stateful_set() {
                provisions.claiming.push(object.clone());
            }
            if id.is_data() && !id.is_claim() {
                let class = text(body, "/spec/storageClassName").map(str::to_owned);
                provisions.classes.extend(class);
            }
        }
        provisions
    }

    /// Adds that `target` will be there because of `by`, with these keys.
    pub(crate) fn add(&mut self, target: ObjectId, keys: Keys, by: &ObjectId) {
        let provision = Provision {
            by: by.clone(),
            keys,
        };
        match self.made.get_mut(&target) {
            Some(known) => {
                known.keys.join(provision.keys);
                // What is wanted as it is counts before what somebody makes.
                if target == provision.by {
                    known.by = provision.by;
                }
            }
            None => drop(self.made.insert(target, provision)),
        }
    }

    fn make(&mut self, made: Made, by: &ObjectId) {
        if made.everywhere {
            let provision = Provision {
                by: by.clone(),
                keys: made.keys,
            };
            self.everywhere.push((made.target, provision));
        } else {
            self.add(made.target, made.keys, by);
        }
    }

    /// What brings `target`.
    pub(crate) fn get(&self, target: &ObjectId) -> Option<Provision> {
        let copy = || {
            let mut copies = self.everywhere.iter();
            copies.find(|(copied, _)| is_copy(copied, target))
        };
        let claimed = || {
            let mut sets = self.claiming.iter();
            let set = sets.find(|set| makes_claim(&set.id, &set.body, target))?;
            Some(Provision {
                by: set.id.clone(),
                keys: Keys::unknown(),
            })
        };
        let made = self.made.get(target).cloned();
        made.or_else(|| copy().map(|(_, provision)| provision.clone()))
            .or_else(claimed)
    }

    /// Who may make `target`.
    pub(crate) fn may_make(&self, target: &ObjectId) -> MayMake<'_> {
        let others = || self.creators.iter().filter(|it| it.id != *target);
        let told = others().find(|it| it.may_create(target) && it.names(target));
        if let Some(told) = told {
            return MayMake::Told(&told.id);
        }
        let reaches = |(id, reach): &&(ObjectId, Reach)| {
            let is_beside = id.namespace.is_none() || id.namespace == target.namespace;
            match reach {
                Reach::Everywhere => true,
                Reach::Beside => is_beside,
                Reach::NamedAfter => is_beside && is_named_after(&target.name, &id.name),
            }
        };
        let unknown = self.unknown.iter().find(reaches).map(|(id, _)| id);
        let unknown = unknown.filter(|id| *id != target);
        let able = || others().find(|creator| creator.may_change(target));
        // What it may do may stand in the cluster.
        let perhaps = || able().or_else(|| others().find(|it| it.is_told_of(target)));
        unknown
            .or_else(|| perhaps().map(|creator| &creator.id))
            .map_or(MayMake::Nobody, MayMake::Perhaps)
    }

    /// Whether volumes of the storage class `name` are among the objects: claims of it are bound to
    /// them, also where there is no such class.
    /// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class>
    pub(crate) fn has_volume_of(&self, name: &str) -> bool {
        self.classes.iter().any(|class| class == name)
    }

    /// The names of what is of the kind of `target` beside it, and the namespaces that have one of
    /// its name.
    pub(crate) fn near(&self, target: &ObjectId) -> (Vec<&str>, Vec<&str>) {
        let alike = self
            .made
            .keys()
            .filter(|id| (&id.group, &id.kind) == (&target.group, &target.kind));
        let (beside, elsewhere): (Vec<&ObjectId>, Vec<&ObjectId>) =
            alike.partition(|id| id.namespace == target.namespace);
        let mut names: Vec<&str> = beside.iter().map(|id| id.name.as_str()).collect();
        let same = elsewhere.iter().filter(|id| id.name == target.name);
        let mut namespaces: Vec<&str> = same.filter_map(|id| id.namespace.as_deref()).collect();
        names.sort_unstable();
        namespaces.sort_unstable();
        (names, namespaces)
    }
}

/// Whether `name` is made of `other` and further words.
fn is_named_after(name: &str, other: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    name.match_indices(other).any(|(at, _)| {
        let (before, after) = (&name[..at], &name[at + other.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

fn is_copy(copied: &ObjectId, target: &ObjectId) -> bool {
    (&copied.group, &copied.kind, &copied.name) == (&target.group, &target.kind, &target.name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::Origin;

    fn object(body: Value) -> Object {
        Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version: body["apiVersion"].as_str().unwrap_or_default().to_owned(),
            origin: Origin {
                file: std::path::Path::new("a.yaml").into(),
                line: 1,
            },
            body: body.into(),
        }
    }

    #[test]
    fn who_is_told_a_name_may_make_it_whatever_its_rights_are() {
        let job = |containers: Value| {
            let body = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "seed", "namespace": "shop"}, "spec": {"template": {"spec": {"containers": containers}}}});
            Provisions::of([object(body)].iter())
        };
        let target = ObjectId::core("Secret", Some("shop"), "admission");
        for containers in [
            json!([{"args": ["--secret=admission"]}]),
            json!([{"command": ["sh", "-c", "kubectl create secret generic admission"]}]),
            json!([{"env": [{"name": "SECRET", "value": "shop/admission"}]}]),
            json!([{"args": ["curl https://kubernetes/api/v1/namespaces/shop/secrets/admission"]}]),
        ] {
            let provisions = job(containers);
            let MayMake::Perhaps(by) = provisions.may_make(&target) else {
                panic!("{:?}", provisions.may_make(&target));
            };
            assert_eq!(by.name, "seed");
        }
        for containers in [
            json!([]),
            json!([{"args": ["--secret=admission-ca"]}]),
            json!([{"args": ["--config=/etc/admission/config.yaml", "/etc/admission"]}]),
        ] {
            assert_eq!(job(containers).may_make(&target), MayMake::Nobody);
        }
    }
}
