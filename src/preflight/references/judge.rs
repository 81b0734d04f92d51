//! Whether what an object refers to is there, comes in time, and has the key or the port.

use std::fmt;

use serde_json::Value;

use crate::{
    cluster::Seen,
    object::{
        Bearing, HasKind as _, ManifestView, MayMake, Mention, MentionedPart, Object, ObjectId,
        Provision, Provisions, Weight,
        field::{integer, is_present, is_true, list, map, text},
        mentions, pod_spec,
    },
    plan::PhaseId,
};

/// An object that refers to others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Referrer<'a> {
    /// The object.
    pub(crate) object: &'a Object,
    /// Its phase.
    pub(crate) phase: &'a PhaseId,
}

/// What is known of what there is, and of what there will be.
pub(crate) trait Surroundings {
    /// What the plan brings.
    fn provisions(&self) -> &Provisions;
    /// What is wanted under this identity.
    fn wanted(&self, id: &ObjectId) -> Option<&Value>;
    /// What is there under it.
    fn live(&self, id: &ObjectId) -> Seen<&Value>;
    /// Whether what brings something is a part of the run.
    fn is_of_run(&self, by: &ObjectId) -> bool;
    /// The phase of what brings something, where that begins only once `phase` has ended.
    fn later_phase(&self, by: &ObjectId, phase: &PhaseId) -> Option<PhaseId>;
    /// Whether the run removes what is there.
    fn goes(&self, id: &ObjectId) -> bool;
    /// Whether the run takes `key` out of what is there.
    fn loses_key(&self, id: &ObjectId, key: &str) -> bool;
    /// Whether there are volumes of this storage class, as far as anybody knows.
    fn has_volume_of(&self, class: &str) -> bool;
    /// Whether nobody has looked at a cluster.
    fn is_offline(&self) -> bool;
}

/// How something that is referred to is lacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It is not in the plan and not in the cluster.
    Absent,
    /// It is not in the plan, and whether the cluster has it is not known.
    Outside,
    /// It is not in the plan any more, and the run removes it.
    Going,
    /// It has not the key or the port, but these.
    Part(Vec<String>),
    /// It has the key only where a value is given for it.
    Sometimes,
    /// It is in the plan, but no part of the run.
    LeftOut(ObjectId),
    /// It comes in a phase that begins only once that of the object has ended.
    Later(PhaseId),
}

/// Something that an object refers to and that is lacking.
#[derive(Debug, Clone)]
pub(crate) struct Lacking<'a> {
    /// The object.
    pub(crate) referrer: Referrer<'a>,
    /// What it refers to, and where first.
    pub(crate) mention: Mention,
    /// The keys or ports that it refers to, all of the same thing.
    pub(crate) parts: Vec<MentionedPart>,
    /// How it is lacking.
    pub(crate) lack: Lack,
    /// Why it may go well all the same; `None` where it does not.
    pub(crate) unsure: Option<Doubt>,
}

/// Why it may go well although something is lacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// As this says.
    Because(&'static str),
    /// This one may make it.
    MadeBy(ObjectId),
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(why) => formatter.write_str(why),
            Self::MadeBy(by) => write!(formatter, "{by} may make it"),
        }
    }
}

/// What `referrer` refers to and is lacking.
pub(crate) fn lacking<'a>(
    referrer: Referrer<'a>,
    surroundings: &dyn Surroundings,
) -> Vec<Lacking<'a>> {
    let Object { id, body, .. } = referrer.object;
    let mut found: Vec<Lacking<'a>> = Vec::new();
    for mention in mentions(id, body) {
        let Some(lack) = lack(&mention, referrer, surroundings) else {
            continue;
        };
        let unsure = unsure(&mention, &lack, referrer.object, surroundings);
        let same = found.iter_mut().find(|known| {
            (&known.mention.target, &known.lack, &known.unsure) == (&mention.target, &lack, &unsure)
        });
        if let Some(known) = same {
            let new = mention.part.filter(|part| !known.parts.contains(part));
            known.parts.extend(new);
            continue;
        }
        found.push(Lacking {
            referrer,
            unsure,
            parts: mention.part.iter().cloned().collect(),
            mention,
            lack,
        });
    }
    found
}

