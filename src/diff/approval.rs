//! What somebody has approved: exactly these changes to exactly this state. Kept in a file between
//! `diff --save` and `up --approved`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    compare::{Difference, FieldChange},
    hunk::Sign,
};
use crate::object::{Digest, ObjectId};

/// The changes that were approved, without a value of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Approval {
    /// Version of this form.
    pub(crate) format: u32,
    /// The release.
    pub(crate) release: String,
    /// Address of the API server.
    pub(crate) server: String,
    /// Digest of what no other cluster has, whatever its address; `None` where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<Digest>,
    /// The newest revision; `None` where there was none.
    pub(crate) revision: Option<u64>,
    /// What is changed, in no order.
    pub(crate) objects: Vec<ApprovedObject>,
    /// Keys of Secrets, as `NAME/KEY`, whose values were left to whoever carries it out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) open: BTreeSet<String>,
}

/// What was approved for one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApprovedObject {
    /// The object.
    pub(crate) object: ObjectId,
    /// What is done with it, for example `change`.
    pub(crate) action: String,
    /// What it is changed from and to.
    pub(crate) fingerprint: Fingerprint,
}

/// Digests of what a change is from and to, and of nothing else: what a controller does to the same
/// object meanwhile is no reason to ask anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fingerprint {
    /// Digest of the uid of what is there; `None` where nothing is. Not the uid: it keeps digests of
    /// secret values from being guessed.
    pub(crate) uid: Option<Digest>,
    /// What the fields are that are changed.
    pub(crate) before: Digest,
    /// What they are going to be.
    pub(crate) after: Digest,
}

impl Fingerprint {
    /// The fingerprint of `difference` to the object with `uid`. `hidden` are secret values before and
    /// after it: digests of them are only made together with the uid, which is not in the file.
    pub(crate) fn of(uid: &str, difference: &Difference, hidden: (&Value, &Value)) -> Self {
        // What is created comes as a whole: before it there is nothing.
        let is_whole = uid.is_empty() || difference.fields.is_empty();
        let fields = |value: fn(&FieldChange) -> &Option<Value>| -> Vec<Value> {
            let fields = difference.fields.iter().filter(|_| !is_whole);
            fields
                .map(|field| json!([field.path, value(field)]))
                .collect()
        };
        let lines = |left: Sign| -> Vec<&String> {
            let whole = difference.hunks.iter().filter(|_| is_whole);
            let lines = whole.flat_map(|hunk| &hunk.lines);
            lines
                .filter(|(sign, _)| *sign != left)
                .map(|(_, line)| line)
                .collect()
        };
        let digest = |fields: Vec<Value>, lines: Vec<&String>, hidden: &Value| {
            Digest::of(&json!([fields, lines, salted(uid, hidden)]))
        };
        Self {
            uid: (!uid.is_empty()).then(|| Digest::of(&uid.into())),
            before: digest(fields(|field| &field.before), lines(Sign::Added), hidden.0),
            after: digest(fields(|field| &field.after), lines(Sign::Removed), hidden.1),
        }
    }
}

/// A digest of `hidden` that cannot be guessed without `uid`; none where there is no uid.
fn salted(uid: &str, hidden: &Value) -> Option<String> {
    let is_there = !uid.is_empty() && !hidden.is_null();
    is_there.then(|| Digest::of(&json!([uid, hidden])).to_string())
}

impl Approval {
    /// The form that this program writes.
    pub(crate) const FORMAT: u32 = 1;

