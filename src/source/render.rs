//! From a plan's sources to its objects: loaded, substituted, normalised, each in its
//! namespace.

use std::{collections::HashMap, sync::Arc};

use indexmap::{IndexMap, map::Entry};
use serde_json::{Value, json};

use super::{
    annotations::{Annotated, is_substituted, take_annotations},
    build::{Builds, place},
    duplicates::merge_duplicates,
    files::shown,
    manifests::Manifest,
    named_ports::NamedTargets,
    normalise::normalise,
};
use crate::{
    finding::Check,
    object::{
        ChartPart, Definition, HasKind as _, ManifestView, Object, ObjectId, Origin, PhaseHint,
        Problem, Scope, ScopeLookup, StatusField,
    },
    plan::{ExpectedCrd, ExpectedScope, PhaseSettings, Plan},
};

/// Namespaces that every cluster has.
const GIVEN_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Everything that a plan's sources hold, ready to be put into phases.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// The objects, in the order of the sources.
    pub(crate) objects: IndexMap<ObjectId, Object>,
    /// What was written about the phase of each object.
    pub(crate) hints: HashMap<ObjectId, PhaseHint>,
    /// The namespaces that the plan names for itself and for sources, where no manifest describes
    /// them: created if absent, and nothing more.
    pub(crate) implied_namespaces: Vec<ObjectId>,
    /// What charts run only where they are deleted or tested: brought by no run.
    pub(crate) hooks: Vec<(Object, ChartPart)>,
    /// Problems that are only said.
    pub(crate) warnings: Vec<Problem>,
}

/// Replaces variables in an object that was written down at a place; reports what is wrong with
/// them.
pub(crate) type Substitute<'a> = dyn Fn(&mut Value, &Origin, &mut Vec<Problem>) + 'a;

/// Renders the sources of `plan`: loads them, replaces variables, normalises, and gives objects
/// without a namespace the plan's.
///
/// `scopes` says which kinds live in namespaces; CRDs among the sources count as well, and what the
/// plan expects of controllers. A kind that nobody knows is taken for namespaced. All problems come at once.
pub(crate) fn render(
    plan: &Plan,
    builds: &Builds,
    scopes: &dyn ScopeLookup,
    substitute: &Substitute<'_>,
) -> Result<Rendered, Vec<Problem>> {
    let (mut manifests, mut problems) = load_all(plan, builds);
    let substituted = substitute_all(&mut manifests, substitute);
    let scoping = Scoping {
        definitions: defined_kinds(&manifests),
        scopes,
        phases: &plan.contents.phases,
    };
    for manifest in &mut manifests {
        scoping.place(manifest);
    }
    let targets = NamedTargets::of(&manifests, &plan.namespace.name);
    for (manifest, mut found) in manifests.iter_mut().zip(substituted) {
        let status = scoping.status_field(&manifest.value);
        normalise(&mut manifest.value, status, &mut found);
        merge_duplicates(&mut manifest.value, &targets, &mut found);
        let id = ObjectId::of(&manifest.value);
        problems.extend(
            found
                .into_iter()
                .map(|problem| placed(problem, &manifest.origin, id.as_ref())),
        );
    }
    let mut rendering = Rendering {
        objects: IndexMap::new(),
        hints: HashMap::new(),
        hooks: Vec::new(),
        problems,
        scoping,
        namespace: &plan.namespace.name,
    };
    for manifest in manifests {
        rendering.add(manifest);
    }
    let implied_namespaces = rendering.add_namespaces(plan, builds);
    let Rendering {
        objects,
        hints,
        hooks,
        problems,
        ..
    } = rendering;
    if problems.iter().any(Problem::is_error) {
        return Err(problems);
    }
    Ok(Rendered {
        objects,
        hints,
        implied_namespaces,
        hooks,
        warnings: problems,
    })
}

/// Replaces variables in `manifests`, and returns what is wrong with them in each.
fn substitute_all(manifests: &mut [Manifest], substitute: &Substitute<'_>) -> Vec<Vec<Problem>> {
    let substituted = manifests.iter_mut().map(|manifest| {
        let mut found = Vec::new();
        if is_substituted(&manifest.value) {
            substitute(&mut manifest.value, &manifest.origin, &mut found);
        }
        found
    });
    substituted.collect()
}