/// How what `mention` names is lacking.
fn lack(
    mention: &Mention,
    referrer: Referrer<'_>,
    surroundings: &dyn Surroundings,
) -> Option<Lack> {
    let target = &mention.target;
    if mention.is_optional || mention.weight == Weight::None || is_given(target) {
        return None;
    }
    if target.is_storage_class() && needs_no_class(referrer.object, &target.name, surroundings) {
        return None;
    }
    if is_of_a_filled_claim(mention, referrer.object, surroundings)
        || is_an_action(mention, referrer.object)
        || is_of_another_issuer(mention, referrer.object)
    {
        return None;
    }
    let provisions = surroundings.provisions();
    let Some(provision) = provisions.get(target) else {
        return unprovided(mention, surroundings);
    };
    let live = surroundings.live(target);
    if matches!(live, Seen::Absent) {
        if !surroundings.is_of_run(&provision.by) {
            return Some(Lack::LeftOut(provision.by));
        }
        // What cannot exist without it is refused as such.
        let waits = mention.weight == Weight::Blocks && mention.bearing != Bearing::Vital;
        let later = surroundings.later_phase(&provision.by, referrer.phase);
        if let Some(phase) = later.filter(|_| waits) {
            return Some(Lack::Later(phase));
        }
    }
    lack_of_part(mention, &provision, surroundings)
}

/// How something is lacking that the plan is not known to bring.
fn unprovided(mention: &Mention, surroundings: &dyn Surroundings) -> Option<Lack> {
    let target = &mention.target;
    if matches!(surroundings.provisions().may_make(target), MayMake::Told(_)) {
        return None;
    }
    match surroundings.live(target) {
        Seen::Present(_) if surroundings.goes(target) => Some(Lack::Going),
        Seen::Present(live) => match mention.part.as_ref()? {
            MentionedPart::Key(key) => (!has_key(live, key)).then(|| Lack::Part(keys(live))),
            MentionedPart::Port(port) => {
                let is_known = has_ports(live) && !has_port(live, port);
                is_known.then(|| Lack::Part(ports(live)))
            }
        },
        Seen::Absent => Some(Lack::Absent),
        Seen::Unasked | Seen::Forbidden => surroundings.is_offline().then_some(Lack::Outside),
    }
}

/// Whether what the plan brings has not the key or the port that `mention` names.
fn lack_of_part(
    mention: &Mention,
    provision: &Provision,
    surroundings: &dyn Surroundings,
) -> Option<Lack> {
    let target = &mention.target;
    let live = match surroundings.live(target) {
        Seen::Present(live) => Some(live),
        Seen::Absent => None,
        Seen::Unasked if surroundings.is_offline() => None,
        // What others have put there is not known.
        Seen::Forbidden | Seen::Unasked => return None,
    };
    match mention.part.as_ref()? {
        MentionedPart::Key(key) => {
            let stays = |live: &&Value| has_key(live, key) && !surroundings.loses_key(target, key);
            if live.as_ref().is_some_and(stays) {
                return None;
            }
            let planned = &provision.keys;
            if planned.sometimes.contains(key) && !planned.always.contains(key) {
                return surroundings.is_offline().then_some(Lack::Sometimes);
            }
            let has = || planned.always.iter().chain(&planned.sometimes).cloned();
            (!planned.may_have(key)).then(|| Lack::Part(has().collect()))
        }
        MentionedPart::Port(port) => {
            let service = surroundings.wanted(target).or(live)?;
            let is_known = has_ports(service) && !has_port(service, port);
            is_known.then(|| Lack::Part(ports(service)))
        }
    }
}

