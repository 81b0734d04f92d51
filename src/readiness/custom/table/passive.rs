//! Kinds that are ready as soon as they are stored, although their definitions have a status
//! subresource: their controllers read them and write nothing, or write only once they are used.
//!
//! Where a later version of the controller does write a status, that is judged by the general rule.

use crate::readiness::custom::{
    row::{Row, row},
    step::{Outcome::Late, Step, flag, says, stored},
};

/// By its status, where a version of its controller writes one; else ready when stored.
const PASSIVE: &[Step] = &[Step::General, stored()];

pub(super) const ROWS: &[Row] = &[
    // Read by the operator when it starts. <https://opensource.zalando.com/postgres-operator/>
    row(
        "acid.zalan.do",
        &["OperatorConfiguration", "PostgresTeam"],
        PASSIVE,
    ),
    // Its status tells of recovery windows, after the first backup.
    // <https://cloudnative-pg.io/plugin-barman-cloud/docs/object_stores/>
    row("barmancloud.cnpg.io", &["ObjectStore"], PASSIVE),
    // Cluster-wide settings; their status is empty or tells what other operators made of them.
    // <https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/config_apis/>
    row(
        "config.openshift.io",
        &[
            "APIServer",
            "Authentication",
            "Build",
            "Console",
            "DNS",
            "FeatureGate",
            "Image",
            "Infrastructure",
            "Ingress",
            "Network",
            "OAuth",
            "Project",
            "Proxy",
            "Scheduler",
        ],
        PASSIVE,
    ),
    // How the operator itself is set up. Its own objects may say `healthy`.
    // <https://cloud.google.com/config-connector/docs/how-to/customize-controller-manager-rate-limit>
    row(
        "*core.cnrm.cloud.google.com",
        &[
            "ControllerReconciler",
            "ControllerResource",
            "MutatingWebhookConfigurationCustomization",
            "NamespacedControllerReconciler",
            "NamespacedControllerResource",
            "ServiceMapping",
            "ValidatingWebhookConfigurationCustomization",
        ],
        &[flag("/status/healthy", false, Late), stored()],
    ),
    // Read by each Gateway that names it. <https://gateway.envoyproxy.io/docs/api/extension_types/#envoyproxy>
    row("gateway.envoyproxy.io", &["EnvoyProxy"], PASSIVE),
    // <https://karpenter.sh/docs/upgrading/v1beta1-migration/>
    row("karpenter.k8s.aws", &["AWSNodeTemplate"], PASSIVE),
    // Its status is an empty type. <https://kueue.sigs.k8s.io/docs/concepts/resource_flavor/>
    row("kueue.x-k8s.io", &["ResourceFlavor"], PASSIVE),
    // Applied to pods when they are created. <https://www.kubeflow.org/docs/components/notebooks/>
    row("kubeflow.org", &["PodDefault"], PASSIVE),
    // Their status tells of the last run. <https://kyverno.io/docs/policy-types/cleanup-policy/>
    row(
        "kyverno.io",
        &["CleanupPolicy", "ClusterCleanupPolicy", "PolicyException"],
        PASSIVE,
    ),
    // <https://metallb.io/apis/>
    row(
        "metallb.io",
        &[
            "AddressPool",
            "BFDProfile",
            "BGPAdvertisement",
            "BGPPeer",
            "Community",
            "IPAddressPool",
            "L2Advertisement",
        ],
        PASSIVE,
    ),
    // A claim is an entry that DomainMappings look up; the others have no controller.
    // <https://knative.dev/docs/serving/services/custom-domains/>
    row(
        "networking.internal.knative.dev",
        &["ClusterDomainClaim", "Domain", "Realm"],
        PASSIVE,
    ),
    // Written for scrape and rule objects since 0.51 of the operator, and never before.
    // <https://docs.victoriametrics.com/operator/changelog/>
    row(
        "operator.victoriametrics.com",
        &[
            "VMAlertmanagerConfig",
            "VMNodeScrape",
            "VMPodScrape",
            "VMProbe",
            "VMRule",
            "VMScrapeConfig",
            "VMServiceScrape",
            "VMStaticScrape",
            "VMUser",
        ],
        PASSIVE,
    ),
    // <https://gitops-promoter.readthedocs.io/en/latest/>
    row(
        "promoter.argoproj.io",
        &["ControllerConfiguration", "RevertCommit"],
        PASSIVE,
    ),
    // Their status was an empty type for years. <https://redis-operator.opstree.dev/>
    row(
        "redis.redis.opstreelabs.in",
        &["Redis", "RedisReplication", "RedisSentinel"],
        PASSIVE,
    ),
    // Its status lists the nodes that have mounted it.
    // <https://secrets-store-csi-driver.sigs.k8s.io/concepts>
    row(
        "secrets-store.csi.x-k8s.io",
        &["SecretProviderClass"],
        PASSIVE,
    ),
    // <https://github.com/k8snetworkplumbingwg/sriov-network-operator>
    row(
        "sriovnetwork.openshift.io",
        &[
            "SriovIBNetwork",
            "SriovNetwork",
            "SriovNetworkNodePolicy",
            "SriovNetworkPoolConfig",
        ],
        PASSIVE,
    ),
    // What runs are made of. <https://tekton.dev/docs/pipelines/tasks/>
    row(
        "tekton.dev",
        &["ClusterTask", "Pipeline", "StepAction", "Task"],
        PASSIVE,
    ),
    // What an EventListener reads. <https://tekton.dev/docs/triggers/>
    row(
        "triggers.tekton.dev",
        &[
            "ClusterInterceptor",
            "ClusterTriggerBinding",
            "Interceptor",
            "Trigger",
            "TriggerBinding",
            "TriggerTemplate",
        ],
        PASSIVE,
    ),
    // Nothing looks at where snapshots are kept until one is made.
    // <https://velero.io/docs/main/api-types/volumesnapshotlocation/>
    row(
        "velero.io",
        &["VolumeSnapshotLocation"],
        &[says("/status/phase", &["Unavailable"], Late), stored()],
    ),
];
