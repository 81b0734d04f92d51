//! What is lacking, as tables: what refers to it, what the plan and the cluster have, and what is
//! said.

use std::{collections::HashMap, path::Path, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::{
    cluster::Seen,
    object::{Keys, Object, ObjectId, Origin, Provisions},
    plan::PhaseId,
};

/// A plan and a cluster.
#[derive(Default)]
struct Stand {
    wanted: Vec<Object>,
    /// What was looked for: what is not among it was not.
    live: HashMap<ObjectId, Option<Value>>,
    /// What is no part of the run.
    left_out: Vec<ObjectId>,
    /// What comes in a later phase.
    later: Vec<ObjectId>,
    removed: Vec<ObjectId>,
    declared: Vec<(ObjectId, Keys)>,
    provisions: Provisions,
    offline: bool,
}

impl Surroundings for Stand {
    fn provisions(&self) -> &Provisions {
        &self.provisions
    }
    fn wanted(&self, id: &ObjectId) -> Option<&Value> {
        let mut wanted = self.wanted.iter();
        wanted
            .find(|object| object.id == *id)
            .map(|it| it.body.as_ref())
    }
    fn live(&self, id: &ObjectId) -> Seen<&Value> {
        match self.live.get(id) {
            None => Seen::Unasked,
            Some(None) => Seen::Absent,
            Some(Some(there)) => Seen::Present(there),
        }
    }
    fn is_of_run(&self, by: &ObjectId) -> bool {
        !self.left_out.contains(by)
    }
    fn later_phase(&self, by: &ObjectId, _: &PhaseId) -> Option<PhaseId> {
        self.later.contains(by).then(|| PhaseId::declared("later"))
    }
    fn goes(&self, id: &ObjectId) -> bool {
        self.removed.contains(id)
    }
    fn loses_key(&self, id: &ObjectId, _: &str) -> bool {
        self.removed.contains(id)
    }
    fn has_volume_of(&self, class: &str) -> bool {
        class == "of-volumes"
    }
    fn is_offline(&self) -> bool {
        self.offline
    }
}

fn object(body: &Value) -> Object {
    let mut body = body.clone();
    if body["metadata"]["namespace"].is_null() {
        body["metadata"]["namespace"] = "shop".into();
    }
    Object {
        id: ObjectId::of(&body).expect("it is an object"),
        api_version: body["apiVersion"].as_str().unwrap_or_default().to_owned(),
        origin: Origin {
            file: Path::new("a.yaml").into(),
            line: 3,
        },
        body: Arc::new(body),
    }
}

fn core(kind: &str, name: &str) -> ObjectId {
    ObjectId::core(kind, Some("shop"), name)
}

fn secret(name: &str, keys: &[&str]) -> Value {
    let data: serde_json::Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), "eA==".into()))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})
}

/// A Deployment whose pods read key `key` of Secret `name`.
fn reads(name: &str, key: &str) -> Value {
    let variable = json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}});
    deployment(&json!({"containers": [{"env": [variable]}]}))
}

fn deployment(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}})
}

impl Stand {
    fn plan(wanted: &[Value]) -> Self {
        Self {
            wanted: wanted.iter().map(object).collect(),
            ..Self::default()
        }
    }

    fn absent(mut self, id: ObjectId) -> Self {
        self.live.insert(id, None);
        self
    }

    fn there(mut self, body: &Value) -> Self {
        let object = object(body);
        self.live.insert(object.id, Some((*object.body).clone()));
        self
    }

    /// What is said of all objects: `CHECK: MESSAGE → REMEDY`.
    fn said(mut self) -> Vec<String> {
        self.provisions = Provisions::of(self.wanted.iter());
        for (id, keys) in &self.declared {
            self.provisions.add(id.clone(), keys.clone(), id);
        }
        let phase = PhaseId::declared("apps");
        let all: Vec<Lacking<'_>> = self
            .wanted
            .iter()
            .flat_map(|object| {
                let referrer = Referrer {
                    object,
                    phase: &phase,
                };
                lacking(referrer, &self)
            })
            .collect();
        let declared = self.declared.iter().map(|(id, _)| id.clone());
        let remedies = remedies(&all, "shop", declared);
        if self.offline {
            let problems = all.iter().filter_map(|it| doubtful(it, &remedies, &self));
            let problems = problems.map(|problem| problem.to_string());
            return problems.chain(listed(all.iter())).collect();
        }
        let findings = all.iter().map(|it| finding(it, &remedies, &self));
        let said = findings.map(|finding| {
            format!(
                "{}: {} → {}",
                finding.check,
                finding.message,
                finding.remedy.unwrap_or_default()
            )
        });
        said.collect()
    }
}

