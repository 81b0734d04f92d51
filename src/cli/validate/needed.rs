//! What the cluster must have for a plan, as far as the plan does not bring it.

use serde::Serialize;

/// What the cluster must have for a plan, in which environments.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Needed {
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    what: String,
    environments: Vec<String>,
}

impl Needed {
    /// Adds what `environment` needs.
    pub(super) fn add(&mut self, environment: &str, needed: Vec<String>) {
        for what in needed {
            let index = self.entries.iter().position(|entry| entry.what == what);
            let index = index.unwrap_or_else(|| {
                self.entries.push(Entry {
                    what,
                    environments: Vec::new(),
                });
                self.entries.len() - 1
            });
            self.entries[index]
                .environments
                .push(environment.to_owned());
        }
    }

    /// It for people; nothing where nothing is needed.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let head = "The cluster must have what its objects refer to and it does not bring:";
        let head = (!self.entries.is_empty()).then(|| head.to_owned());
        let entries = self.entries.iter();
        let lines = entries.map(|Entry { what, environments }| {
            format!("  {what}, for {}", environments.join(", "))
        });
        head.into_iter().chain(lines)
    }
}
