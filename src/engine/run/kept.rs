//! What is said in the journal before the first deletion, because afterwards nobody could tell any
//! more: which Secrets are kept for data, once what reads them is gone; and what a killed run has
//! created although nobody saw it, once it is on its way out.

use crate::{
    object::{HasKind as _, ObjectId},
    release::{ChangeLog, Head, JournalEntry, Store, StoreError},
};

/// That the Secrets among `retained` are kept.
pub(crate) fn kept<'a>(
    retained: impl Iterator<Item = &'a ObjectId>,
) -> impl Iterator<Item = JournalEntry> {
    retained
        .filter(|id| id.is_secret())
        .map(|id| JournalEntry::Kept { object: id.clone() })
}

/// That what `changes` has created, beyond what `known` tells, was created by the run.
pub(crate) fn concluded(
    known: &ChangeLog,
    changes: &ChangeLog,
) -> impl Iterator<Item = JournalEntry> {
    let is_known = |id: &ObjectId, uid: &String| {
        let known = known.get(id);
        known.is_some_and(|known| known.created.contains(uid))
    };
    let created = changes.iter().flat_map(|(id, change)| {
        let uids = change.created.iter();
        uids.map(move |uid| (id, uid))
    });
    created
        .filter(move |(id, uid)| !is_known(id, uid))
        .map(|(id, uid)| JournalEntry::Wrote {
            object: id.clone(),
            uid: uid.clone(),
            created: true,
            changed: Vec::new(),
            record: None,
            owner: None,
        })
}

/// Stores `entries` in the journal of `head`. Nothing is stored where there are none.
pub(crate) async fn record(
    store: &Store,
    head: &mut Head,
    entries: impl Iterator<Item = JournalEntry>,
) -> Result<(), StoreError> {
    let entries: Vec<JournalEntry> = entries.collect();
    if entries.is_empty() {
        return Ok(());
    }
    store.append(head, &entries).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_known_yet_is_concluded() {
        let object = |name: &str| ObjectId::namespace(name);
        let mut known = ChangeLog::default();
        known.of(&object("a")).created = vec!["1".to_owned()];
        let mut changes = known.clone();
        changes.of(&object("a")).created.push("2".to_owned());
        changes.of(&object("b")).created.push("3".to_owned());
        changes.of(&object("c")).deleted = true;
        let concluded: Vec<JournalEntry> = concluded(&known, &changes).collect();
        let told: Vec<String> = concluded
            .iter()
            .map(|entry| match entry {
                JournalEntry::Wrote {
                    object,
                    uid,
                    created: true,
                    ..
                } => {
                    format!("{} {uid}", object.name)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["a 2", "b 3"]);
        known.extend(&concluded);
        let is_same = |name: &str| known.get(&object(name)) == changes.get(&object(name));
        assert!(is_same("a") && is_same("b"));
    }
}