/// Why it may go well although `mention` of `object` is lacking.
fn unsure(
    mention: &Mention,
    lack: &Lack,
    object: &Object,
    surroundings: &dyn Surroundings,
) -> Option<Doubt> {
    if let Weight::Unsure(why) = mention.weight {
        return Some(Doubt::Because(why));
    }
    if runs_nothing(object) {
        return Some(Doubt::Because("none of its pods run now"));
    }
    if is_ignored_webhook(mention, object) {
        return Some(Doubt::Because(
            "without an answer it lets everything through: `failurePolicy: Ignore`",
        ));
    }
    // The API server takes it without; a later run brings the rest.
    if matches!(lack, Lack::LeftOut(_)) && mention.weight == Weight::Sure {
        return Some(Doubt::Because("a later run may bring it"));
    }
    if mention.target.is_secret() && mounts_synced_secrets(object) {
        return Some(Doubt::Because(
            "a volume of its pods may bring it: `secrets-store.csi.k8s.io`",
        ));
    }
    if is_of_the_pods(mention, object, surroundings) {
        return Some(Doubt::Because(
            "it is a port of its pods, which only some controllers take, such as ingress-nginx",
        ));
    }
    let may_be_made = matches!(lack, Lack::Absent | Lack::Outside | Lack::Part(_));
    match surroundings.provisions().may_make(&mention.target) {
        MayMake::Perhaps(by) if may_be_made => Some(Doubt::MadeBy(by.clone())),
        _ => None,
    }
}

/// Whether every cluster, or every namespace, is given it.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings>
fn is_given(target: &ObjectId) -> bool {
    let name = target.name.as_str();
    match (target.group.as_str(), target.kind.as_str()) {
        ("", "ServiceAccount") | ("argoproj.io", "AppProject") => name == "default",
        // The second is given by OpenShift, the third by Istio.
        ("", "ConfigMap") => matches!(
            name,
            "kube-root-ca.crt" | "openshift-service-ca.crt" | "istio-ca-root-cert"
        ),
        ("scheduling.k8s.io", "PriorityClass") => name.starts_with("system-"),
        ("rbac.authorization.k8s.io", "Role") => {
            name.starts_with("system:") || name == "extension-apiserver-authentication-reader"
        }
        ("rbac.authorization.k8s.io", "ClusterRole") => {
            name.starts_with("system:")
                || matches!(name, "cluster-admin" | "admin" | "edit" | "view")
        }
        _ => false,
    }
}

/// Whether `object`, a claim or what makes claims, needs no class of this name: a claim of a volume
/// that it names, or of one among volumes that are of the class by its name alone.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1>
fn needs_no_class(object: &Object, class: &str, surroundings: &dyn Surroundings) -> bool {
    let is_bound = object.id.is_claim()
        && (is_present(&object.body, "/spec/volumeName")
            || matches!(surroundings.live(&object.id), Seen::Present(_)));
    is_bound || surroundings.provisions().has_volume_of(class) || surroundings.has_volume_of(class)
}

/// Whether `mention` is what `object`, a claim that is there, was filled from: nobody asks for it again.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#volume-populators-and-data-sources>
fn is_of_a_filled_claim(
    mention: &Mention,
    object: &Object,
    surroundings: &dyn Surroundings,
) -> bool {
    object.id.is_claim()
        && mention.at.starts_with("/spec/dataSource")
        && matches!(surroundings.live(&object.id), Seen::Present(_))
}

/// Whether the pods of `object` have a volume whose driver may make Secrets while it is mounted.
/// <https://secrets-store-csi-driver.sigs.k8s.io/topics/sync-as-kubernetes-secret>
fn mounts_synced_secrets(object: &Object) -> bool {
    let volumes = pod_spec(&object.body).map(|spec| list(spec, "/volumes"));
    let mut volumes = volumes.into_iter().flatten();
    volumes.any(|volume| text(volume, "/csi/driver") == Some("secrets-store.csi.k8s.io"))
}

/// Whether `mention` names no Service but an action that annotations of `object`, an Ingress, describe.
/// <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#actions>
fn is_an_action(mention: &Mention, object: &Object) -> bool {
    let action = format!("alb.ingress.kubernetes.io/actions.{}", mention.target.name);
    let annotations = map(&object.body, "/metadata/annotations");
    mention.target.kind == "Service"
        && annotations.is_some_and(|annotations| annotations.contains_key(&action))
}

