//! Cases of the planners that lead forward, and of those that remove.

use std::{fmt::Write as _, sync::Arc};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::objects::{
    Written, desired_state, id, live, manager, phases, program as steps, read, records, stored,
};
use crate::{
    cluster::{Live, Seen},
    engine::{
        desired::{DesiredObject, DesiredState},
        observe::history::{ReleaseHistory, UnsettledRevision},
        plan::{
            config_restart, decide as decisions,
            decide::{ChangeAction, Decision, Expansion},
            deploy::{DeployInput, plan_deploy},
            hook_steps::{has_begun_to_delete, plan_cleanup, plan_tests},
            hooks,
            hooks::HookHistory,
            prune::{
                PruneCandidate, PruneInput, PrunePlan, give_up_foreign, plan_prune, unwanted,
                written,
            },
            removal::{RemovalInput, plan_removal, removal_phases},
            selection::{Part, Selection},
            steps::RemovalMode,
            tests::printed,
            volume_expansion::{claim_templates, growing, keep_sizes, templates},
        },
    },
    object::{HasKind as _, LabelSelector, ObjectId},
    plan::PhaseId,
    preflight::DryRun,
    release::{Belongings, ChangeLog, Dependent, Operation, Program, Snapshot},
};

/// What a case gives to a planner that leads forward.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Case {
    phases: IndexMap<String, Vec<String>>,
    /// What is wanted.
    desired: Written,
    /// What is there. What is wanted and is not named is not there.
    live: Written,
    /// What is remembered.
    records: Written,
    /// What a run did that has not come to its end.
    unsettled: Option<Unsettled>,
    /// What the API server said to a dry run, as `replace`, `forced` or `grow CLAIM to SIZE`; `dead`
    /// of a webhook configuration that refuses what is written because nothing answers, and
    /// `expected in PHASE` of a definition that a controller is to create.
    decisions: IndexMap<String, String>,
    /// The phases that are run, objects (`Kind/name`), and what they are labelled with (`KEY=VALUE`);
    /// all, where it is left out.
    selection: Option<Vec<String>>,
    delete_data: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Unsettled {
    snapshot: Written,
    changes: IndexMap<String, String>,
    program: Vec<String>,
    /// The programs of runs that it goes on from and that do the same.
    earlier: Vec<Vec<String>>,
    records: Written,
    /// Hooks that have failed.
    failed: Vec<String>,
}

/// What the planners are given by a case.
struct World {
    desired: DesiredState,
    live: Live,
    history: ReleaseHistory,
    selection: Selection,
    delete_data: bool,
}

impl Case {
    fn selection(&self) -> Selection {
        let Some(words) = &self.selection else {
            return Selection::All;
        };
        let mut part = Part::default();
        for word in words {
            if word.contains('=') {
                part.labels = Some(LabelSelector::parse(word).expect("a label selector"));
            } else if word.contains('/') {
                part.objects.push(word.clone());
            } else {
                part.phases.push(word.clone());
            }
        }
        Selection::Only(part)
    }
}

impl World {
    fn of(case: &Case) -> Self {
        let desired = desired_state(&case.desired, phases(&case.phases));
        let mut there = live(&case.live);
        for id in desired.objects.keys() {
            if matches!(there.seen(id), Seen::Unasked) {
                there.note(id.clone(), Seen::Absent);
            }
        }
        let unsettled = case
            .unsettled
            .as_ref()
            .map(|unsettled| unsettled.read(&there));
        Self {
            history: ReleaseHistory {
                heads: Vec::new(),
                records: records(&case.records, &desired, &there),
                unsettled,
            },
            desired,
            live: there,
            selection: case.selection(),
            delete_data: case.delete_data,
        }
    }

    fn decide(&self, case: &Case) -> Vec<Decision> {
        self.decide_by(Operation::Deploy, case)
    }

    fn decide_by(&self, operation: Operation, case: &Case) -> Vec<Decision> {
        let records = &self.history.records;
        let mut decisions = decisions::decide(&self.desired, &self.live, records, &self.selection);
        self.decide_hooks(operation, &mut decisions);
        let is_decision =
            |(_, said): &(&String, &String)| *said != "dead" && !said.starts_with("expected in ");
        for (name, said) in case.decisions.iter().filter(is_decision) {
            let decided = decisions
                .iter_mut()
                .find(|decision| decision.id == id(name))
                .unwrap_or_else(|| panic!("nothing is decided about {name}"));
            match said.split(' ').collect::<Vec<_>>().as_slice() {
                ["replace"] => decided.action = ChangeAction::Replace,
                ["forced"] => decided.force = true,
                ["freed", "by", holder] => decided.freed_by.push(id(holder)),
                ["replace,", "grow", claim, "to", size] => {
                    decided.action = ChangeAction::Replace;
                    decided.expansions.push(Expansion {
                        claim: id(claim),
                        size: (*size).to_owned(),
                    });
                }
                _ => panic!("`{said}` is no decision"),
            }
        }
        decisions
    }

