//! The arguments of etcd and of the control plane's servers.

use std::path::Path;

use super::{home::Home, ports::Ports};

/// The arguments of each server, which are the same for every sandbox but for ports and paths.
pub(super) struct Servers<'a> {
    pub(super) home: &'a Home,
    pub(super) ports: &'a Ports,
}

impl Servers<'_> {
    fn path(&self, name: &str) -> String {
        self.home.file(name).display().to_string()
    }

    pub(super) fn etcd(&self) -> Vec<String> {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd_client());
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer());
        vec![
            format!("--data-dir={}", self.path("etcd")),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            // The data is thrown away: it need not survive a power cut.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=error".to_owned(),
        ]
    }

    pub(super) fn api_server(&self, audit_log: Option<&Path>) -> Vec<String> {
        let mut arguments = vec![
            format!(
                "--etcd-servers=http://127.0.0.1:{}",
                self.ports.etcd_client()
            ),
            "--bind-address=127.0.0.1".to_owned(),
            // Without a default route the server cannot find an address by itself.
            "--advertise-address=127.0.0.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--secure-port={}", self.ports.api_server()),
            format!("--tls-cert-file={}", self.path("pki/server.crt")),
            format!("--tls-private-key-file={}", self.path("pki/server.key")),
            format!("--client-ca-file={}", self.path("pki/ca.crt")),
            format!("--token-auth-file={}", self.path("pki/tokens.csv")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!(
                "--service-account-key-file={}",
                self.path("pki/service-account.pub")
            ),
            format!(
                "--service-account-signing-key-file={}",
                self.path("pki/service-account.key")
            ),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--allow-privileged=true".to_owned(),
            format!(
                "--kubelet-client-certificate={}",
                self.path("pki/server.crt")
            ),
            format!("--kubelet-client-key={}", self.path("pki/server.key")),
            format!(
                "--kubelet-certificate-authority={}",
                self.path("pki/ca.crt")
            ),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            // Webhooks are asked of pods that are ready, by a proxy (`webhooks/`).
            "--enable-aggregator-routing=true".to_owned(),
            format!("--egress-selector-config-file={}", self.path("egress.yaml")),
        ];
        if let Some(file) = audit_log {
            arguments.push(format!(
                "--audit-policy-file={}",
                self.path("audit-policy.yaml")
            ));
            arguments.push(format!("--audit-log-path={}", file.display()));
            // Megabytes; whoever counts requests wants one file.
            arguments.push("--audit-log-maxsize=4096".to_owned());
        }
        arguments
    }

    pub(super) fn controller_manager(&self) -> Vec<String> {
        vec![
            format!(
                "--kubeconfig={}",
                self.path("pki/controller-manager.kubeconfig")
            ),
            "--secure-port=0".to_owned(),
            "--leader-elect=false".to_owned(),
            "--use-service-account-credentials".to_owned(),
            format!(
                "--service-account-private-key-file={}",
                self.path("pki/service-account.key")
            ),
            format!("--root-ca-file={}", self.path("pki/ca.crt")),
            format!("--cluster-signing-cert-file={}", self.path("pki/ca.crt")),
            format!("--cluster-signing-key-file={}", self.path("pki/ca.key")),
            // With the default limits everything takes seconds longer.
            "--kube-api-qps=300".to_owned(),
            "--kube-api-burst=600".to_owned(),
            // An autoscaler is looked at for the first time one period after it was made: 15 s by
            // default.
            "--horizontal-pod-autoscaler-sync-period=1s".to_owned(),
        ]
    }

    pub(super) fn scheduler(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.path("pki/scheduler.kubeconfig")),
            "--secure-port=0".to_owned(),
            "--leader-elect=false".to_owned(),
        ]
    }

    pub(super) fn kwok(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.path("pki/kwok.kubeconfig")),
            "--manage-all-nodes=true".to_owned(),
            "--node-lease-duration-seconds=40".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
            format!("--node-port={}", self.ports.kubelet_port()),
            format!("--server-address=127.0.0.1:{}", self.ports.kwok()),
            format!("--config={}", self.path("stages.yaml")),
        ]
    }
}