fn load_all(plan: &Plan, builds: &Builds) -> (Vec<Manifest>, Vec<Problem>) {
    let (mut manifests, mut problems) = (Vec::new(), Vec::new());
    for (source, loaded) in builds.load(plan) {
        let of_source = loaded.manifests.into_iter().map(|mut manifest| {
            manifest.hint.source_phase.clone_from(&source.phase);
            manifest.namespace = source.namespace().cloned();
            manifest
        });
        manifests.extend(of_source);
        let place = place(plan, source);
        let found = loaded.problems.into_iter();
        problems.extend(found.map(|problem| problem.or_at(&place)));
    }
    (manifests, problems)
}

/// Adds what a problem does not say yet about its place and object.
fn placed(problem: Problem, origin: &Origin, id: Option<&ObjectId>) -> Problem {
    let problem = problem.or_at(origin);
    match id {
        Some(id) if problem.object.is_none() => problem.about(id),
        _ => problem,
    }
}

/// What the CRDs among the sources say of each kind, by its group and name.
type DefinedKinds = HashMap<(String, String), DefinedKind>;

/// What a CRD among the sources says of its kind.
struct DefinedKind {
    scope: Option<Scope>,
    /// Whose `status` is, by version.
    statuses: HashMap<String, StatusField>,
}

fn defined_kinds(manifests: &[Manifest]) -> DefinedKinds {
    let definitions = manifests
        .iter()
        .filter_map(|manifest| Definition::of(&manifest.value));
    let defined = |definition: Definition<'_>| {
        let status = |version: &str| Some((version.to_owned(), definition.status(version)?));
        let kind = (definition.group().to_owned(), definition.kind().to_owned());
        let versions = definition.versions();
        let defined = DefinedKind {
            scope: definition.scope(),
            statuses: versions.filter_map(|it| status(it.name)).collect(),
        };
        (kind, defined)
    };
    definitions.map(defined).collect()
}

/// Who knows which kinds live in namespaces.
struct Scoping<'a> {
    definitions: DefinedKinds,
    scopes: &'a dyn ScopeLookup,
    phases: &'a [PhaseSettings],
}

impl Scoping<'_> {
    /// Whose the field `status` of `object` is, where that is known.
    fn status_field(&self, object: &Value) -> Option<StatusField> {
        let view = ManifestView(object);
        let (group, kind) = view.group_and_kind();
        let version = view.api_version().rsplit('/').next().unwrap_or_default();
        let defined = self.definitions.get(&(group.to_owned(), kind.to_owned()));
        let defined = defined.and_then(|defined| defined.statuses.get(version).copied());
        defined.or_else(|| self.scopes.status(view.api_version(), kind))
    }

    fn scope(&self, group: &str, kind: &str) -> Scope {
        let defined = self.definitions.get(&(group.to_owned(), kind.to_owned()));
        defined
            .and_then(|defined| defined.scope)
            .or_else(|| self.scopes.scope(group, kind))
            .or_else(|| self.expected_scope(group, kind))
            .unwrap_or(Scope::Namespaced)
    }

    /// The scope that the plan says the kind will have, where a controller defines it.
    fn expected_scope(&self, group: &str, kind: &str) -> Option<Scope> {
        let expected = self.phases.iter().flat_map(|phase| &phase.expects);
        let crd = ExpectedCrd::of_kind(expected, group, kind)?;
        Some(match crd.scope {
            ExpectedScope::Namespaced => Scope::Namespaced,
            ExpectedScope::Cluster => Scope::Cluster,
        })
    }

    /// Puts `manifest` into its source's namespace where it names none and has to be in one.
    fn place(&self, manifest: &mut Manifest) {
        let view = ManifestView(&manifest.value);
        let (group, kind) = view.group_and_kind();
        if view.namespace().is_none()
            && self.scope(group, kind) == Scope::Namespaced
            && let Some(namespace) = manifest.namespace.take()
            && let Some(metadata) = manifest.value["metadata"].as_object_mut()
        {
            metadata.insert("namespace".to_owned(), Value::String(namespace));
        }
    }
}

fn object(id: ObjectId, value: Value, origin: Origin) -> Object {
    Object {
        id,
        api_version: ManifestView(&value).api_version().to_owned(),
        body: Arc::new(value),
        origin,
    }
}

struct Rendering<'a> {
    objects: IndexMap<ObjectId, Object>,
    hints: HashMap<ObjectId, PhaseHint>,
    hooks: Vec<(Object, ChartPart)>,
    problems: Vec<Problem>,
    scoping: Scoping<'a>,
    namespace: &'a str,
}