    fn decide_hooks(&self, operation: Operation, decisions: &mut [Decision]) {
        let unsettled = self.history.unsettled.as_ref();
        let history = HookHistory {
            live: &self.live,
            records: unsettled.map_or(&self.history.records, |unsettled| &unsettled.records),
            is_unsettled: unsettled.is_some(),
            operation,
        };
        hooks::decide_hooks(&self.desired, decisions, history);
    }

    /// What becomes of `candidates`.
    fn prune(&self, candidates: Vec<PruneCandidate>, await_terminating: bool) -> PrunePlan {
        plan_prune(
            candidates,
            &PruneInput {
                live: &self.live,
                records: &self.history.records,
                unsettled: self.history.unsettled.as_ref(),
                manager: &manager(),
                delete_data: self.delete_data,
                await_terminating,
                operation: Operation::Deploy,
                wanted: &self.desired,
            },
        )
    }

    fn unwanted(&self) -> Vec<PruneCandidate> {
        unwanted(&self.desired, &self.history, &self.selection, &self.live)
    }
}

impl Unsettled {
    fn read(&self, live: &Live) -> UnsettledRevision {
        let nothing = desired_state(&Written::new(), Vec::new());
        let snapshot = snapshot(&self.snapshot);
        UnsettledRevision {
            told: ChangeLog::default(),
            traces: changes(&self.changes, &snapshot, live),
            program: steps(&self.program),
            records: records(&self.records, &nothing, live),
            snapshot,
            ..UnsettledRevision::default()
        }
    }
}

/// What was there before.
pub(super) fn snapshot(written: &Written) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (name, object) in written {
        let id = id(name);
        let before = match object {
            Value::Null => None,
            object => Some(Arc::new(stored(&id, object))),
        };
        snapshot.note(id, before);
    }
    snapshot
}

/// What was done, as `created UID`, `changed`, `deleted`, `unconfirmed` and `recreated UID`, with
/// commas between them. What was changed is what differs now.
pub(super) fn changes(
    written: &IndexMap<String, String>,
    snapshot: &Snapshot,
    live: &Live,
) -> ChangeLog {
    let mut log = ChangeLog::default();
    for (name, said) in written {
        let id = id(name);
        let done = log.of(&id);
        for words in said.split(", ") {
            match words.split(' ').collect::<Vec<_>>().as_slice() {
                ["created", uid] => done.created.push((*uid).to_owned()),
                ["changed"] => {
                    let (before, now) = (snapshot.object(&id), live.object(&id));
                    let (before, now) = before.zip(now).expect("it is there, and was");
                    done.changed = crate::ownership::changed_paths(before, now);
                }
                ["deleted"] => done.deleted = true,
                ["of", owner, "uid", uid] => {
                    done.dependent = Some(Dependent {
                        uid: (*uid).to_owned(),
                        owner: self::id(owner),
                    });
                }
                ["unconfirmed"] => done.unconfirmed = true,
                ["recreated", uid] => done.recreated = Some((*uid).to_owned()),
                _ => panic!("`{words}` is nothing that is done"),
            }
        }
    }
    log
}

/// What is decided about what is wanted.
pub(in crate::engine::plan::tests) fn decide(text: &str) -> String {
    let case: Case = read(text);
    decided(&World::of(&case).decide(&case))
}

/// What is decided about what is wanted by whoever goes back.
pub(in crate::engine::plan::tests) fn decide_back(text: &str) -> String {
    let case: Case = read(text);
    decided(&World::of(&case).decide_by(Operation::Rollback, &case))
}

fn decided(decisions: &[Decision]) -> String {
    let mut text = String::new();
    for decision in decisions {
        let action = match decision.action {
            ChangeAction::Create => "create",
            ChangeAction::Change => "change",
            ChangeAction::Replace => "replace",
            ChangeAction::Keep => "keep",
        };
        let _ = write!(text, "{action} {}", printed::name(&decision.id));
        if decision.terminating {
            text.push_str(" once it is gone");
        }
        if let Some(remark) = &decision.remark {
            let _ = write!(text, ": {remark}");
        }
        text.push('\n');
    }
    text
}

