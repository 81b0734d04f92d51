use std::{collections::BTreeMap, fmt};

use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{
    manifests::{
        config_map, definition, deployment, documents, faulty_deployment, service, widget,
    },
    project::Project,
};

/// Something that a plan may want, in one of two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    Settings,
    /// What cannot be changed is created anew.
    Sealed,
    /// Outside of namespaces.
    Role,
    /// A definition, with an object of the kind that it defines.
    Widget,
    /// Not gone before somebody frees it.
    Held,
    Web,
    Service,
    /// In a phase that is there only with it.
    Extra,
}

const PIECES: [Piece; 8] = [
    Piece::Settings,
    Piece::Sealed,
    Piece::Role,
    Piece::Widget,
    Piece::Held,
    Piece::Web,
    Piece::Service,
    Piece::Extra,
];

/// What a plan wants: some pieces, each in its first or its second state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pieces: BTreeMap<Piece, u8>,
    /// Whether a Deployment comes along that is never ready.
    pub(super) is_broken: bool,
}

/// An identity as in a dump, and a field with the value that is wanted.
pub(super) struct Wanted {
    pub(super) identity: String,
    pub(super) pointer: &'static str,
    pub(super) value: Value,
}

impl Draft {
    /// Any, of one piece at least.
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let always = PIECES[random.random_range(0..PIECES.len())];
        let mut pieces = BTreeMap::new();
        for piece in PIECES {
            if piece == always || random.random_bool(0.5) {
                pieces.insert(piece, random.random_range(1..=2));
            }
        }
        Self {
            pieces,
            is_broken: random.random_bool(0.15),
        }
    }

    pub(super) fn holds(&self, piece: Piece) -> bool {
        self.pieces.contains_key(&piece)
    }

    /// Makes the files of `project` want this.
    pub(super) fn write(&self, project: &Project) {
        let match_sealed = "match: [{kind: ConfigMap, name: sealed, recreate: true}], ";
        let extra = if self.holds(Piece::Extra) {
            ", extras: {after: [apps]}"
        } else {
            ""
        };
        // What is not ready by then never will be: a pod of the sandbox is within a second.
        let timeout = if self.is_broken { "4s" } else { "60s" };
        project.rewrite_plan(&format!("phases: {{databases: {{{match_sealed}timeout: 60s}}, apps: {{timeout: {timeout}}}{extra}}}\n"));
        for piece in PIECES {
            let yaml = self
                .pieces
                .get(&piece)
                .map(|state| piece.yaml(*state, &project.name))
                .map(|yaml| self.reading(piece, yaml));
            project.rewrite(piece.file(), &yaml.unwrap_or_default());
        }
        let broken = if self.is_broken {
            faulty_deployment("broken", "never-ready")
        } else {
            String::new()
        };
        project.rewrite("apps/broken.yaml", &broken);
    }

    /// `yaml` of `piece`: a workload reads the settings when it starts, where there are any.
    fn reading(&self, piece: Piece, yaml: String) -> String {
        if piece == Piece::Web && self.holds(Piece::Settings) {
            let reads = "envFrom: [{configMapRef: {name: settings}}], ports:";
            yaml.replacen("ports:", reads, 1)
        } else {
            yaml
        }
    }

    /// All that is there once it is deployed.
    pub(super) fn wanted(&self, name: &str) -> Vec<Wanted> {
        let made = [
            format!("Namespace/{name}"),
            format!("ConfigMap/{name}/kube-root-ca.crt"),
            format!("ServiceAccount/{name}/default"),
        ];
        let made = made.into_iter().map(|identity| Wanted {
            identity,
            pointer: "/metadata/deletionTimestamp",
            value: Value::Null,
        });
        made.chain(
            self.pieces
                .iter()
                .flat_map(|(piece, state)| piece.wanted(*state, name)),
        )
        .collect()
    }
}

impl Piece {
    fn file(self) -> &'static str {
        match self {
            Self::Settings => "databases/settings.yaml",
            Self::Sealed => "databases/sealed.yaml",
            Self::Role => "databases/role.yaml",
            Self::Widget => "databases/widget.yaml",
            Self::Held => "apps/held.yaml",
            Self::Web => "apps/web.yaml",
            Self::Service => "apps/service.yaml",
            Self::Extra => "extras/extra.yaml",
        }
    }

    fn yaml(self, state: u8, name: &str) -> String {
        let value = state.to_string();
        match self {
            Self::Settings => config_map("settings", &value),
            Self::Sealed => config_map("sealed", &value) + "immutable: true\n",
            Self::Role => format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}-reader}}\nrules: [{{apiGroups: [\"\"], resources: [pods], resourceNames: [\"{value}\"], verbs: [get]}}]\n"
            ),
            Self::Widget => documents(&[definition(&group(name)), widget(&group(name), &value)]),
            Self::Held => config_map("held", &value).replace(
                "{name: held}",
                "{name: held, finalizers: [shop.test/nobody]}",
            ),
            Self::Web => deployment("web").replace("web:v1", &format!("web:v{value}")),
            Self::Service => service("web", "").replace("port: 80,", &format!("port: 8{value},")),
            Self::Extra => config_map("extra", &value),
        }
    }

    fn wanted(self, state: u8, name: &str) -> Vec<Wanted> {
        let one = |identity: String, pointer, value| {
            vec![Wanted {
                identity,
                pointer,
                value,
            }]
        };
        let text = json!(state.to_string());
        let config_map = |of: &str| {
            one(
                format!("ConfigMap/{name}/{of}"),
                "/data/value",
                text.clone(),
            )
        };
        match self {
            Self::Settings => config_map("settings"),
            Self::Sealed => config_map("sealed"),
            Self::Held => config_map("held"),
            Self::Extra => config_map("extra"),
            Self::Role => one(
                format!("ClusterRole.rbac.authorization.k8s.io/{name}-reader"),
                "/rules/0/resourceNames/0",
                text,
            ),
            Self::Widget => {
                let group = group(name);
                let definition =
                    format!("CustomResourceDefinition.apiextensions.k8s.io/widgets.{group}");
                let mut both = one(definition, "/spec/group", json!(group));
                both.extend(one(
                    format!("Widget.{group}/{name}/first"),
                    "/spec/size",
                    json!(state),
                ));
                both
            }
            Self::Web => {
                let pointer = "/spec/template/spec/containers/0/image";
                one(
                    format!("Deployment.apps/{name}/web"),
                    pointer,
                    json!(format!("web:v{state}")),
                )
            }
            Self::Service => one(
                format!("Service/{name}/web"),
                "/spec/ports/0/port",
                json!(80 + u32::from(state)),
            ),
        }
    }
}

/// The group of the kind that a release defines; its definition's name begins with `widgets.NAME`.
fn group(name: &str) -> String {
    format!("{name}.example.org")
}

impl fmt::Display for Draft {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pieces: Vec<String> = self
            .pieces
            .iter()
            .map(|(piece, state)| format!("{piece:?} {state}"))
            .collect();
        let broken = if self.is_broken { ", never ready" } else { "" };
        write!(formatter, "{}{broken}", pieces.join(", "))
    }
}