/// Whether `mention` is an issuer of cert-manager, and annotations of `object` say that it is one of
/// another kind.
/// <https://cert-manager.io/docs/usage/ingress/#supported-annotations>
fn is_of_another_issuer(mention: &Mention, object: &Object) -> bool {
    let annotations = map(&object.body, "/metadata/annotations");
    let names = |key: &str| annotations.is_some_and(|annotations| annotations.contains_key(key));
    mention.target.group == "cert-manager.io"
        && mention.at.starts_with("/metadata/annotations/")
        && (names("cert-manager.io/issuer-kind") || names("cert-manager.io/issuer-group"))
}

/// Whether `mention` is the server of a webhook of `object` that is passed over where nobody answers.
/// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#failure-policy>
fn is_ignored_webhook(mention: &Mention, object: &Object) -> bool {
    let webhook = mention.at.split("/clientConfig/").next();
    let webhook = webhook.filter(|_| object.id.is_webhook_configuration());
    webhook.is_some_and(|at| text(&object.body, &format!("{at}/failurePolicy")) == Some("Ignore"))
}

/// Whether `object` makes pods and none of them run as it is wanted, or not as soon as it is there.
fn runs_nothing(object: &Object) -> bool {
    let body = &object.body;
    let waits = object.id.is_cron_job()
        || matches!(
            object.id.group_and_kind(),
            ("", "PodTemplate") | ("keda.sh", "ScaledJob")
        );
    if waits {
        return true;
    }
    let is_stopped = integer(body, "/spec/replicas") == Some(0)
        || is_true(body, "/spec/suspend")
        || is_true(body, "/spec/jobTargetRef/suspend");
    is_stopped && pod_spec(body).is_some()
}

fn has_key(object: &Value, key: &str) -> bool {
    ["/data", "/binaryData", "/stringData"]
        .iter()
        .any(|path| map(object, path).is_some_and(|data| data.contains_key(key)))
}

fn keys(object: &Value) -> Vec<String> {
    ["/data", "/binaryData", "/stringData"]
        .iter()
        .filter_map(|path| map(object, path))
        .flat_map(|data| data.keys().cloned())
        .collect()
}

/// Whether `service` says its ports: one that is a name for a host elsewhere need not.
fn has_ports(service: &Value) -> bool {
    ManifestView(service).is_service() && text(service, "/spec/type") != Some("ExternalName")
}

/// Whether `service` has the port `wanted`, by number or name.
fn has_port(service: &Value, wanted: &str) -> bool {
    names_port(service, &["/name", "/port"], wanted)
}

/// Whether `mention` is the number that an Ingress gives, and the port of the pods behind the Service.
/// <https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go>
fn is_of_the_pods(mention: &Mention, object: &Object, surroundings: &dyn Surroundings) -> bool {
    let Some(MentionedPart::Port(port)) = &mention.part else {
        return false;
    };
    let service = match surroundings.live(&mention.target) {
        Seen::Present(live) => Some(live),
        _ => None,
    };
    let service = surroundings.wanted(&mention.target).or(service);
    object.id.group_and_kind() == ("networking.k8s.io", "Ingress")
        && service.is_some_and(|service| names_port(service, &["/targetPort"], port))
}

/// Whether one of the ports of `service` is called `wanted` in one of `fields`.
fn names_port(service: &Value, fields: &[&str], wanted: &str) -> bool {
    let is = |port: &Value, field: &&str| {
        text(port, field) == Some(wanted)
            || integer(port, field).is_some_and(|number| number.to_string() == wanted)
    };
    let ports = list(service, "/spec/ports");
    ports
        .iter()
        .any(|port| fields.iter().any(|field| is(port, field)))
}

fn ports(service: &Value) -> Vec<String> {
    let ports = list(service, "/spec/ports").iter();
    let shown = ports.filter_map(|port| {
        let number = integer(port, "/port")?;
        Some(match text(port, "/name") {
            Some(name) => format!("{number} ({name})"),
            None => number.to_string(),
        })
    });
    shown.collect()
}
