//! Databases and search engines.

use crate::readiness::custom::{
    peculiar::elastic,
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Idle, Ready, Unknown},
        Step, Test, busy_unless, each, fails_if, fewer, flag, has, idle_if, ready_if, reason, says,
        settles, summary,
    },
};

pub(super) const ROWS: &[Row] = &[
    row(
        "acid.zalan.do",
        &["postgresql"],
        &[
            says("/status/PostgresClusterStatus", &["Running"], Ready),
            says(
                "/status/PostgresClusterStatus",
                &["Creating", "Updating"],
                Busy,
            ),
            has("/status/PostgresClusterStatus", Failed),
        ],
    ),
    row(
        "postgresql.cnpg.io",
        &["Cluster"],
        &[
            Step::When(
                Test::Annotated {
                    key: "cnpg.io/reconciliationLoop",
                    value: "disabled",
                },
                Idle,
            ),
            idle_if("cnpg.io/hibernation"),
            busy_unless("cnpg.io/hibernation"),
            says(
                "/status/phase",
                &[
                    "Failing over",
                    "Cluster upgrade delayed",
                    "Waiting for user action",
                    "Cluster cannot *",
                    "Unable to create required cluster objects",
                    "Cluster has incomplete or invalid image catalog",
                    "Cluster is unrecoverable *",
                ],
                Failed,
            ),
            busy_unless("Ready"),
            says("/status/phase", &["Cluster in healthy state"], Ready),
        ],
    ),
    row(
        "postgresql.cnpg.io",
        &["Backup"],
        &[
            says("/status/phase", &["completed"], Ready),
            says("/status/phase", &["failed", "walArchivingFailing"], Failed),
        ],
    ),
    row(
        "postgresql.cnpg.io",
        &["Database", "Publication", "Subscription"],
        &[
            flag("/status/applied", true, Ready),
            flag("/status/applied", false, Failed),
        ],
    ),
    row(
        "postgresql.cnpg.io",
        &["Pooler"],
        &[
            fewer("/status/instances", "/spec/instances"),
            has("/status/instances", Ready),
        ],
    ),
    row(
        "psmdb.percona.com",
        &["PerconaServerMongoDB"],
        &[
            says("/status/state", &["ready"], Ready),
            says("/status/state", &["initializing", "stopping"], Busy),
            says("/status/state", &["error"], Failed),
            says("/status/state", &["paused"], Idle),
        ],
    )
    .otherwise(Unknown),
    row(
        "pxc.percona.com",
        &["PerconaXtraDBCluster"],
        &[
            says("/status/state", &["ready"], Ready),
            says("/status/state", &["initializing"], Busy),
            says("/status/state", &["error", "stopping"], Failed),
            says("/status/state", &["paused"], Idle),
        ],
    )
    .otherwise(Unknown),
    row(
        "k8s.mariadb.com",
        &["Backup", "PhysicalBackup", "Restore", "SqlJob"],
        &[
            Step::When(
                Test::Told {
                    kind: "Complete",
                    messages: &["Failed"],
                },
                Failed,
            ),
            settles("Complete"),
        ],
    ),
    row(
        "k8s.mariadb.com",
        &["Database", "Grant", "User", "Connection"],
        &[summary("Ready")],
    ),
    row("k8s.mariadb.com", &[], MARIADB),
    row("mariadb.mmontes.io", &[], MARIADB),
    row(
        "elasticsearch.k8s.elastic.co",
        &["Elasticsearch"],
        &[
            Step::Own(elastic::nodes),
            says("/status/phase", &["ApplyingChanges", "MigratingData"], Busy),
            says("/status/phase", &["Invalid"], Failed),
            says("/status/health", &["red"], Failed),
            says("/status/health", &["yellow"], Busy),
            says("/status/health", &["green"], Ready),
        ],
    )
    .otherwise(Unknown),
    row(
        "logstash.k8s.elastic.co",
        &["Logstash"],
        &[
            says("/status/health", &["red"], Failed),
            says("/status/health", &["yellow"], Busy),
            says("/status/health", &["green"], Ready),
        ],
    ),
    row(
        "*.k8s.elastic.co",
        &[
            "Agent",
            "ApmServer",
            "Beat",
            "ElasticMapsServer",
            "EnterpriseSearch",
            "Kibana",
        ],
        &[
            says("/status/health", &["red"], Failed),
            says("/status/health", &["yellow"], Busy),
            says("/status/health", &["green"], Ready),
            has("/status/health", Unknown),
            has("/status/expectedNodes", Busy),
        ],
    )
    .otherwise(Unknown),
    row(
        "clickhouse.altinity.com",
        &["ClickHouseInstallation"],
        CLICKHOUSE,
    ),
    row(
        "clickhouse-keeper.altinity.com",
        &["ClickHouseKeeperInstallation"],
        CLICKHOUSE,
    ),
    row(
        "cassandra.rook.io",
        &["Cluster"],
        &[
            each("/status/racks", &[fewer("/readyMembers", "/members")]),
            has("/status/racks", Ready),
        ],
    ),
    row(
        "solr.apache.org",
        &["SolrCloud"],
        &[
            each("/status/solrNodes", &[flag("/ready", false, Busy)]),
            fewer("/status/readyReplicas", "/status/replicas"),
            has("/status/solrNodes", Ready),
        ],
    ),
    row(
        "zookeeper.pravega.io",
        &["ZookeeperCluster"],
        &[
            fewer("/status/readyReplicas", "/status/replicas"),
            Step::When(Test::Positive("/status/readyReplicas"), Ready),
        ],
    ),
    row(
        "db.atlasgo.io",
        &[],
        &[
            reason("Ready", &["Reconciling", "GettingDevDB"], Busy),
            summary("Ready"),
        ],
    ),
];

const MARIADB: &[Step] = &[
    reason("Ready", &["Failed"], Failed),
    fails_if("Failed"),
    busy_unless("*"),
    ready_if("Ready"),
];

const CLICKHOUSE: &[Step] = &[
    says("/status/status", &["Completed"], Ready),
    says("/status/status", &["InProgress", "Terminating"], Busy),
    has("/status/status", Failed),
];
