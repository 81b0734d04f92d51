//! Arguments that several commands share: the same flag means the same everywhere.

use std::path::PathBuf;

/// Which plan, which environment, with which variables.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PlanArguments {
    /// Plan: its name or path; need not be given where the nearest `plans/` folder upwards holds exactly one
    #[arg(env = "DEPLOYCTL_PLAN")]
    pub(crate) plan: Option<String>,
    /// Environment of the plan
    #[arg(short, long, env = "DEPLOYCTL_ENV")]
    pub(crate) env: Option<String>,
    /// Value of a variable, stronger than the environment's
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Namespace that revisions are kept in
    #[arg(long, env = "DEPLOYCTL_STATE_NAMESPACE", hide = true)]
    pub(crate) state_namespace: Option<String>,
}

/// Which cluster.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ClusterArguments {
    /// Context of the kubeconfig; by default its current one
    #[arg(long, env = "DEPLOYCTL_CONTEXT")]
    pub(crate) context: Option<String>,
    /// Path of the kubeconfig, instead of `KUBECONFIG` or `~/.kube/config`
    #[arg(long, env = "DEPLOYCTL_KUBECONFIG", value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}
