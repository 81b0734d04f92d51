use std::{ops::RangeInclusive, sync::Mutex};

use super::{
    campaign::number,
    platform::Platform,
    point::{Reference, Subject, prepare},
    release::{Release, succeeded},
    scenario::{End, Scenario},
};
use crate::support::{
    audit::Audit,
    proxy::{Logged, Proxy},
    user::User,
};

/// What an undisturbed run is like.
pub(super) struct Undisturbed {
    pub(super) reference: Reference,
    /// How many requests write.
    pub(super) writes: usize,
    /// Numbers of the first and the last one about an object; the revision is stored before, and
    /// its outcome after.
    pub(super) work: RangeInclusive<usize>,
}

/// One of several that try points side by side: a user, and a proxy of its own.
pub(super) struct Lane<'a> {
    platform: &'a Platform,
    user: User,
    pub(super) proxy: Proxy,
    /// A release that is whole, and may be used again.
    spare: Mutex<Option<Subject<'a>>>,
}

/// Each use adds three revisions at most, and ten are kept.
const USES: usize = 3;

impl<'a> Lane<'a> {
    pub(super) fn open(platform: &'a Platform) -> Self {
        let user = User::administrator();
        let proxy = Proxy::for_kubeconfig(&user.kubeconfig);
        Self {
            platform,
            user,
            proxy,
            spare: Mutex::default(),
        }
    }

    /// A release that does not exist yet.
    pub(super) fn fresh(&self) -> Subject<'a> {
        Subject {
            release: Release::new(self.platform, number()),
            holds: None,
            uses: 0,
        }
    }

    /// One that was used before, where there is one.
    pub(super) fn used(&self) -> Subject<'a> {
        self.spare
            .lock()
            .unwrap()
            .take()
            .unwrap_or_else(|| self.fresh())
    }

    /// Takes back a release that has come to `end`. It is of no use where nothing but what is kept
    /// of it exists any more, or where so many runs were rolled back that the good revisions before
    /// are trimmed.
    pub(super) fn take_back(&self, mut subject: Subject<'a>, scenario: Scenario, end: End) {
        subject.holds = scenario.at(end);
        subject.uses += 1;
        let spare = if subject.holds.is_some() && subject.uses < USES {
            self.spare.lock().unwrap().replace(subject)
        } else {
            Some(subject)
        };
        if let Some(subject) = spare {
            subject.release.delete();
        }
    }

    /// Runs a scenario undisturbed, and returns what it brings with the number of requests that
    /// wrote; the audit log has the same.
    pub(super) fn undisturbed(&self, scenario: Scenario) -> Result<Undisturbed, String> {
        let subject = self.fresh();
        let before = prepare(scenario, &subject, self)?;
        let release = subject.release;
        self.proxy.inject([]);
        let audit = Audit::from_now(&self.user);
        succeeded(
            "the undisturbed run",
            self.proxy.run(scenario.command(&release)),
        )?;
        let writes = self.proxy.mutating();
        let number_of = |position: Option<usize>| position.map_or(0, |position| position + 1);
        let about_object = |write: &Logged| !write.path.contains(&release.state_namespace());
        let work = number_of(writes.iter().position(about_object))
            ..=number_of(writes.iter().rposition(about_object));
        let mut counted: Vec<String> = writes
            .iter()
            .map(|write| format!("{} {}", write.verb(), write.path))
            .collect();
        let mut audited = audit.writes();
        counted.sort_unstable();
        audited.sort_unstable();
        if counted != audited {
            return Err(format!(
                "the audit log has {} writes, and the proxy {}",
                audited.len(),
                counted.len()
            ));
        }
        let after = release.dump();
        let reference = Reference {
            name: release.name.clone(),
            before,
            after,
        };
        release.delete();
        Ok(Undisturbed {
            reference,
            writes: counted.len(),
            work,
        })
    }
}
