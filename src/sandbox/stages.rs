//! The stages by which kwok plays kubelets and controllers.

/// The stages that play kubelets, volumes, load balancers and ingress controllers.
const CORE: [&str; 5] = [
    include_str!("stages/node.yaml"),
    include_str!("stages/pod.yaml"),
    include_str!("stages/pod-faults.yaml"),
    include_str!("stages/volume.yaml"),
    include_str!("stages/network.yaml"),
];

/// The configuration of the kwok that plays the kubelets.
pub(super) fn core() -> String {
    CORE.join("\n---\n")
}