impl Rendering<'_> {
    fn add(&mut self, manifest: Manifest) {
        let Manifest {
            mut value,
            origin,
            mut hint,
            namespace: _,
        } = manifest;
        let mut found = Vec::new();
        let Annotated {
            phase,
            marks,
            provides,
        } = take_annotations(&mut value, &mut found);
        self.problems.extend(
            found
                .into_iter()
                .map(|problem| placed(problem, &origin, ObjectId::of(&value).as_ref())),
        );
        (hint.annotation, hint.marks, hint.provides) = (phase, marks, provides);
        let Some(mut id) = ObjectId::of(&value) else {
            let problem = Problem::error(
                "the variables leave it without `apiVersion`, `kind` or `metadata.name`",
            );
            return self.problems.push(
                problem
                    .at(&origin)
                    .hint("give the variables values of text"),
            );
        };
        match self.scoping.scope(&id.group, &id.kind) {
            Scope::Cluster => id.namespace = self.without_namespace(&mut value, &id, &origin),
            Scope::Namespaced if id.namespace.is_none() => {
                value["metadata"]["namespace"] = Value::String(self.namespace.to_owned());
                id.namespace = Some(self.namespace.to_owned());
            }
            Scope::Namespaced => {}
        }
        match hint.part {
            // Helm takes the same object twice where it is a hook of something else each time.
            Some(part) if part.hook.as_ref().is_some_and(|hook| !hook.is_brought()) => {
                self.hooks.push((object(id, value, origin), part));
            }
            _ => self.insert(id, value, origin, hint),
        }
    }

    /// Takes the namespace off a cluster-scoped object, as the API server does.
    fn without_namespace(
        &mut self,
        value: &mut Value,
        id: &ObjectId,
        origin: &Origin,
    ) -> Option<String> {
        let removed = value["metadata"]
            .as_object_mut()
            .and_then(|metadata| metadata.remove("namespace"));
        if removed.is_some() && id.namespace.is_some() {
            let problem = Problem::of(
                Check::NeedlessNamespace,
                format!(
                    "a {} belongs to no namespace, so its namespace is not sent",
                    id.kind
                ),
            );
            self.problems
                .push(problem.at(origin).hint("remove `metadata.namespace`"));
        }
        None
    }

    fn insert(&mut self, id: ObjectId, value: Value, origin: Origin, hint: PhaseHint) {
        match self.objects.entry(id) {
            Entry::Occupied(first) => {
                let same_marks = self.hints.get(first.key()).is_some_and(|known| {
                    (&known.annotation, &known.marks) == (&hint.annotation, &hint.marks)
                });
                let place = &first.get().origin;
                let problem = if same_marks && *first.get().body == value {
                    Problem::of(
                        Check::RepeatedObject,
                        format!(
                            "the object is there twice and the same, first at {place}, where it is taken from"
                        ),
                    )
                } else {
                    Problem::of(
                        Check::DuplicateObject,
                        format!("the object is there twice, first at {place}"),
                    )
                };
                self.problems.push(
                    problem
                        .at(&origin)
                        .about(first.key())
                        .hint("remove one of them"),
                );
            }
            Entry::Vacant(entry) => {
                let id = entry.key().clone();
                self.hints.insert(id.clone(), hint);
                entry.insert(object(id, value, origin));
            }
        }
    }

    /// Adds the namespaces that `plan` names for what is chosen of it and no manifest describes, and
    /// returns them.
    fn add_namespaces(&mut self, plan: &Plan, builds: &Builds) -> Vec<ObjectId> {
        let own = plan.namespace.is_named.then_some(&plan.namespace.name);
        let own = own.map(|name| (name, 1));
        let of_sources = builds
            .sources(plan)
            .filter_map(|it| Some((it.namespace()?, it.line)));
        let mut added = Vec::new();
        for (name, line) in own.into_iter().chain(of_sources) {
            let id = ObjectId::namespace(name);
            if GIVEN_NAMESPACES.contains(&name.as_str()) || self.objects.contains_key(&id) {
                continue;
            }
            let value =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let origin = Origin {
                file: Arc::from(shown(&plan.paths.file)),
                line,
            };
            self.insert(id.clone(), value, origin, PhaseHint::default());
            added.push(id);
        }
        added
    }
}