const NOTHING: [&str; 0] = [];
const VARIABLE: &str = "spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef";

#[test]
fn a_secret_that_is_nowhere_is_named_with_the_entry_that_declares_it() {
    let said = Stand::plan(&[reads("db", "password"), secret("dbs", &["a"])])
        .absent(core("Secret", "db"))
        .absent(core("Secret", "dbs"))
        .said();
    assert_eq!(
        said,
        [format!(
            "missing-configuration: it needs key `password` of Secret/shop/db (`{VARIABLE}.key`), which is neither in the plan nor in the cluster; did you mean `dbs`? → declare it in the plan, below `secrets`: `- {{name: db, data: {{password: {{prompt: password}}}}}}`; or say at what makes it: `deployctl.dev/provides: Secret/shop/db`"
        )]
    );
}

#[test]
fn what_is_there_or_not_known_is_nothing_to_say() {
    let reads = || reads("db", "password");
    // In the plan.
    let planned = Stand::plan(&[reads(), secret("db", &["password"])]);
    assert_eq!(planned.absent(core("Secret", "db")).said(), NOTHING);
    // In the cluster.
    let there = Stand::plan(&[reads()]).there(&secret("db", &["password"]));
    assert_eq!(there.said(), NOTHING);
    // Nobody could look.
    assert_eq!(Stand::plan(&[reads()]).said(), NOTHING);
    // Made by something of the plan.
    let external = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "db"}, "spec": {"data": [{"secretKey": "password"}]}});
    let made = Stand::plan(&[reads(), external]).absent(core("Secret", "db"));
    assert_eq!(made.said(), NOTHING);
    // One that is filled by others.
    let empty = Stand::plan(&[reads(), secret("db", &[])]).there(&secret("db", &[]));
    assert_eq!(empty.said(), NOTHING);
}

#[test]
fn a_key_is_missing_in_the_plan_or_in_the_cluster() {
    let missing = |others: &str, remedy: &str| {
        [format!(
            "missing-key: it needs key `pasword` of Secret/shop/db (`{VARIABLE}.key`), which has `{others}`; did you mean `password`? → {remedy}"
        )]
    };
    let reads = || reads("db", "pasword");
    let own = Stand::plan(&[reads(), secret("db", &["password", "user"])]);
    assert_eq!(
        own.absent(core("Secret", "db")).said(),
        missing(
            "password`, `user",
            "add the key to Secret/shop/db, or name another"
        )
    );
    let there = Stand::plan(&[reads()]).there(&secret("db", &["password"]));
    assert_eq!(
        there.said(),
        missing(
            "password",
            "name another key, or bring Secret/shop/db into the plan"
        )
    );
    let declared = Stand {
        declared: vec![(core("Secret", "db"), Keys::known(["password"]))],
        ..Stand::plan(&[reads()])
    };
    assert_eq!(
        declared.absent(core("Secret", "db")).said(),
        missing(
            "password",
            "add to `db` below `secrets` in the plan: `pasword: {prompt: pasword}`"
        )
    );
}

#[test]
fn a_key_that_others_have_put_there_counts_and_one_that_goes_does_not() {
    let stand = || {
        Stand::plan(&[reads("db", "theirs"), secret("db", &["ours"])])
            .there(&secret("db", &["ours", "theirs"]))
    };
    assert_eq!(stand().said(), NOTHING);
    let goes = Stand {
        removed: vec![core("Secret", "db")],
        ..stand()
    };
    assert!(goes.said()[0].contains("which has `ours`"));
}

