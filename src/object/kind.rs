//! Predicates about kinds. Always of group and kind together: others have a Service, a Job or a
//! `StatefulSet` of their own.

/// What is of a kind: an identity, a manifest, a kind that the API server serves.
pub(crate) trait HasKind {
    /// API group (empty for the core group) and kind.
    fn group_and_kind(&self) -> (&str, &str);

    /// Whether it is a Namespace.
    fn is_namespace(&self) -> bool {
        self.group_and_kind() == ("", "Namespace")
    }

    /// Whether it is a CustomResourceDefinition.
    fn is_definition(&self) -> bool {
        self.group_and_kind() == ("apiextensions.k8s.io", "CustomResourceDefinition")
    }

    /// Whether it is a Namespace or a CustomResourceDefinition: what is in it goes with it.
    fn is_container(&self) -> bool {
        self.is_namespace() || self.is_definition()
    }

    /// Whether it is a Secret.
    fn is_secret(&self) -> bool {
        self.group_and_kind() == ("", "Secret")
    }

    /// Whether it is a ConfigMap.
    fn is_config_map(&self) -> bool {
        self.group_and_kind() == ("", "ConfigMap")
    }

    /// Whether it is what pods are configured by: a ConfigMap or a Secret.
    fn is_configuration(&self) -> bool {
        self.is_config_map() || self.is_secret()
    }

    /// Whether it is a PersistentVolumeClaim.
    fn is_claim(&self) -> bool {
        self.group_and_kind() == ("", "PersistentVolumeClaim")
    }

    /// Whether it holds data: a PersistentVolumeClaim or a PersistentVolume.
    fn is_data(&self) -> bool {
        self.is_claim() || self.group_and_kind() == ("", "PersistentVolume")
    }

    /// Whether it is a StorageClass.
    fn is_storage_class(&self) -> bool {
        self.group_and_kind() == ("storage.k8s.io", "StorageClass")
    }

    /// Whether it is a Service.
    fn is_service(&self) -> bool {
        self.group_and_kind() == ("", "Service")
    }

    /// Whether it is an Event, of either API.
    fn is_event(&self) -> bool {
        matches!(self.group_and_kind(), ("" | "events.k8s.io", "Event"))
    }

    /// Whether it says what pods of its namespace get and may have: a `LimitRange` or a
    /// `ResourceQuota`.
    fn is_limit(&self) -> bool {
        matches!(self.group_and_kind(), ("", "LimitRange" | "ResourceQuota"))
    }

    /// Whether it is a `ResourceQuota`.
    fn is_quota(&self) -> bool {
        self.group_and_kind() == ("", "ResourceQuota")
    }

    /// Whether it is a `ServiceAccount`.
    fn is_service_account(&self) -> bool {
        self.group_and_kind() == ("", "ServiceAccount")
    }

    /// Whether it is a Pod.
    fn is_pod(&self) -> bool {
        self.group_and_kind() == ("", "Pod")
    }

    /// Whether it is a `PodDisruptionBudget`.
    fn is_disruption_budget(&self) -> bool {
        self.group_and_kind() == ("policy", "PodDisruptionBudget")
    }

    /// Whether it is a `CronJob`.
    fn is_cron_job(&self) -> bool {
        self.group_and_kind() == ("batch", "CronJob")
    }

    /// Whether it is a Job.
    fn is_job(&self) -> bool {
        self.group_and_kind() == ("batch", "Job")
    }

    /// Whether it is a `ReplicaSet`.
    fn is_replica_set(&self) -> bool {
        self.group_and_kind() == ("apps", "ReplicaSet")
    }

    /// Whether it is a `ReplicationController`, which came before the `ReplicaSet`.
    fn is_replication_controller(&self) -> bool {
        self.group_and_kind() == ("", "ReplicationController")
    }

    /// Whether it is a Deployment.
    fn is_deployment(&self) -> bool {
        self.group_and_kind() == ("apps", "Deployment")
    }

    /// Whether it is a `StatefulSet`.
    fn is_stateful_set(&self) -> bool {
        self.group_and_kind() == ("apps", "StatefulSet")
    }

    /// Whether it is a `StatefulSet`, or `OpenKruise`'s, which has the fields of one, and pods that are
    /// named and labelled as those of one are.
    fn is_like_stateful_set(&self) -> bool {
        matches!(
            self.group_and_kind(),
            ("apps" | "apps.kruise.io", "StatefulSet")
        )
    }

    /// Whether it is a `DaemonSet`, or `OpenKruise`'s, whose pods are labelled as those of one are.
    fn is_like_daemon_set(&self) -> bool {
        matches!(
            self.group_and_kind(),
            ("apps" | "apps.kruise.io", "DaemonSet")
        )
    }

    /// Whether it keeps pods running: a Deployment, `StatefulSet` or `DaemonSet`.
    fn is_workload(&self) -> bool {
        matches!(
            self.group_and_kind(),
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet")
        )
    }

