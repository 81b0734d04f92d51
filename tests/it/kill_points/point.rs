use std::{collections::BTreeSet, fmt};

use super::{
    lane::Lane,
    platform::Variant,
    release::{Release, end_of, succeeded},
    scenario::{End, Scenario, Standing, Way},
};
use crate::support::{
    Deployctl,
    dump::Dump,
    proxy::{Fault, Requests, Rule, When},
};

/// Where a program is killed: at one of its requests that write, numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kill {
    pub(super) number: usize,
    pub(super) when: When,
}

/// A kill, or two of them, and how the release comes into a whole state then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) scenario: Scenario,
    pub(super) first: Kill,
    /// The run that follows is killed as well.
    pub(super) again: Option<(Way, Kill)>,
    pub(super) way: Way,
}

/// What is known of a point that is as it should be.
pub(super) enum Reached {
    /// It was killed; then the last run made so many requests that write.
    Yes { writes: usize, end: End },
    /// The run was over before: it wrote less often than others of its sort.
    No,
}

impl Reached {
    /// The state that the release is in.
    pub(super) fn end(&self) -> End {
        match self {
            Self::Yes { end, .. } => *end,
            Self::No => End::Wanted,
        }
    }
}

/// What an undisturbed run brings, in any release.
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) before: Dump,
    pub(super) after: Dump,
}

/// Exit status of what was killed.
const KILLED: i32 = 128 + 9;

impl Point {
    /// Kills a run of `subject`, goes on or back, and compares; an error says what is not as it
    /// should be.
    pub(super) fn attempt(
        &self,
        subject: &Subject<'_>,
        lane: &Lane<'_>,
        reference: &Reference,
    ) -> Result<Reached, String> {
        let Self {
            scenario,
            first,
            again,
            way,
        } = *self;
        let release = &subject.release;
        let before = prepare(scenario, subject, lane)?;
        let (number, _) = release.newest()?;
        if !kill(lane, scenario.command(release), first)? {
            self.compare(release, reference, &before, End::Wanted)?;
            return Ok(Reached::No);
        }
        let mut reached = standing(release, number)?;
        // A run whose last write was done is over, however many it took: nothing follows from its
        // death.
        if let Some((way, second)) = again.filter(|_| reached != Standing::Succeeded) {
            let command = match way {
                Way::Up => release.up(scenario.wanted()),
                Way::Rollback => release.rollback(),
            };
            kill(lane, command, second)?;
            reached = standing(release, number)?;
        }
        let end = match way {
            Way::Up => go_on(scenario, release, lane)?,
            Way::Rollback => go_back(
                scenario,
                release,
                lane,
                reached,
                again.is_some() || subject.holds.is_some(),
            )?,
        };
        let writes = lane.proxy.mutating().len();
        self.compare(release, reference, &before, end)?;
        // A run that has nothing to write takes no lock: what a dead one has left is in nobody's
        // way, and is taken over by the next.
        let locks = if writes == 0 {
            Vec::new()
        } else {
            release.locks()
        };
        if locks.is_empty() {
            Ok(Reached::Yes { writes, end })
        } else {
            Err(format!("{} is left", locks.join(", ")))
        }
    }

    /// Compares `release` with what is expected of it at `end`.
    fn compare(
        &self,
        release: &Release<'_>,
        reference: &Reference,
        before: &Dump,
        end: End,
    ) -> Result<(), String> {
        let now = release.dump();
        let wrong: Vec<String> = match end {
            End::Wanted => {
                let expected = reference
                    .after
                    .as_of_release(&reference.name, &release.name);
                let mut wrong =
                    Dump::differences(&expected, &now.as_of_release(&release.name, &release.name));
                if self.scenario != Scenario::Install {
                    wrong.extend(other_changes(reference, &release.name, before, &now));
                }
                wrong
            }
            End::Before if self.scenario == Scenario::Install => not_kept(release, &now),
            End::Before => Dump::differences(before, &now),
        };
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("not {end:?}:\n      {}", wrong.join("\n      ")))
        }
    }
}

/// A release that something is tried on.
pub(super) struct Subject<'a> {
    pub(super) release: Release<'a>,
    /// What is deployed of it, after other attempts; `None` where it does not exist yet.
    pub(super) holds: Option<Variant>,
    /// How often something was tried on it.
    pub(super) uses: usize,
}

/// Brings `subject` to what the scenario starts from.
pub(super) fn prepare(
    scenario: Scenario,
    subject: &Subject<'_>,
    lane: &Lane<'_>,
) -> Result<Dump, String> {
    lane.proxy.inject([]);
    // What `rollback` goes back to is the revision before, so all steps are made anew where that is
    // to be killed.
    let is_there = |variant: &Variant| {
        scenario.before().last() == Some(variant) && subject.holds == Some(*variant)
    };
    if !scenario.before().iter().any(is_there) {
        for variant in scenario.before() {
            succeeded(
                "the up before",
                lane.proxy.run(subject.release.up(*variant)),
            )?;
        }
    }
    Ok(subject.release.dump())
}