    /// What is otherwise in `now` than was approved, one line each; nothing where it is exactly that.
    pub(crate) fn moved(&self, now: &Self) -> Vec<String> {
        let mut moved = Vec::new();
        if self.release != now.release {
            moved.push(format!(
                "the release was {}, and is {}",
                self.release, now.release
            ));
        }
        moved.extend(self.another_cluster(now));
        if self.revision != now.revision {
            let number =
                |revision: Option<u64>| revision.map_or("none".to_owned(), |it| it.to_string());
            moved.push(format!(
                "the newest revision was {}, and is {}",
                number(self.revision),
                number(now.revision)
            ));
        }
        let find = |these: &[ApprovedObject], id: &ObjectId| {
            these.iter().find(|it| it.object == *id).cloned()
        };
        for approved in &self.objects {
            let id = &approved.object;
            moved.extend(match find(&now.objects, id) {
                None => Some(format!(
                    "{id} was to {}, and needs no change now",
                    approved.action
                )),
                Some(now) => approved.moved(&now),
            });
        }
        let is_new = |it: &&ApprovedObject| find(&self.objects, &it.object).is_none();
        let new = now.objects.iter().filter(is_new);
        moved.extend(
            new.map(|it| format!("{} would {}, which was not approved", it.object, it.action)),
        );
        moved
    }

    /// That it was for another cluster than `now`: one may have several addresses, and one address lead to
    /// several.
    fn another_cluster(&self, now: &Self) -> Option<String> {
        let (then, is) = (&self.server, &now.server);
        match (&self.cluster, &now.cluster) {
            (Some(one), Some(other)) if one == other => None,
            (Some(_), Some(_)) if then == is => {
                Some(format!("the cluster at {is} is another one than it was"))
            }
            (None, _) | (_, None) if then == is => None,
            _ => Some(format!("the cluster was {then}, and is {is}")),
        }
    }

    /// It with what `now` removes, where nothing has changed about the rest.
    pub(crate) fn with_removals_of(&self, now: Self) -> Self {
        let kept = self.objects.iter().filter(|it| !it.is_removed()).cloned();
        let removed = now.objects.into_iter().filter(ApprovedObject::is_removed);
        Self {
            objects: kept.chain(removed).collect(),
            ..now
        }
    }
}

impl ApprovedObject {
    /// What is said of an object that goes, or is given up.
    pub(crate) const REMOVALS: [&str; 2] = ["delete", "release"];

    fn is_removed(&self) -> bool {
        Self::REMOVALS.contains(&self.action.as_str())
    }

