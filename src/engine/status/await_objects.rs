//! Waiting for objects outside any run.

use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::engine::{
    diagnose::look_into,
    events::Emitter,
    execute::wait::{FailedWait, TICK, Wait, WaitBounds, WaitFor, WaitTarget, Waiter},
    watch::cache::ResourceCache,
};
use crate::{
    cluster::{Cluster, Live, RequestError, Resource, Seen, Served},
    event::Diagnosis,
    object::ObjectId,
    plan::PhaseId,
    readiness::{Budget, Rules, State, Verdict},
};

/// What is waited for, and how long.
pub(crate) struct Awaited {
    /// The objects, each with the kind that it is read as.
    pub(crate) objects: Vec<(ObjectId, Resource)>,
    /// Until they are gone, instead of ready.
    pub(crate) gone: bool,
    /// How long at most.
    pub(crate) timeout: Duration,
    /// Rules of a plan, which come before the built-in ones.
    pub(crate) rules: Rules,
    /// How much failing is tolerated.
    pub(crate) budget: Budget,
}

/// How a wait ended.
pub(crate) struct Awaiting {
    /// The objects with their last verdicts, in the order asked for.
    pub(crate) objects: Vec<(ObjectId, Verdict)>,
    /// Why it ended before they were as awaited.
    pub(crate) diagnosis: Option<Diagnosis>,
}

/// Waits until all objects are as awaited, one of them never will be, the time is up, or
/// `interrupt` is cancelled: then `None`.
///
/// Each object is read once; what is not as awaited then is watched. Errors are those of these
/// first reads.
pub(crate) async fn await_objects(
    cluster: &Cluster,
    served: &Served,
    awaited: Awaited,
    emitter: &Emitter,
    interrupt: &CancellationToken,
) -> Result<Option<Awaiting>, RequestError> {
    let deadline = Instant::now() + awaited.timeout;
    let reads = awaited
        .objects
        .iter()
        .map(|(id, resource)| cluster.get(resource, id.namespace.as_deref(), &id.name));
    let mut live = Live::default();
    for ((id, _), read) in awaited.objects.iter().zip(try_join_all(reads).await?) {
        live.note(
            id.clone(),
            read.map_or(Seen::Absent, |object| Seen::Present(object.into())),
        );
    }
    let cache = ResourceCache::new(cluster.clone(), served, None, &live).judging_by(awaited.rules);
    let mut waiter = Waiter::new(cache, emitter.clone());
    let until = if awaited.gone {
        WaitFor::Gone
    } else {
        WaitFor::Ready
    };
    let objects = awaited
        .objects
        .into_iter()
        .map(|(id, resource)| WaitTarget::new(id, Some(resource), &[]))
        .collect();
    let wait = Wait::new(None, &PhaseId::Unassigned, until, objects);
    let bounds = WaitBounds {
        budget: awaited.budget,
        ..WaitBounds::default()
    };
    let hopeless = waiter.begin(wait.within(bounds)).await;
    let Some(ended) = until_over(&mut waiter, hopeless, deadline, interrupt).await else {
        return Ok(None);
    };
    let objects: Vec<(ObjectId, Verdict)> = waiter.waits.iter().flat_map(Wait::verdicts).collect();
    let summary = match ended {
        Ended::AsAwaited => {
            return Ok(Some(Awaiting {
                objects,
                diagnosis: None,
            }));
        }
        Ended::Never => "waiting longer is useless".to_owned(),
        Ended::Late => format!("timed out after {} s", awaited.timeout.as_secs()),
    };
    let mut open: Vec<(ObjectId, Verdict)> = waiter.waits.iter().flat_map(Wait::not_met).collect();
    // What has failed says more than what is only not ready yet.
    open.sort_by_key(|(_, verdict)| verdict.state != State::Failed);
    let diagnosis = look_into(summary, None, &open, cluster, &mut waiter.cache).await;
    Ok(Some(Awaiting {
        objects,
        diagnosis: Some(diagnosis),
    }))
}

enum Ended {
    AsAwaited,
    Never,
    Late,
}

async fn until_over(
    waiter: &mut Waiter,
    hopeless: Vec<FailedWait>,
    deadline: Instant,
    interrupt: &CancellationToken,
) -> Option<Ended> {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hopeless = !hopeless.is_empty();
    loop {
        if waiter.waits.iter().all(Wait::is_over) {
            return Some(Ended::AsAwaited);
        }
        if hopeless {
            return Some(Ended::Never);
        }
        hopeless = tokio::select! {
            () = interrupt.cancelled() => return None,
            () = sleep_until(deadline) => return Some(Ended::Late),
            news = waiter.cache.changed() => !waiter.examine(Some(&news)).await.is_empty(),
            _ = tick.tick() => !waiter.examine(None).await.is_empty(),
        };
    }
}