/// The program that brings what is wanted, and removes what is not any more.
pub(in crate::engine::plan::tests) fn deploy(text: &str) -> String {
    let case: Case = read(text);
    let world = World::of(&case);
    let pruning = world.prune(world.unwanted(), false);
    let dead = case.decisions.iter().filter(|(_, said)| *said == "dead");
    let expected = case.decisions.iter().filter_map(|(name, said)| {
        let phase = said.strip_prefix("expected in ")?;
        Some((PhaseId::declared(phase), id(name)))
    });
    let program = plan_deploy(&DeployInput {
        wanted: &world.desired,
        decisions: &world.decide(&case),
        removals: &pruning.removals,
        live: &world.live,
        records: &world.history.records,
        selection: &world.selection,
        dead_webhooks: &dead.map(|(name, _)| id(name)).collect(),
        expected: &expected.collect::<Vec<_>>(),
    });
    printed::program(&program)
}

/// What becomes of what is not wanted any more.
pub(in crate::engine::plan::tests) fn prune(text: &str) -> String {
    let world = World::of(&read(text));
    pruned(&world.prune(world.unwanted(), false))
}

/// What becomes of everything that is there, as objects that nobody remembers.
pub(in crate::engine::plan::tests) fn orphans(text: &str) -> String {
    let world = World::of(&read(text));
    let ids = world.live.present().map(|(id, _)| id.clone());
    let mut candidates: Vec<PruneCandidate> = ids.map(|id| (id, PhaseId::Orphans)).collect();
    candidates.sort();
    let mut plan = world.prune(candidates, true);
    give_up_foreign(&mut plan, &world.live, &manager());
    pruned(&plan)
}

fn pruned(plan: &PrunePlan) -> String {
    let mut text = String::new();
    for removal in &plan.removals {
        let how = match removal.how {
            RemovalMode::Delete { .. } => "delete",
            RemovalMode::GiveUp => "release",
        };
        let spares = match removal.how {
            RemovalMode::Delete {
                belongings: Belongings::TakenOverStays,
                ..
            } => ", what it has taken over stays",
            _ => "",
        };
        let name = printed::name(&removal.id);
        let _ = writeln!(text, "{how} {name} of {}{spares}", removal.phase);
    }
    for (id, why) in &plan.retained {
        let _ = writeln!(text, "keep {}: {why}", printed::name(id));
    }
    let data: Vec<ObjectId> = plan.data().cloned().collect();
    for (what, ids) in [
        ("forget", &plan.gone),
        ("go on remembering", &plan.hidden),
        ("data that goes:", &data),
    ] {
        for id in ids {
            let _ = writeln!(text, "{what} {}", printed::name(id));
        }
    }
    text
}

/// What is wanted, by itself.
pub(in crate::engine::plan::tests) fn wanted(text: &str) -> Vec<DesiredObject> {
    let desired = desired_state(&read(text), Vec::new());
    desired.objects.into_values().collect()
}

/// The program that takes everything down that is remembered, with the hooks of what was wanted, and
/// its phases.
pub(in crate::engine::plan::tests) fn remove(text: &str) -> String {
    let case: Case = read(text);
    let mut world = World::of(&case);
    let stored: Vec<DesiredObject> = world.desired.objects.values().cloned().collect();
    let is_known =
        |id: &ObjectId| world.history.records.get(id).is_some() || world.live.object(id).is_some();
    let stored = hooks::hooks_of_brought(stored.clone(), &stored, is_known);
    let unsettled = world.history.unsettled.as_ref();
    let earlier = case.unsettled.iter().flat_map(|it| &it.earlier);
    let mut programs: Vec<Program> = earlier.map(|program| steps(program)).collect();
    programs.extend(unsettled.map(|it| it.program.clone()));
    let has_begun = unsettled.is_some_and(|it| {
        let mut programs = programs.iter();
        programs.any(|program| has_begun_to_delete(program, &it.traces, &world.live))
    });
    let hooks = hooks::deletion_hooks(&stored, has_begun).into_iter();
    world.desired.objects = hooks.map(|hook| (hook.object.id.clone(), hook)).collect();
    let decisions = world.decide_by(Operation::Remove, &Case::default());
    let plan = world.prune(written(&world.history), true);
    let patience = std::time::Duration::from_mins(1);
    let input = RemovalInput {
        wanted: &world.desired,
        decisions: &decisions,
        removals: &plan.removals,
        live: &world.live,
    };
    let order: Vec<String> = removal_phases(&input, patience)
        .iter()
        .map(|phase| format!("{} ({})", phase.id, phase.objects))
        .collect();
    let program = plan_removal(&input);
    let kept = PrunePlan {
        removals: Vec::new(),
        ..plan
    };
    let order = match order.as_slice() {
        [] => "none".to_owned(),
        order => order.join(", "),
    };
    format!(
        "phases: {order}\n{}{}",
        pruned(&kept),
        printed::program(&program)
    )
}

