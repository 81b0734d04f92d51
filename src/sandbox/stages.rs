//! The stages by which kwok plays kubelets, controllers and operators.

/// The stages that play kubelets, volumes, load balancers and ingress controllers.
const CORE: [&str; 5] = [
    include_str!("stages/node.yaml"),
    include_str!("stages/pod.yaml"),
    include_str!("stages/pod-faults.yaml"),
    include_str!("stages/volume.yaml"),
    include_str!("stages/network.yaml"),
];

/// Stages that play the operator of a set of CRDs; they need those CRDs to be served.
pub(super) struct OperatorStages {
    pub(super) set: &'static str,
    /// The API that must be served, as a path.
    pub(super) api: &'static str,
    /// Their YAML.
    pub(super) stages: &'static str,
}

impl OperatorStages {
    /// The API group, for example `cert-manager.io`; the names of its CRDs end with it.
    pub(super) fn group(&self) -> &'static str {
        self.api.split('/').nth(2).unwrap_or(self.api)
    }
}

pub(super) const OPERATORS: [OperatorStages; 2] = [
    OperatorStages {
        set: "cert-manager",
        api: "/apis/cert-manager.io/v1",
        stages: include_str!("stages/cert-manager.yaml"),
    },
    OperatorStages {
        set: "prometheus-operator",
        api: "/apis/monitoring.coreos.com/v1",
        stages: include_str!("stages/prometheus-operator.yaml"),
    },
];

/// The configuration of the kwok that plays the kubelets.
pub(super) fn core() -> String {
    CORE.join("\n---\n")
}