    fn moved(&self, now: &Self) -> Option<String> {
        let id = &self.object;
        let (then, is) = (&self.fingerprint, &now.fingerprint);
        if then.uid != is.uid || then.before != is.before {
            Some(format!("{id} has been changed in the cluster"))
        } else if self.action != now.action {
            Some(format!(
                "{id} was to {}, and would {} now",
                self.action, now.action
            ))
        } else if then.after != is.after {
            Some(format!(
                "{id} is wanted otherwise now: the files, their variables or the answer of the server have changed"
            ))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::hunk::Hunk;

    fn approval(objects: Vec<ApprovedObject>) -> Approval {
        Approval {
            format: Approval::FORMAT,
            release: "shop.dev".to_owned(),
            server: "https://one".to_owned(),
            cluster: None,
            revision: Some(3),
            objects,
            open: BTreeSet::new(),
        }
    }

    fn object(name: &str, action: &str, uid: &str, (before, after): (u8, u8)) -> ApprovedObject {
        let field = FieldChange {
            path: "data.a".to_owned(),
            before: Some(before.into()),
            after: Some(after.into()),
        };
        let difference = Difference {
            fields: vec![field],
            hunks: Vec::new(),
        };
        ApprovedObject {
            object: ObjectId::core("ConfigMap", Some("shop"), name),
            action: action.to_owned(),
            fingerprint: Fingerprint::of(uid, &difference, (&Value::Null, &Value::Null)),
        }
    }

    #[test]
    fn exactly_what_was_approved_has_not_moved() {
        let approved = approval(vec![object("a", "change", "u", (1, 2))]);
        assert_eq!(approved.moved(&approved.clone()), Vec::<String>::new());
    }

    #[test]
    fn a_cluster_is_known_by_more_than_its_address() {
        let at = |server: &str, uid: Option<&str>| Approval {
            server: server.to_owned(),
            cluster: uid.map(|uid| Digest::of(&uid.into())),
            ..approval(Vec::new())
        };
        let (here, elsewhere) = ("https://one", "https://two");
        let one = at(here, Some("u"));
        assert_eq!(one.moved(&at(elsewhere, Some("u"))), Vec::<String>::new());
        assert_eq!(one.moved(&at(here, None)), Vec::<String>::new());
        assert_eq!(
            one.moved(&at(here, Some("v"))),
            ["the cluster at https://one is another one than it was"]
        );
        for other in [at(elsewhere, Some("v")), at(elsewhere, None)] {
            assert_eq!(
                one.moved(&other),
                ["the cluster was https://one, and is https://two"]
            );
        }
    }

    #[test]
    fn removals_that_are_decided_anew_stand_beside_what_was_looked_at_before() {
        let first = approval(vec![
            object("written", "change", "u", (1, 2)),
            object("gone", "delete", "u", (1, 2)),
        ]);
        let now = approval(vec![
            object("written", "change", "u", (7, 2)),
            object("going", "delete", "u", (1, 2)),
        ]);
        let then = first.with_removals_of(now);
        assert_eq!(
            first.moved(&then),
            [
                "ConfigMap/shop/gone was to delete, and needs no change now",
                "ConfigMap/shop/going would delete, which was not approved"
            ]
        );
    }

    #[test]
    fn everything_that_has_moved_is_named() {
        let approved = approval(vec![
            object("cluster", "change", "u", (1, 2)),
            object("again", "change", "u", (1, 2)),
            object("files", "change", "u", (1, 2)),
            object("action", "change", "u", (1, 2)),
            object("gone", "delete", "u", (1, 2)),
        ]);
        let now = Approval {
            revision: Some(4),
            ..approval(vec![
                object("cluster", "change", "u", (7, 2)),
                object("again", "change", "u2", (1, 2)),
                object("files", "change", "u", (1, 7)),
                object("action", "recreate", "u", (1, 2)),
                object("new", "create", "", (1, 2)),
            ])
        };
        insta::assert_snapshot!(approved.moved(&now).join("\n"), @r"
        the newest revision was 3, and is 4
        ConfigMap/shop/cluster has been changed in the cluster
        ConfigMap/shop/again has been changed in the cluster
        ConfigMap/shop/files is wanted otherwise now: the files, their variables or the answer of the server have changed
        ConfigMap/shop/action was to change, and would recreate now
        ConfigMap/shop/gone was to delete, and needs no change now
        ConfigMap/shop/new would create, which was not approved
        ");
    }

    #[test]
    fn what_is_created_otherwise_is_no_change_in_the_cluster() {
        let of = |path: &str| {
            let field = FieldChange {
                path: path.to_owned(),
                before: None,
                after: Some(1.into()),
            };
            let hunk = Hunk {
                before: (0, 0),
                after: (1, 1),
                place: String::new(),
                lines: vec![(Sign::Added, path.to_owned())],
            };
            let difference = Difference {
                fields: vec![field],
                hunks: vec![hunk],
            };
            Fingerprint::of("", &difference, (&Value::Null, &Value::Null))
        };
        let (one, other) = (of("data.a"), of("data.b"));
        assert_eq!(one.before, other.before);
        assert_ne!(one.after, other.after);
    }

    #[test]
    fn a_secret_value_counts_only_together_with_the_uid() {
        let of = |uid: &str, value: &str| {
            let hidden = Value::from(value);
            Fingerprint::of(uid, &Difference::default(), (&Value::Null, &hidden)).after
        };
        assert_ne!(of("u", "one"), of("u", "two"));
        assert_ne!(of("u", "one"), of("v", "one"));
        assert_eq!(of("", "one"), of("", "two"));
    }
}
