//! Objects: their identity, where they were written down, and access to what is inside them.

mod chart;
mod claim;
mod condition;
mod definition;
mod digest;
mod exclusive;
pub(crate) mod field;
mod field_path;
mod filled_in;
mod hint;
mod id;
mod kind;
mod kind_names;
mod label_selector;
mod marks;
mod needs;
mod origin;
mod peers;
mod pod;
mod problem;
mod provided;
mod quantity;
mod references;
mod scope;
mod text;
mod view;

pub(crate) use chart::{ChartChange, ChartPart, Hook, HookEvent, HookResult, HookStage};
pub(crate) use claim::is_unbound_claim;
pub(crate) use condition::{Condition, Truth};
pub(crate) use definition::Definition;
pub(crate) use digest::Digest;
pub(crate) use exclusive::{exclusive, without_exclusive};
pub(crate) use field_path::FieldPath;
pub(crate) use filled_in::{
    filled_in_annotations, filled_in_paths, is_filled_in_annotation, remove_filled_in,
};
pub(crate) use hint::PhaseHint;
pub(crate) use id::{ObjectId, group_of};
pub(crate) use kind::HasKind;
pub(crate) use label_selector::LabelSelector;
pub(crate) use marks::{AnnotatedMarks, CONFIG_DIGEST, Marks, RollbackMark};
pub(crate) use needs::{
    Amounts, ContainerDefaults, add_amounts, pod_needs, pod_resources, quantities, raise,
    shown_amount,
};
pub(crate) use origin::Origin;
pub(crate) use peers::{annotated_wave, keeping_annotation, unheard_annotations};
pub(crate) use pod::{
    containers, image_name, pod_spec, pod_template, pod_template_path, runs_to_completion,
};
pub(crate) use problem::Problem;
pub(crate) use provided::Provided;
pub(crate) use quantity::{amount, exceeds};
pub(crate) use references::{
    Bearing, IdleSelector, Keys, MayMake, Mention, MentionedPart, Provision, Provisions,
    References, Weight, autoscaled, configuration_read_at_start, idle_selectors, made_secret,
    mentions, nearly_selects, scale_target, selects, unmet_port_names,
};
pub(crate) use scope::{KnownScopes, Scope, ScopeLookup, StatusField, is_built_in_group};
pub(crate) use text::{neutralise, one_line, quoted};
pub(crate) use view::{ManifestView, Owner, strip_managed_fields};

use std::sync::Arc;

use serde_json::Value;

/// One rendered manifest. Never changed after rendering.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// Group, kind, namespace and name.
    pub(crate) id: ObjectId,
    /// `apiVersion` as written, for example `apps/v1`.
    pub(crate) api_version: String,
    /// The manifest as it will be sent, without our own label.
    pub(crate) body: Arc<Value>,
    /// Where it was written down.
    pub(crate) origin: Origin,
}