    /// Whether it has the API server ask a webhook about each write.
    fn is_webhook_configuration(&self) -> bool {
        matches!(
            self.group_and_kind(),
            (
                "admissionregistration.k8s.io",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration"
            )
        )
    }

    /// Whether it is an `IngressClass`.
    fn is_ingress_class(&self) -> bool {
        self.group_and_kind() == ("networking.k8s.io", "IngressClass")
    }

    /// Whether it is an `APIService`.
    fn is_api_service(&self) -> bool {
        self.group_and_kind() == ("apiregistration.k8s.io", "APIService")
    }
}

/// Group and kind, where the kinds that once were in the group `extensions` are in the groups in
/// which they live today.
pub(super) fn modern<'a>(group: &'a str, kind: &'a str) -> (&'a str, &'a str) {
    match (group, kind) {
        ("extensions", "Ingress" | "NetworkPolicy") => ("networking.k8s.io", kind),
        ("extensions", _) => ("apps", kind),
        _ => (group, kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kind(&'static str, &'static str);

    impl HasKind for Kind {
        fn group_and_kind(&self) -> (&str, &str) {
            (self.0, self.1)
        }
    }

    type Predicate = fn(&Kind) -> bool;

    const PREDICATES: [(&str, Predicate); 24] = [
        ("namespace", Kind::is_namespace),
        ("definition", Kind::is_definition),
        ("container", Kind::is_container),
        ("secret", Kind::is_secret),
        ("config_map", Kind::is_config_map),
        ("configuration", Kind::is_configuration),
        ("claim", Kind::is_claim),
        ("data", Kind::is_data),
        ("storage_class", Kind::is_storage_class),
        ("ingress_class", Kind::is_ingress_class),
        ("service", Kind::is_service),
        ("event", Kind::is_event),
        ("limit", Kind::is_limit),
        ("quota", Kind::is_quota),
        ("service_account", Kind::is_service_account),
        ("pod", Kind::is_pod),
        ("job", Kind::is_job),
        ("replica_set", Kind::is_replica_set),
        ("deployment", Kind::is_deployment),
        ("stateful_set", Kind::is_stateful_set),
        ("like_stateful_set", Kind::is_like_stateful_set),
        ("like_daemon_set", Kind::is_like_daemon_set),
        ("workload", Kind::is_workload),
        ("webhook_configuration", Kind::is_webhook_configuration),
    ];

    #[test]
    fn each_kind_is_what_it_is_in_its_own_group_alone() {
        for (group, kind, is) in [
            ("", "Namespace", "namespace container"),
            (
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                "definition container",
            ),
            ("", "Secret", "secret configuration"),
            ("", "ConfigMap", "config_map configuration"),
            ("", "PersistentVolumeClaim", "claim data"),
            ("", "PersistentVolume", "data"),
            ("storage.k8s.io", "StorageClass", "storage_class"),
            ("networking.k8s.io", "IngressClass", "ingress_class"),
            ("", "Service", "service"),
            ("", "Event", "event"),
            ("events.k8s.io", "Event", "event"),
            ("", "ResourceQuota", "limit quota"),
            ("", "ServiceAccount", "service_account"),
            ("", "Pod", "pod"),
            ("batch", "Job", "job"),
            ("apps", "ReplicaSet", "replica_set"),
            ("apps", "Deployment", "deployment workload"),
            (
                "apps",
                "StatefulSet",
                "stateful_set like_stateful_set workload",
            ),
            ("apps.kruise.io", "StatefulSet", "like_stateful_set"),
            ("apps", "DaemonSet", "like_daemon_set workload"),
            ("apps.kruise.io", "DaemonSet", "like_daemon_set"),
            (
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration",
                "webhook_configuration",
            ),
            ("serving.knative.dev", "Service", ""),
            ("batch.volcano.sh", "Job", ""),
            ("projectcontour.io", "Secret", ""),
        ] {
            let true_ones: Vec<&str> = PREDICATES
                .iter()
                .filter(|(_, predicate)| predicate(&Kind(group, kind)))
                .map(|(name, _)| *name)
                .collect();
            assert_eq!(true_ones.join(" "), is, "{group}/{kind}");
        }
        assert!(Kind("apiregistration.k8s.io", "APIService").is_api_service());
    }

    #[test]
    fn kinds_of_the_group_extensions_are_where_they_live_today() {
        for (kind, group) in [
            ("Deployment", "apps"),
            ("DaemonSet", "apps"),
            ("Ingress", "networking.k8s.io"),
            ("NetworkPolicy", "networking.k8s.io"),
        ] {
            assert_eq!(modern("extensions", kind), (group, kind));
        }
        assert_eq!(modern("example.org", "Ingress"), ("example.org", "Ingress"));
    }
}