/// Runs `command` and kills it; returns whether it came so far.
fn kill(lane: &Lane<'_>, command: Deployctl, kill: Kill) -> Result<bool, String> {
    lane.proxy
        .inject([Rule::new(Requests::mutating(), Fault::Kill(kill.when)).only(kill.number)]);
    let outcome = lane.proxy.run(command);
    lane.proxy.inject([]);
    match outcome.status {
        KILLED => Ok(true),
        0 => Ok(false),
        status => Err(format!(
            "the run that was to be killed ended with {status}: {}",
            end_of(&outcome.stderr)
        )),
    }
}

/// What became of revisions after `number`.
fn standing(release: &Release<'_>, number: u64) -> Result<Standing, String> {
    let (newest, standing) = release.newest()?;
    match standing.as_str() {
        "nothing" | "deployed" | "rolled-back" if newest == number => Ok(Standing::Untouched),
        "deployed" => Ok(Standing::Succeeded),
        "rolled-back" => Ok(Standing::RolledBack),
        "interrupted" | "half-rolled-back" => Ok(Standing::Unsettled),
        other => Err(format!("status says `{other}` of a run that was killed")),
    }
}

fn go_on(scenario: Scenario, release: &Release<'_>, lane: &Lane<'_>) -> Result<End, String> {
    lane.proxy.inject([]);
    succeeded("up", lane.proxy.run(release.up(scenario.wanted())))?;
    says(release, "deployed")?;
    Ok(End::Wanted)
}

fn go_back(
    scenario: Scenario,
    release: &Release<'_>,
    lane: &Lane<'_>,
    standing: Standing,
    has_history: bool,
) -> Result<End, String> {
    lane.proxy.inject([]);
    // Where there is nothing to go back from, what `rollback` goes to depends on the revisions
    // before.
    match standing {
        Standing::RolledBack | Standing::Untouched if has_history => return Ok(End::Before),
        Standing::Succeeded if has_history => return Ok(End::Wanted),
        _ => {}
    }
    let outcome = lane.proxy.run(release.rollback());
    let Some(end) = scenario.rolls_back_to(standing) else {
        let refused = outcome.status != 0 && outcome.stderr.starts_with("Error:");
        let left = if standing == Standing::Succeeded {
            End::Wanted
        } else {
            End::Before
        };
        return if refused {
            Ok(left)
        } else {
            Err(format!(
                "rollback ended with {}: {}",
                outcome.status,
                end_of(&outcome.stderr)
            ))
        };
    };
    succeeded("rollback", outcome)?;
    says(
        release,
        if standing == Standing::Unsettled {
            "rolled-back"
        } else {
            "deployed"
        },
    )?;
    Ok(end)
}

fn says(release: &Release<'_>, expected: &str) -> Result<(), String> {
    let (_, standing) = release.newest()?;
    if standing == expected {
        Ok(())
    } else {
        Err(format!("status says `{standing}` and not `{expected}`"))
    }
}

/// What is left of a release that did not exist before, and should not be: data stays, with what it
/// cannot be opened without.
fn not_kept(release: &Release<'_>, now: &Dump) -> Vec<String> {
    let is_data = |identity: &str| {
        ["PersistentVolumeClaim/", "PersistentVolume/"]
            .iter()
            .any(|kind| identity.starts_with(kind))
    };
    let system = |identity: &str| {
        ["ServiceAccount/", "ConfigMap/"]
            .iter()
            .any(|kind| identity.starts_with(kind))
            && {
                let name = identity.rsplit('/').next();
                matches!(name, Some("default" | "kube-root-ca.crt"))
            }
    };
    let any_data = now.identities().any(is_data);
    let may_be_kept = release.may_be_kept();
    let is_kept = |identity: &str| {
        any_data && (is_data(identity) || system(identity) || may_be_kept.contains(identity))
    };
    now.identities()
        .filter(|identity| !is_kept(identity))
        .map(|identity| format!("{identity} is left"))
        .collect()
}

/// What the run changed that an undisturbed one does not, and the other way round: values that are
/// drawn or allocated count here.
fn other_changes(reference: &Reference, name: &str, before: &Dump, now: &Dump) -> Vec<String> {
    let usual = Dump::differences(&reference.before, &reference.after)
        .into_iter()
        .map(|line| line.replace(&reference.name, name));
    let usual: BTreeSet<String> = usual.collect();
    let these: BTreeSet<String> = Dump::differences(before, now).into_iter().collect();
    let missing = usual
        .difference(&these)
        .map(|line| format!("an undisturbed run does: {line}"));
    let more = these
        .difference(&usual)
        .map(|line| format!("an undisturbed run does not: {line}"));
    missing.chain(more).collect()
}

impl fmt::Display for Kill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            When::Before => "before",
            When::After => "after",
        };
        write!(formatter, "{when} {}", self.number)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} killed {}", self.scenario, self.first)?;
        if let Some((way, kill)) = self.again {
            write!(formatter, ", {way:?} killed {kill}")?;
        }
        write!(formatter, ", then {:?}", self.way)
    }
}