#[test]
fn what_the_run_removes_leaves_out_or_brings_later_is_said_as_such() {
    let target = || core("Secret", "db");
    let plan = || [reads("db", "a"), secret("db", &["a"])];
    let removed = Stand {
        removed: vec![target()],
        ..Stand::plan(&[reads("db", "a")]).there(&secret("db", &["a"]))
    };
    let left_out = Stand {
        left_out: vec![target()],
        ..Stand::plan(&plan()).absent(target())
    };
    let later = Stand {
        later: vec![target()],
        ..Stand::plan(&plan()).absent(target())
    };
    for (stand, how) in [
        (
            removed,
            "not in the plan any more, so that this run removes it",
        ),
        (left_out, "not there, and no part of this run"),
        (
            later,
            "comes in phase `later`, after its own phase `apps` has ended",
        ),
    ] {
        let said = stand.said();
        assert!(said.len() == 1 && said[0].contains(how), "{said:?}");
    }
    let there = Stand {
        later: vec![target()],
        left_out: vec![target()],
        ..Stand::plan(&plan()).there(&secret("db", &["a"]))
    };
    assert_eq!(there.said(), NOTHING);
}

#[test]
fn another_namespace_is_named() {
    let mut other = secret("db", &["a"]);
    other["metadata"]["namespace"] = "data".into();
    let said = Stand::plan(&[reads("db", "a"), other])
        .absent(core("Secret", "db"))
        .said();
    assert!(said[0].contains("; the plan has one of this name in namespace `data`"));
}

#[test]
fn what_says_that_it_can_do_without_is_not_asked() {
    let optional = json!({"name": "db", "key": "a", "optional": true});
    let spec = json!({
        "containers": [{"env": [{"name": "A", "valueFrom": {"secretKeyRef": optional}}], "envFrom": [{"prefix": "X_", "configMapRef": {"name": "c", "optional": true}}]}],
        "volumes": [{"configMap": {"name": "kube-root-ca.crt"}}, {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"secret": {"name": "p", "optional": true}}]}}],
        "serviceAccountName": "default",
        "priorityClassName": "system-node-critical",
    });
    let stand = Stand::plan(&[deployment(&spec)])
        .absent(core("Secret", "db"))
        .absent(core("ConfigMap", "c"))
        .absent(core("ConfigMap", "kube-root-ca.crt"))
        .absent(core("Secret", "p"))
        .absent(core("ServiceAccount", "default"));
    assert_eq!(stand.said(), NOTHING);
}

/// What is found, without the places and the remedies.
fn checks(stand: Stand) -> Vec<String> {
    let said = stand.said().into_iter();
    said.map(|said| {
        let (check, rest) = said.split_once(": ").unwrap();
        let target = rest.trim_start_matches("it needs ");
        let target = target.split(" (").next().unwrap();
        format!("{check} {target}")
    })
    .collect()
}

#[test]
fn each_kind_has_its_check() {
    let spec = json!({
        "containers": [{"envFrom": [{"configMapRef": {"name": "c"}}]}],
        "imagePullSecrets": [{"name": "registry"}],
        "serviceAccountName": "web",
        "priorityClassName": "high",
        "runtimeClassName": "gvisor",
        "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}],
    });
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "logs"}, "spec": {"storageClassName": "fast"}});
    let backend = json!({"backend": {"service": {"name": "api", "port": {"number": 80}}}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
        "spec": {"ingressClassName": "nginx", "rules": [{"http": {"paths": [backend]}}]}});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": "r"}});
    let of_cluster = |group: &str, kind: &str, name: &str| ObjectId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: None,
        name: name.to_owned(),
    };
    let role = ObjectId {
        group: "rbac.authorization.k8s.io".to_owned(),
        ..core("Role", "r")
    };
    let stand = Stand::plan(&[deployment(&spec), claim, ingress, binding])
        .absent(core("ConfigMap", "c"))
        .absent(core("Secret", "registry"))
        .absent(core("ServiceAccount", "web"))
        .absent(of_cluster("scheduling.k8s.io", "PriorityClass", "high"))
        .absent(of_cluster("node.k8s.io", "RuntimeClass", "gvisor"))
        .absent(core("PersistentVolumeClaim", "data"))
        .absent(of_cluster("storage.k8s.io", "StorageClass", "fast"))
        .absent(of_cluster("networking.k8s.io", "IngressClass", "nginx"))
        .absent(core("Service", "api"))
        .absent(role);
    assert_eq!(
        checks(stand),
        [
            "missing-reference ServiceAccount/shop/web",
            "missing-pull-secret Secret/shop/registry",
            "missing-class PriorityClass/high",
            "missing-class RuntimeClass/gvisor",
            "missing-configuration ConfigMap/shop/c",
            "missing-reference PersistentVolumeClaim/shop/data",
            "missing-class StorageClass/fast",
            "uncertain-reference IngressClass/nginx",
            "missing-service port `80` of Service/shop/api",
            "missing-reference Role/shop/r",
        ]
    );
}

