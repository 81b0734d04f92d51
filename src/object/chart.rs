//! What an object is in the chart that it comes from.

/// The part that an object has in a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChartPart {
    /// The chart, told from all others of the plan.
    pub(crate) chart: String,
    /// When it is run, where it is a hook.
    pub(crate) hook: Option<Hook>,
}

/// When a hook of a chart is run.
/// <https://helm.sh/docs/topics/charts_hooks/>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hook {
    /// Before the chart's objects are written, or once they are ready.
    pub(crate) stage: HookStage,
    /// Hooks with a lower one are ready before it.
    pub(crate) weight: i64,
    /// Whether it is run where nothing of the chart has been deployed yet.
    pub(crate) on_install: bool,
    /// Whether it is run where something of the chart changes.
    pub(crate) on_upgrade: bool,
}

/// On which side of a chart's objects a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HookStage {
    /// Before them.
    Before,
    /// After them.
    After,
}

impl ChartPart {
    /// Its place in the order of its chart: all with a lower one come before it.
    pub(crate) fn rank(&self) -> (i8, i64) {
        match self.hook {
            Some(hook) if hook.stage == HookStage::Before => (-1, hook.weight),
            None => (0, 0),
            Some(hook) => (1, hook.weight),
        }
    }
}
