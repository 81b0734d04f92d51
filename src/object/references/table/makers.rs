//! What the objects of operators make: the Secrets, ConfigMaps and Services that others may name.

/// What the objects of one kind make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maker {
    /// The group.
    pub(crate) group: &'static str,
    /// The kinds, with spaces between them; all kinds of the group where it is `*`.
    pub(crate) kind: &'static str,
    /// The names of what they make.
    pub(crate) makes: &'static [Names],
}

/// Objects that are made: their kind, what they are called, and the keys that they have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// The kind, of the core group.
    pub(crate) kind: &'static str,
    /// The name. `{name}` stands for that of the maker, `{*}` for each entry at `each`, and
    /// `{/PATH}` for the text there; where there is none, nothing is made.
    pub(crate) name: &'static str,
    /// Where the entries of `{*}` are: the keys of a map, or the texts or names of a list.
    pub(crate) each: Option<&'static str>,
    /// The keys; `None` where they cannot be known.
    pub(crate) keys: Option<&'static [&'static str]>,
}

/// The rows for objects of a kind; `None` where nothing is known of what they make.
pub(crate) fn makers_of(
    group: &str,
    kind: &str,
) -> Option<impl Iterator<Item = &'static Names> + use<>> {
    let is_of = |maker: &&Maker| {
        maker.group == group && (maker.kind == "*" || maker.kind.split(' ').any(|own| own == kind))
    };
    let mut found = MAKERS.iter().filter(is_of).peekable();
    found.peek()?;
    let found: Vec<&'static Maker> = found.collect();
    Some(found.into_iter().flat_map(|maker| maker.makes))
}

const fn secret(name: &'static str) -> Names {
    Names {
        kind: "Secret",
        name,
        each: None,
        keys: None,
    }
}

const fn service(name: &'static str) -> Names {
    Names {
        kind: "Service",
        name,
        each: None,
        keys: None,
    }
}

const fn config_map(name: &'static str) -> Names {
    Names {
        kind: "ConfigMap",
        name,
        each: None,
        keys: None,
    }
}

const fn account(name: &'static str) -> Names {
    Names {
        kind: "ServiceAccount",
        name,
        each: None,
        keys: None,
    }
}

impl Names {
    /// Whether it is called after its maker, with more to it.
    pub(crate) fn is_after(&self) -> bool {
        self.name.contains("{name}") && self.name != "{name}"
    }

    const fn each(self, each: &'static str) -> Self {
        Self {
            each: Some(each),
            ..self
        }
    }

    const fn with(self, keys: &'static [&'static str]) -> Self {
        Self {
            keys: Some(keys),
            ..self
        }
    }
}

const fn maker(group: &'static str, kind: &'static str, makes: &'static [Names]) -> Maker {
    Maker { group, kind, makes }
}

const LOGIN: &[&str] = &["username", "password"];