#[test]
fn a_service_must_have_the_port() {
    let service = |kind: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": {"type": kind, "ports": [{"port": 80, "name": "http"}]}});
    let ingress = |port: Value| {
        let backend = json!({"backend": {"service": {"name": "api", "port": port}}});
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {"rules": [{"http": {"paths": [backend]}}]}})
    };
    for port in [json!({"number": 80}), json!({"name": "http"})] {
        let stand = Stand::plan(&[ingress(port), service("ClusterIP")]);
        assert_eq!(stand.absent(core("Service", "api")).said(), NOTHING);
    }
    let wrong = || ingress(json!({"number": 8080}));
    let planned = Stand::plan(&[wrong(), service("ClusterIP")]).absent(core("Service", "api"));
    let there = Stand::plan(&[wrong()]).there(&service("ClusterIP"));
    for stand in [planned, there] {
        let said = stand.said();
        assert!(
            said.len() == 1
                && said[0].contains("port `8080` of Service/shop/api")
                && said[0].contains("which has `80 (http)`"),
            "{said:?}"
        );
    }
    // Of the pods.
    let mut behind = service("ClusterIP");
    behind["spec"]["ports"][0]["targetPort"] = 8080.into();
    let planned = Stand::plan(&[wrong(), behind.clone()]).absent(core("Service", "api"));
    for stand in [planned, Stand::plan(&[wrong()]).there(&behind)] {
        let said = stand.said();
        assert!(
            said.len() == 1 && said[0].contains("it is a port of its pods"),
            "{said:?}"
        );
    }
    let name = Stand::plan(&[wrong(), service("ExternalName")]);
    assert_eq!(name.absent(core("Service", "api")).said(), NOTHING);
}

#[test]
fn an_issuer_may_be_of_another_kind() {
    let issued = |kind: &str, api_version: &str, more: Value| {
        let mut annotations = json!({"cert-manager.io/cluster-issuer": "prod"});
        for (key, value) in more.as_object().into_iter().flatten() {
            annotations[key] = value.clone();
        }
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "annotations": annotations}})
    };
    let issuer = || ObjectId {
        group: "cert-manager.io".to_owned(),
        namespace: None,
        ..core("ClusterIssuer", "prod")
    };
    for (kind, api_version) in [
        ("Ingress", "networking.k8s.io/v1"),
        ("Gateway", "gateway.networking.k8s.io/v1"),
    ] {
        let own = Stand::plan(&[issued(kind, api_version, json!({}))]);
        assert_eq!(own.absent(issuer()).said().len(), 1);
        for more in [
            json!({"cert-manager.io/issuer-kind": "AWSPCAClusterIssuer"}),
            json!({"cert-manager.io/issuer-group": "cert-manager.k8s.cloudflare.com"}),
        ] {
            let other = Stand::plan(&[issued(kind, api_version, more)]);
            assert_eq!(other.absent(issuer()).said(), NOTHING);
        }
    }
}

