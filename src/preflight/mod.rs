//! What can be known before the first write: one file per check, each a pure function that returns
//! findings.

mod contested;
mod default_class;
mod dry_run;
mod finding;
mod immutable;
mod kinds;
mod limits;
mod nodes;
mod offline;
mod order;
mod owners;
mod ownership;
mod permission;
mod quota;
mod references;
mod refusal;
mod requirements;
mod server_warnings;
mod undecided;
mod webhook;

pub(crate) use contested::contested;
pub(crate) use default_class::{is_default_class, leaves_class_open, no_default_class};
pub(crate) use dry_run::{DryRun, judge_dry_run};
pub(crate) use finding::{Finding, refusal};
pub(crate) use immutable::{
    Immutable, immutable_fields, is_within, never_recreated, silently_kept,
};
pub(crate) use kinds::{terminating, unknown_kinds};
pub(crate) use limits::out_of_limits;
pub(crate) use nodes::{asks_for_nodes, no_node, runs_pods};
pub(crate) use offline::{Wanted, offline, offline_before_a_cluster};
pub(crate) use order::{Placed, after_absent, cut_off_hook, too_early};
pub(crate) use owners::{FoundOwner, NamedOwner, absent_owners};
pub(crate) use ownership::{Existing, held_by_other_releases, unremembered};
pub(crate) use permission::{Missing, Need, not_permitted};
pub(crate) use quota::{FoundQuota, Needed, has_ended, over_quota, scaled_between, used};
pub(crate) use references::{
    Lacking, Referrer, Surroundings, doubtful, finding as reference_finding, lacking, listed,
    remedies,
};
pub(crate) use refusal::{described, is_for_exclusive};
pub(crate) use requirements::{FoundNode, FoundTool, Provided, unmet_requirements};
pub(crate) use server_warnings::server_warnings;
pub(crate) use undecided::{
    RunObjects, is_named, is_of_admission, is_of_policy, is_over_quota, is_undecided,
};
pub(crate) use webhook::{
    FoundWebhook, ServiceState, WebhookServer, WebhookSource, dead_webhook, explained, webhook_in,
    webhook_refusal,
};
