use std::collections::{BTreeMap, HashMap};

use super::draft::Draft;
use crate::support::dump::Dump;

/// What is known of a release that nobody else touches.
#[derive(Default)]
pub(super) struct Model {
    /// How everything was when it was last neither being worked on nor half done; `None`: nothing
    /// was there.
    pub(super) settled: Option<Dump>,
    /// What good revisions left, by number.
    left: BTreeMap<u64, Dump>,
    /// What drafts brought, as they are shown.
    brought: HashMap<String, Dump>,
}

impl Model {
    /// What differs from how everything was.
    pub(super) fn changed(&self, now: &Dump) -> Vec<String> {
        match &self.settled {
            Some(settled) => Dump::differences(settled, now),
            None => there(now),
        }
    }

    /// What differs from what `draft` wants of the release `name`, and from what it brought before.
    pub(super) fn not_wanted(&mut self, draft: &Draft, name: &str, now: &Dump) -> Vec<String> {
        let wanted = draft.wanted(name);
        let mut wrong = Vec::new();
        for object in &wanted {
            match now.value(&object.identity, object.pointer) {
                None => wrong.push(format!("{}: it is missing", object.identity)),
                Some(value) if *value != object.value => {
                    wrong.push(format!("{} {}: {value}", object.identity, object.pointer));
                }
                Some(_) => {}
            }
        }
        let is_wanted = |identity: &&str| wanted.iter().any(|object| object.identity == **identity);
        wrong.extend(
            now.identities()
                .filter(|identity| !is_wanted(identity))
                .map(|identity| format!("{identity}: it is left")),
        );
        let comparable = comparable(now, name);
        if let Some(before) = self.brought.get(&draft.to_string()) {
            wrong.extend(Dump::differences(before, &comparable));
        } else {
            self.brought.insert(draft.to_string(), comparable);
        }
        wrong
    }

    /// What differs from what revision `number` left of the release `name`.
    pub(super) fn not_as_left(&self, number: u64, name: &str, now: &Dump) -> Vec<String> {
        match self.left.get(&number) {
            Some(left) => Dump::differences(&comparable(left, name), &comparable(now, name)),
            None => vec![format!(
                "it went back to revision {number}, which is none that was good"
            )],
        }
    }

    /// Takes note of how everything is; `good` is the number of the revision, where it is a good
    /// one.
    pub(super) fn settle(&mut self, now: Dump, good: Option<u64>) {
        if let Some(number) = good {
            self.left.insert(number, now.clone());
        }
        self.settled = Some(now);
    }
}

/// What two states of the release `name` have in common that were reached on different ways:
/// addresses are allocated anew for what is created anew, and what was restarted says so.
fn comparable(dump: &Dump, name: &str) -> Dump {
    dump.as_of_release(name, name)
        .without_key("deployctl.dev/config-digest")
}

/// What is there and should not be.
pub(super) fn there(now: &Dump) -> Vec<String> {
    now.identities()
        .map(|identity| format!("{identity}: it is left"))
        .collect()
}