/// Kinds that are not among these may make anything. `ExternalSecret` and `SealedSecret` say which
/// keys they make, which `made.rs` reads.
const MAKERS: &[Maker] = &[
    // https://cert-manager.io/docs/usage/certificate/#target-secret
    maker(
        "cert-manager.io",
        "Certificate",
        // With `keystores` and `additionalOutputFormats` there are more keys.
        &[secret("{/spec/secretName}")],
    ),
    // https://cert-manager.io/docs/configuration/acme/#private-keys
    maker(
        "cert-manager.io",
        "Issuer",
        &[secret("{/spec/acme/privateKeySecretRef/name}").with(&["tls.key"])],
    ),
    maker("cert-manager.io", "ClusterIssuer CertificateRequest", &[]),
    maker("acme.cert-manager.io", "*", &[]),
    // https://cert-manager.io/docs/trust/trust-manager/
    maker("trust.cert-manager.io", "Bundle", &[config_map("{name}")]),
    maker(
        "external-secrets.io",
        "ExternalSecret SecretStore ClusterSecretStore PushSecret",
        &[],
    ),
    maker("generators.external-secrets.io", "*", &[]),
    maker("bitnami.com", "SealedSecret", &[]),
    // https://secrets-store-csi-driver.sigs.k8s.io/topics/sync-as-kubernetes-secret
    maker(
        "secrets-store.csi.x-k8s.io",
        "SecretProviderClass",
        &[secret("{*}").each("/spec/secretObjects/*/secretName")],
    ),
    // https://opensource.zalando.com/postgres-operator/docs/user.html#connect-to-postgresql
    maker(
        "acid.zalan.do",
        "postgresql",
        &[
            secret("{*}.{name}.credentials.postgresql.acid.zalan.do")
                .each("/spec/users")
                .with(LOGIN),
            secret("{*}-owner-user.{name}.credentials.postgresql.acid.zalan.do")
                .each("/spec/preparedDatabases")
                .with(LOGIN),
            secret("{*}-reader-user.{name}.credentials.postgresql.acid.zalan.do")
                .each("/spec/preparedDatabases")
                .with(LOGIN),
            secret("{*}-writer-user.{name}.credentials.postgresql.acid.zalan.do")
                .each("/spec/preparedDatabases")
                .with(LOGIN),
            secret("postgres.{name}.credentials.postgresql.acid.zalan.do").with(LOGIN),
            secret("standby.{name}.credentials.postgresql.acid.zalan.do").with(LOGIN),
            secret("pooler.{name}.credentials.postgresql.acid.zalan.do").with(LOGIN),
            service("{name}"),
            service("{name}-repl"),
            service("{name}-config"),
            service("{name}-pooler"),
            service("{name}-pooler-repl"),
            account("postgres-pod"),
        ],
    ),
    // https://cloudnative-pg.io/documentation/current/applications/
    maker(
        "postgresql.cnpg.io",
        "Cluster",
        &[
            secret("{name}-app"),
            secret("{name}-superuser"),
            secret("{name}-ca"),
            secret("{name}-server"),
            secret("{name}-replication"),
            config_map("{name}-monitoring"),
            service("{name}-rw"),
            service("{name}-ro"),
            service("{name}-r"),
            account("{name}"),
        ],
    ),
    maker(
        "postgresql.cnpg.io",
        "Pooler",
        &[service("{name}"), account("{name}")],
    ),
    maker("postgresql.cnpg.io", "*", &[]),
    // https://access.crunchydata.com/documentation/postgres-operator/latest/tutorials/basic-setup/connect-cluster
    maker(
        "postgres-operator.crunchydata.com",
        "PostgresCluster",
        &[
            secret("{name}-pguser-{name}"),
            secret("{name}-pguser-{*}").each("/spec/users/*/name"),
            secret("{name}-cluster-cert"),
            service("{name}-primary"),
            service("{name}-replicas"),
            service("{name}-ha"),
            service("{name}-pgbouncer"),
            service("{name}-pods"),
        ],
    ),
    // https://www.rabbitmq.com/kubernetes/operator/using-operator#creds
    maker(
        "rabbitmq.com",
        "RabbitmqCluster",
        &[
            secret("{name}-default-user"),
            secret("{name}-erlang-cookie"),
            config_map("{name}-server-conf"),
            config_map("{name}-plugins-conf"),
            service("{name}"),
            service("{name}-nodes"),
            account("{name}-server"),
        ],
    ),
    maker("rabbitmq.com", "User", &[secret("{name}-user-credentials")]),
    maker(
        "rabbitmq.com",
        "Queue Exchange Binding Vhost Policy Permission",
        &[],
    ),
    // https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/accessing-services
    maker(
        "elasticsearch.k8s.elastic.co",
        "Elasticsearch",
        &[
            secret("{name}-es-elastic-user"),
            secret("{name}-es-http-certs-public"),
            secret("{name}-es-http-ca-internal"),
            secret("{name}-es-transport-certs-public"),
            service("{name}-es-http"),
            service("{name}-es-internal-http"),
            service("{name}-es-transport"),
        ],
    ),
    maker(
        "kibana.k8s.elastic.co",
        "Kibana",
        &[
            secret("{name}-kb-http-certs-public"),
            service("{name}-kb-http"),
        ],
    ),
    // https://strimzi.io/docs/operators/latest/deploying
    maker(
        "kafka.strimzi.io",
        "Kafka",
        &[
            secret("{name}-cluster-ca-cert"),
            secret("{name}-cluster-ca"),
            secret("{name}-clients-ca-cert"),
            secret("{name}-clients-ca"),
            service("{name}-kafka-bootstrap"),
            service("{name}-kafka-brokers"),
        ],
    ),
    maker("kafka.strimzi.io", "KafkaUser", &[secret("{name}")]),
    maker("kafka.strimzi.io", "KafkaTopic KafkaNodePool", &[]),
    // https://prometheus-operator.dev/docs/platform/storage/
    maker(
        "monitoring.coreos.com",
        "Prometheus PrometheusAgent",
        &[
            service("prometheus-operated"),
            secret("prometheus-{name}"),
            secret("prometheus-{name}-web-config"),
        ],
    ),
    maker(
        "monitoring.coreos.com",
        "Alertmanager",
        &[
            service("alertmanager-operated"),
            secret("alertmanager-{name}-generated"),
        ],
    ),
    maker(
        "monitoring.coreos.com",
        "ThanosRuler",
        &[service("thanos-ruler-operated")],
    ),
    maker(
        "monitoring.coreos.com",
        "ServiceMonitor PodMonitor Probe PrometheusRule ScrapeConfig AlertmanagerConfig",
        &[],
    ),
    // https://github.com/kubevirt/containerized-data-importer/blob/main/doc/datavolumes.md
    maker(
        "cdi.kubevirt.io",
        "DataVolume",
        &[Names {
            kind: "PersistentVolumeClaim",
            name: "{name}",
            each: None,
            keys: None,
        }],
    ),
    // Autoscalers, routes, policies, snapshots and backups make nothing that others name.
    maker("keda.sh", "*", &[]),
    maker("autoscaling.k8s.io", "*", &[]),
    maker("snapshot.storage.k8s.io", "*", &[]),
    maker("velero.io", "*", &[]),
    maker("networking.istio.io", "*", &[]),
    maker("security.istio.io", "*", &[]),
    maker("telemetry.istio.io", "*", &[]),
    maker("traefik.io", "*", &[]),
    maker("gateway.nginx.org", "*", &[]),
    maker("gateway.envoyproxy.io", "*", &[]),
    maker("cilium.io", "*", &[]),
    maker("crd.projectcalico.org", "*", &[]),
    maker("projectcalico.org", "*", &[]),
    maker("metallb.io", "*", &[]),
    maker(
        "argoproj.io",
        "AppProject Rollout AnalysisTemplate ClusterAnalysisTemplate",
        &[],
    ),
    maker("cloud.google.com", "BackendConfig", &[]),
    maker(
        "networking.gke.io",
        "FrontendConfig ManagedCertificate",
        &[],
    ),
];
