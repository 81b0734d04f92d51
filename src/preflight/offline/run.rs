//! Runs all checks that need no cluster.

use super::{
    api_versions::{old_versions, removed_versions},
    autoscalers::{
        idle_autoscalers, rival_autoscalers, unused_replicas, vertical_beside_horizontal,
    },
    declared::declared_secrets,
    floating_images::floating_images,
    guessable::guessable_secrets,
    idle::idle,
    limits::limits_below_requests,
    owner_references::owner_references,
    placeholders::placeholders,
    probe_ports::probe_ports,
    selectors::mismatched_selectors,
    shared_claims::shared_claims,
    wanted::Wanted,
};
use crate::preflight::Finding;

type OfflineCheck = fn(&Wanted<'_>) -> Vec<Finding>;

const ALWAYS: [OfflineCheck; 14] = [
    placeholders,
    guessable_secrets,
    declared_secrets,
    mismatched_selectors,
    limits_below_requests,
    probe_ports,
    rival_autoscalers,
    idle_autoscalers,
    vertical_beside_horizontal,
    unused_replicas,
    shared_claims,
    floating_images,
    owner_references,
    old_versions,
];

/// What the cluster knows better, where there is one: its pods, and what it serves.
const WITHOUT_A_CLUSTER: [OfflineCheck; 2] = [idle, removed_versions];

/// What all checks find that need no cluster.
pub(crate) fn offline(wanted: &Wanted<'_>) -> Vec<Finding> {
    found(ALWAYS.iter().chain(&WITHOUT_A_CLUSTER), wanted)
}

/// The same without what the cluster will say better, which is asked next.
pub(crate) fn offline_before_a_cluster(wanted: &Wanted<'_>) -> Vec<Finding> {
    found(ALWAYS.iter(), wanted)
}

fn found<'a>(checks: impl Iterator<Item = &'a OfflineCheck>, wanted: &Wanted<'_>) -> Vec<Finding> {
    let found = checks.flat_map(|check| check(wanted));
    found
        .filter(|finding| wanted.plan.checks.tells(finding.check))
        .collect()
}
