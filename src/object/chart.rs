//! What an object is in the chart that it comes from.

use serde::{Deserialize, Serialize};

use super::ObjectId;

/// The order of kinds in which Helm runs hooks that agree in weight and name; others come last.
/// <https://github.com/helm/helm/blob/main/pkg/release/v1/util/kind_sorter.go>
const KINDS: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The part that an object has in a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChartPart {
    /// The chart, told from all others of the plan.
    pub(crate) chart: String,
    /// When it is run, where it is a hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hook: Option<Hook>,
}

/// What a chart runs around its installation, its changes and its deletion.
/// <https://helm.sh/docs/topics/charts_hooks/>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hook {
    /// When it is run: sorted, each once.
    pub(crate) events: Vec<HookEvent>,
    /// Hooks with a lower one have ended before it.
    pub(crate) weight: i64,
    /// How it has to end to be deleted then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deleted_on: Vec<HookResult>,
}

/// When a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HookEvent {
    /// Before the chart is installed.
    PreInstall,
    /// Once it is.
    PostInstall,
    /// Before something of it changes.
    PreUpgrade,
    /// Once it has.
    PostUpgrade,
    /// Before it goes back to an earlier revision.
    PreRollback,
    /// Once it has.
    PostRollback,
    /// Before it is deleted.
    PreDelete,
    /// Once it is.
    PostDelete,
    /// When somebody asks for it.
    Test,
}

/// How a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HookResult {
    /// It has become ready, or has done its work.
    Succeeded,
    /// It has not, and will not.
    Failed,
}

/// What is done to a chart, with hooks before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChartChange {
    /// Nothing of it was there.
    Install,
    /// Something of it changes.
    Upgrade,
    /// Somebody goes back to an earlier revision of it.
    Rollback,
    /// It is deleted.
    Delete,
    /// It is tested.
    Test,
}

/// On which side of a chart's objects a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HookStage {
    /// Before them.
    Before,
    /// After them.
    After,
}

impl ChartChange {
    /// What brings a chart to the cluster.
    const BRINGING: [Self; 3] = [Self::Install, Self::Upgrade, Self::Rollback];

    fn events(self) -> [HookEvent; 2] {
        match self {
            Self::Install => [HookEvent::PreInstall, HookEvent::PostInstall],
            Self::Upgrade => [HookEvent::PreUpgrade, HookEvent::PostUpgrade],
            Self::Rollback => [HookEvent::PreRollback, HookEvent::PostRollback],
            Self::Delete => [HookEvent::PreDelete, HookEvent::PostDelete],
            Self::Test => [HookEvent::Test, HookEvent::Test],
        }
    }
}

impl Hook {
    /// Whether it is run around `change`.
    pub(crate) fn is_run_at(&self, change: ChartChange) -> bool {
        change.events().iter().any(|event| self.is_run_on(*event))
    }

    /// Whether it is run at `event`.
    fn is_run_on(&self, event: HookEvent) -> bool {
        self.events.contains(&event)
    }

    /// Whether it is run where the chart is brought to the cluster.
    pub(crate) fn is_brought(&self) -> bool {
        ChartChange::BRINGING.iter().any(|it| self.is_run_at(*it))
    }

    /// Whether it is also run later, by what has no chart any more: where it is deleted, or tested.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_run_at(ChartChange::Delete) || self.is_run_at(ChartChange::Test)
    }

    /// Whether it is deleted where it ended like this.
    pub(crate) fn is_deleted_on(&self, result: HookResult) -> bool {
        self.deleted_on.contains(&result)
    }

    /// Where it is run when the chart is brought: what hooks of both sides of one change lean on has
    /// to be there for the first of them. One that comes after an installation and before an upgrade
    /// needs what the chart has made.
    pub(crate) fn stage(&self) -> HookStage {
        self.stage_among(&ChartChange::BRINGING)
    }

    /// Where it is run when the chart is deleted.
    pub(crate) fn stage_of_deletion(&self) -> HookStage {
        self.stage_among(&[ChartChange::Delete])
    }

    /// Whether it is run on both sides of bringing the chart.
    pub(crate) fn is_of_both(&self) -> bool {
        self.is_of_both_among(&ChartChange::BRINGING)
    }

    /// Whether it is run on both sides of deleting the chart.
    pub(crate) fn is_of_both_of_deletion(&self) -> bool {
        self.is_of_both_among(&[ChartChange::Delete])
    }

    fn is_of_both_among(&self, changes: &[ChartChange]) -> bool {
        let mut events = changes.iter().map(|change| change.events());
        events.any(|events| events.iter().all(|event| self.is_run_on(*event)))
    }

    fn stage_among(&self, changes: &[ChartChange]) -> HookStage {
        let mut events = changes.iter().map(|change| change.events());
        let is_after = events.any(|[_, after]| self.is_run_on(after));
        if is_after && !self.is_of_both_among(changes) {
            HookStage::After
        } else {
            HookStage::Before
        }
    }
}

impl ChartPart {
    /// The side of its chart's objects that it is on: -1 before them, 1 after them.
    pub(crate) fn side(&self) -> i8 {
        match self.hook.as_ref().map(Hook::stage) {
            Some(HookStage::Before) => -1,
            None => 0,
            Some(HookStage::After) => 1,
        }
    }

    /// The place of the hook `id` among those that are run on its side, one after the other: by weight,
    /// then by name, then by kind, as Helm has it.
    /// <https://github.com/helm/helm/blob/main/pkg/action/hooks.go>
    pub(crate) fn place<'a>(&self, id: &'a ObjectId) -> (i64, &'a str, usize, &'a ObjectId) {
        let weight = self.hook.as_ref().map_or(0, |hook| hook.weight);
        let kind = KINDS.iter().position(|kind| *kind == id.kind);
        (weight, &id.name, kind.unwrap_or(KINDS.len()), id)
    }
}