/// The program that runs the tests of what was wanted.
pub(in crate::engine::plan::tests) fn test(text: &str) -> String {
    let mut world = World::of(&read(text));
    let stored: Vec<DesiredObject> = world.desired.objects.values().cloned().collect();
    let tests = hooks::test_hooks(&stored).into_iter();
    world.desired.objects = tests.map(|hook| (hook.object.id.clone(), hook)).collect();
    let decisions = world.decide_by(Operation::Verify, &Case::default());
    printed::program(&plan_tests(&world.desired, &decisions, &world.live))
}

/// What is deleted of hooks where some have failed; what is there and has not is as it should be.
pub(in crate::engine::plan::tests) fn cleanup(text: &str) -> String {
    let case: Case = read(text);
    let world = World::of(&case);
    let unsettled = world.history.unsettled.unwrap_or_default();
    let failed = case
        .unsettled
        .iter()
        .flat_map(|unsettled| &unsettled.failed);
    let failed = failed.map(|name| id(name)).collect();
    let is_there = |id: &ObjectId| world.live.object(id).is_some();
    printed::program(&plan_cleanup(
        &world.desired,
        (&unsettled.traces, &world.live),
        &failed,
        is_there,
    ))
}

/// What is decided once it is known which workloads restart because their configuration changes.
pub(in crate::engine::plan::tests) fn restart(text: &str) -> String {
    let case: Case = read(text);
    let mut world = World::of(&case);
    config_restart::preserve_restart_annotation(&mut world.desired, &world.live);
    // What was sent last had the annotation that is there.
    world.history.records = records(&case.records, &world.desired, &world.live);
    let mut decisions = world.decide(&case);
    let tried: Vec<DryRun> = decisions
        .iter()
        .map(|decision| {
            let sent = world.desired.objects[&decision.id].sent();
            let stored = world.live.object(&decision.id).map(|there| {
                let mut stored = sent.clone();
                stored["metadata"]["uid"] = there["metadata"]["uid"].clone();
                Box::new(stored)
            });
            DryRun::Taken(stored)
        })
        .collect();
    let untried = config_restart::restart(
        &mut world.desired,
        &mut decisions,
        &tried,
        &world.history,
        &world.live,
    );
    let mut text = decided(&decisions);
    for (id, object) in &world.desired.objects {
        let annotations = object.sent().pointer("/spec/template/metadata/annotations");
        let annotation =
            annotations.and_then(|annotations| annotations["deployctl.dev/config-digest"].as_str());
        let value = match annotation {
            None => continue,
            Some(digest) if digest.len() == 32 => "a digest",
            Some(written) => written,
        };
        let _ = writeln!(text, "annotation of {}: {value}", printed::name(id));
    }
    if !untried.is_empty() {
        let _ = writeln!(text, "to be tried: {}", printed::names(&untried));
    }
    text
}

/// What becomes of the claims of each StatefulSet that is wanted.
pub(in crate::engine::plan::tests) fn grow(text: &str) -> String {
    let mut world = World::of(&read(text));
    let mut text = String::new();
    let claims: Vec<_> = world
        .live
        .present()
        .filter(|(id, _)| id.is_claim())
        .collect();
    for (id, object) in &world.desired.objects {
        let Some(there) = world.live.object(id) else {
            continue;
        };
        let name = printed::name(id);
        let _ = writeln!(text, "{name}: {:?}", templates(object.sent(), there));
        let mut claims: Vec<_> = claims.iter().map(|(_, claim)| Arc::clone(claim)).collect();
        claims.sort_by_key(ToString::to_string);
        for (Expansion { claim, size }, _) in growing(object, claims) {
            let _ = writeln!(text, "{} to {size}", printed::name(&claim));
        }
    }
    keep_sizes(&mut world.desired, &world.live);
    for (id, object) in &world.desired.objects {
        let sizes: Vec<&str> = claim_templates(object.sent())
            .iter()
            .filter_map(|template| {
                template
                    .pointer("/spec/resources/requests/storage")?
                    .as_str()
            })
            .collect();
        let name = printed::name(id);
        let _ = writeln!(text, "{name} going back: {}", sizes.join(", "));
    }
    text
}
