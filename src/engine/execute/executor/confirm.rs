//! The last look before a run is called good: what had become ready may have failed, or be gone,
//! since its phase ended. The watches know; what none of them tells of is looked for once where the run
//! has lasted for more than a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Executor;
use crate::engine::execute::{
    policy::{OnFault, StopReason},
    wait::{TICK, WaitFor},
};
use crate::{
    cluster::Resource,
    object::ObjectId,
    readiness::Verdict,
    release::{StepId, Work},
};

/// How long an object may be gone: a LIST that a watch begins anew with may be older than the
/// object, which the watch then brings, and some controllers delete what they create anew.
const GONE_AFTER: Duration = Duration::from_secs(5);

/// What was there so short a time ago is taken to be there.
const A_MOMENT: Duration = Duration::from_secs(3);

impl Executor<'_> {
    /// Makes sure that everything that had become ready is so still, as far as watches have told, and
    /// that what was written and none of them tells of is there. What is on its way once more is
    /// waited for as long as its phase may take; what is gone ends the run.
    ///
    /// On the way back nothing is waited for: another look proves that everything is as it was.
    pub(super) async fn confirm(&mut self, deadline: Instant) -> Result<(), StopReason> {
        if self.control.on_fault == OnFault::GoOn {
            return Ok(());
        }
        // What has been told already, and was not looked at, because the last step had ended.
        let _ = self.waiter.cache.changed().now_or_never();
        self.check_unwatched().await?;
        for (step, objects) in self.fallen() {
            self.wait_once_more(step, &objects).await?;
        }
        let mut tick = tokio::time::interval(TICK);
        let (interrupt, fenced) = (self.control.interrupt.clone(), self.control.fenced.clone());
        while !self.waiter.waits.is_empty() {
            tokio::select! {
                () = interrupt.cancelled() => return Err(StopReason::Interrupted),
                () = fenced.cancelled() => return Err(StopReason::Fenced),
                news = self.waiter.cache.changed() => self.examine_waits(Some(&news)).await?,
                _ = tick.tick() => {
                    self.examine_waits(None).await?;
                    self.check_gone()?;
                    self.check_confirmed(deadline)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the run where something is gone that was ready when it was stored, so that no watch tells
    /// of it.
    async fn check_unwatched(&mut self) -> Result<(), StopReason> {
        let unwatched = self.unwatched();
        let cache = &self.waiter.cache;
        let looked = async {
            let gone = cache.gone(unwatched).await;
            if gone.is_empty() {
                return gone;
            }
            tokio::time::sleep(GONE_AFTER).await;
            cache.gone(gone).await
        };
        let mut gone = tokio::select! {
            () = self.control.interrupt.cancelled() => return Err(StopReason::Interrupted),
            () = self.control.fenced.cancelled() => return Err(StopReason::Fenced),
            gone = looked => gone,
        };
        gone.sort_by(|(left, _), (right, _)| left.cmp(right));
        let Some((first, _)) = gone.first() else {
            return Ok(());
        };
        let (step, _) = self.answers.stored[first];
        let phase = self.program.steps[step].phase.clone();
        let gone: Vec<_> = gone.into_iter().map(|(id, _)| id).collect();
        for id in &gone {
            self.waiter.cache.removed(id);
        }
        let objects = gone.into_iter().map(|id| (id, Verdict::deleted()));
        Err(StopReason::Failed {
            phase,
            objects: objects.collect(),
            open: Vec::new(),
        })
    }

    /// What was stored more than a moment ago and is not watched. It is not asked for again until
    /// another one has gone by.
    fn unwatched(&mut self) -> Vec<(ObjectId, Resource)> {
        let (waiter, writer) = (&self.waiter, &self.writer);
        let is_unwatched = |id: &ObjectId| {
            let cache = &waiter.cache;
            !cache.is_followed(id) && !waiter.is_done(id) && cache.is_labelled(id)
        };
        let stored = self.answers.stored.iter_mut();
        let unwatched = stored
            .filter(|(id, (_, known))| known.elapsed() >= A_MOMENT && is_unwatched(id))
            .filter_map(|(id, (_, known))| {
                *known = Instant::now();
                Some((id.clone(), writer.resource(id)?.clone()))
            });
        unwatched.collect()
    }

    /// Waits for `objects` of `step` once more. What they had failed in before they became ready does
    /// not count.
    async fn wait_once_more(
        &mut self,
        step: StepId,
        objects: &[ObjectId],
    ) -> Result<(), StopReason> {
        let cache = &mut self.waiter.cache;
        let namespaces: BTreeSet<&String> = objects
            .iter()
            .filter_map(|id| id.namespace.as_ref())
            .collect();
        for namespace in namespaces {
            // How often pods were restarted is not known where they are not watched, or may not be.
            let _ = cache.list_children(namespace).await;
        }
        let now = Timestamp::now();
        let wait = self.wait(step, WaitFor::Ready, objects);
        let wait = wait.once_more(now, |id| self.waiter.cache.restarts(id, now));
        let hopeless = self.waiter.begin(wait).await;
        self.give_up(hopeless)
    }

    /// What was ready when its phase ended and is not any more, by the last step of the phase that
    /// waited for it.
    fn fallen(&self) -> BTreeMap<StepId, Vec<ObjectId>> {
        let now = Timestamp::now();
        let mut seen: BTreeSet<&ObjectId> = BTreeSet::new();
        let mut fallen: BTreeMap<StepId, Vec<ObjectId>> = BTreeMap::new();
        for (id, step) in self.program.steps.iter().enumerate().rev() {
            let Work::AwaitReady { objects, .. } = &step.work else {
                continue;
            };
            let budget = self.phases.budget(&step.phase);
            let waiter = &self.waiter;
            let is_ready = |object: &ObjectId| {
                waiter.is_done(object) || waiter.cache.judge_within(object, now, budget).passes()
            };
            let looked_at = objects.iter().filter(|object| seen.insert(object));
            let unready: Vec<ObjectId> = looked_at
                .filter(|object| !is_ready(object))
                .cloned()
                .collect();
            if !unready.is_empty() {
                fallen.insert(id, unready);
            }
        }
        fallen
    }

    /// Stops the run where something is gone: nobody creates it again.
    fn check_gone(&self) -> Result<(), StopReason> {
        for wait in &self.waiter.waits {
            let gone: Vec<_> = wait
                .gone_for(GONE_AFTER)
                .map(|id| (id.clone(), Verdict::deleted()))
                .collect();
            if !gone.is_empty() {
                return Err(StopReason::Failed {
                    phase: wait.phase.clone(),
                    open: self.open_beside(&gone),
                    objects: gone,
                });
            }
        }
        Ok(())
    }

    /// Stops the run where what is waited for once more is out of time, or the whole run is.
    fn check_confirmed(&self, deadline: Instant) -> Result<(), StopReason> {
        let whole_run = Instant::now() >= deadline;
        let mut waits = self.waiter.waits.iter();
        let Some(late) = waits.find(|wait| whole_run || wait.out_of_time().is_some()) else {
            return Ok(());
        };
        let limit = late.out_of_time().filter(|_| !whole_run);
        Err(StopReason::TimedOut {
            phase: late.phase.clone(),
            after: limit.unwrap_or(self.control.limits.timeout),
            whole_run,
            objects: late.not_met().collect(),
        })
    }
}