#[test]
fn what_is_not_certain_is_a_warning() {
    let target = || core("Secret", "db");
    let mut idle = reads("db", "a");
    idle["spec"]["replicas"] = 0.into();
    let unknown =
        json!({"apiVersion": "example.org/v1", "kind": "Database", "metadata": {"name": "main"}});
    let template = reads("db", "a")["spec"]["template"].clone();
    let nightly = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": {"jobTemplate": {"spec": {"template": template}}}});
    let mut synced = reads("db", "a");
    synced["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "v", "csi": {"driver": "secrets-store.csi.k8s.io"}}]);
    // Kinds of which not everything is known that is called after them.
    let operated = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "db"}});
    for (plan, why) in [
        (vec![idle], "none of its pods run now"),
        (vec![nightly], "none of its pods run now"),
        (vec![synced], "a volume of its pods may bring it"),
        (
            vec![reads("db", "a"), unknown.clone()],
            "Database/shop/main may make it",
        ),
        (
            vec![reads("db", "a"), operated.clone()],
            "Cluster/shop/db may make it",
        ),
    ] {
        let said = Stand::plan(&plan).absent(target()).said();
        assert!(
            said.len() == 1
                && said[0].starts_with("uncertain-reference: ")
                && said[0].contains(why),
            "{said:?}"
        );
    }
    let other = Stand::plan(&[reads("web", "a"), operated]).absent(core("Secret", "web"));
    assert_eq!(
        checks(other),
        ["missing-configuration key `a` of Secret/shop/web"]
    );
    let mut elsewhere = unknown;
    elsewhere["metadata"]["namespace"] = "other".into();
    let stand = Stand::plan(&[reads("db", "a"), elsewhere]).absent(target());
    assert_eq!(
        checks(stand),
        ["missing-configuration key `a` of Secret/shop/db"]
    );
}

#[test]
fn claims_of_volumes_need_no_class() {
    let claim = |spec: Value| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec});
    let class = |name: &str| ObjectId {
        group: "storage.k8s.io".to_owned(),
        kind: "StorageClass".to_owned(),
        namespace: None,
        name: name.to_owned(),
    };
    let said = |spec: Value| {
        let stand = Stand::plan(&[claim(spec)]);
        let stand = stand.absent(class("fast")).absent(class("of-volumes"));
        checks(stand.absent(ObjectId::core("PersistentVolume", None, "v")))
    };
    assert_eq!(
        said(json!({"storageClassName": "fast"})),
        ["missing-class StorageClass/fast"]
    );
    assert_eq!(said(json!({"storageClassName": "of-volumes"})), NOTHING);
    assert_eq!(
        said(json!({"storageClassName": "fast", "volumeName": "v"})),
        ["missing-reference PersistentVolume/v"]
    );
}

#[test]
fn without_a_cluster_only_what_the_plan_tells_is_doubtful() {
    let declared = Keys {
        sometimes: ["token".to_owned()].into(),
        ..Keys::known(["user"])
    };
    let spec = |names: &[(&str, &str)]| {
        let variables: Vec<Value> = names
            .iter()
            .map(|(name, key)| json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}))
            .collect();
        deployment(&json!({"containers": [{"env": variables}]}))
    };
    let stand = Stand {
        declared: vec![(core("Secret", "api"), declared)],
        offline: true,
        ..Stand::plan(&[spec(&[
            ("outside", "b"),
            ("outside", "a"),
            ("api", "user"),
            ("api", "usr"),
            ("api", "token"),
        ])])
    };
    let said = stand.said();
    assert_eq!(said.len(), 3, "{said:#?}");
    let unknown =
        json!({"apiVersion": "example.org/v1", "kind": "Database", "metadata": {"name": "main"}});
    let made = Stand {
        offline: true,
        ..Stand::plan(&[reads("outside", "a"), unknown])
    };
    assert_eq!(
        made.said(),
        ["Secret/shop/outside (key `a`), unless Database/shop/main makes it"]
    );
    assert!(
        said[0].contains("key `usr` of Secret/shop/api")
            && said[0].contains("did you mean `user`?")
    );
    assert!(said[1].contains("which has it only where a value is given"));
    assert_eq!(said[2], "Secret/shop/outside (key `a`, key `b`)");
}
