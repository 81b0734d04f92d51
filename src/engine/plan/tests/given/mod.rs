//! What a case gives to a planner.
//!
//! Objects are named `Kind/name` where they are in namespace `shop` or in none, and
//! `Kind/namespace/name` elsewhere. Of an object a case writes what the manifest says beside its
//! name, and how the API server holds it:
//!
//! | word | meaning, and what holds where it is left out |
//! | --- | --- |
//! | `phase` | the phase that it belongs to: `apps` |
//! | `uid` | its uid: `1` |
//! | `by` | the managers that apply it; `us` is the release: `[us]` |
//! | `unlabelled` | `true`: our label is not on it |
//! | `posted` | `true`: we have written it otherwise than by apply, as a rollback does |
//! | `createdAt`, `appliedAt` | seconds: 0, and when it was created; a run that is taken back began at 9 |
//! | `deleting` | `true`: it is being deleted |
//! | `after`, `ready`, `last`, `priority`, `marks` | of what is wanted: what it needs, what must be ready, and how it is written |
//!
//! What is wanted may be a part of a chart, `chart: shop`, and a hook of it: `hook: [pre-install]` says
//! when it is run, `weight: 1` when among others, and `deletedOn: [succeeded]` when it goes.
//!
//! Pods and claims are written in short: `reads: [ConfigMap/a]` is what a container reads as its
//! environment, `image: 2` makes another template, `annotation` is that by which pods restart;
//! `claims: {data: 1Gi}` are templates of claims, and `size: 1Gi` is what a claim asks for.
//!
//! An object that is `forbidden` may not be looked at, and one that is `null` is not there.

mod back;
mod forward;
mod objects;

pub(super) use back::{revert, rollback, unserved};
pub(super) use forward::{
    cleanup, decide, decide_back, deploy, grow, orphans, prune, remove, restart, test, wanted,
};
