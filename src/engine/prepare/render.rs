//! From a plan to what is wanted: sources rendered, put into phases, ordered.

use std::{cell::RefCell, collections::HashSet, path::Path, sync::Arc};

use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::selection::Selection,
    prepare::choose::{choose, chosen_sources, self_made},
};
use crate::{
    cluster::Served,
    error::CommandError,
    finding::Check,
    object::{
        self, ChartChange, FieldPath, Hook, KnownScopes, Marks, Object, ObjectId, Origin,
        PhaseHint, Problem, Provided, References, Scope, ScopeLookup, StatusField,
    },
    phase::{self, Assignment, Ordered},
    plan::{self, Capabilities, Choice, FieldSelector, NoCluster, PhaseId, Plan, PlanPart},
    preflight::{Finding, Wanted, offline, offline_before_a_cluster},
    source::{self, Builds, ChartCapabilities, Rendered, UsedTool},
};

/// The objects of a plan, and the phase of each.
pub(crate) struct Rendering {
    /// The objects.
    pub(crate) rendered: Rendered,
    /// Which of them needs which.
    pub(crate) references: References,
    /// The phase of each.
    pub(crate) assignment: Assignment,
    /// What programs made of the sources, which is not made again.
    builds: Builds,
    /// What the conditions in the plan leave out.
    pub(crate) choice: Choice,
}

impl Rendering {
    /// Renders `plan` without a cluster: which kinds live in namespaces is known for the built-in
    /// and well-known ones.
    pub(crate) fn offline(plan: &Plan) -> Result<Self, CommandError> {
        Self::with(plan, &KnownScopes, &NoCluster).map_err(|problems| problems_error(&problems))
    }

    /// What may be wrong with the objects.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.rendered
            .warnings
            .iter()
            .chain(&self.assignment.warnings)
    }

    /// What objects say that there will be because of them.
    pub(crate) fn provided(&self) -> Vec<(ObjectId, Provided)> {
        let mut provided: Vec<(ObjectId, Provided)> = Vec::new();
        for id in self.rendered.objects.keys() {
            let hint = self.rendered.hints.get(id);
            let listed = hint.into_iter().flat_map(|hint| &hint.provides);
            provided.extend(listed.map(|listed| (id.clone(), listed.clone())));
        }
        provided
    }

    /// What the objects alone show, without those of phases that are left out.
    pub(crate) fn findings(&self, plan: &Plan) -> Vec<Finding> {
        let chosen = plan.chosen(&self.choice);
        let taken = self.taken(plan).map(|(_, object)| object);
        offline(&Wanted::new(taken, &chosen))
    }

    /// What the objects of `selection` alone show, but for what the cluster is going to say better.
    pub(crate) fn findings_before_a_cluster(
        &self,
        plan: &Plan,
        selection: &Selection,
    ) -> Vec<Finding> {
        let chosen = plan.chosen(&self.choice);
        let taken = self.taken(plan).map(|(_, object)| object);
        let mut findings = offline_before_a_cluster(&Wanted::new(taken, &chosen));
        let selected: HashSet<&ObjectId> = self
            .taken(plan)
            .filter(|(phase, object)| selection.holds_object(phase, &object.id, &object.body))
            .map(|(_, object)| &object.id)
            .collect();
        let is_selected = |id: &ObjectId| selected.contains(id);
        findings.retain(|finding| finding.object.as_ref().is_none_or(is_selected));
        findings
    }

    /// The objects of phases that are not left out, each with its phase.
    fn taken<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (PhaseId, &'a Object)> {
        let phases = plan.contents.phases.iter().enumerate();
        let taken = phases.filter(|(_, phase)| {
            let part = PlanPart::Phase(phase.name.clone());
            !self.choice.skips(&part)
        });
        taken.flat_map(move |(number, phase)| {
            let objects = self.assignment.objects_of(number);
            objects.map(move |id| (phase.id(), &self.rendered.objects[id]))
        })
    }

    /// Renders `plan`; `scopes` says which kinds live in namespaces, and `served` what conditions ask
    /// for. All problems come at once.
    pub(crate) fn with(
        plan: &Plan,
        scopes: &dyn ScopeLookup,
        served: &dyn Capabilities,
    ) -> Result<Self, Vec<Problem>> {
        let builds = Builds::of(plan, chosen_sources(plan, served), None)?;
        Self::of(plan, builds, scopes, served)
    }

    fn of(
        plan: &Plan,
        builds: Builds,
        scopes: &dyn ScopeLookup,
        served: &dyn Capabilities,
    ) -> Result<Self, Vec<Problem>> {
        let told = RefCell::default();
        let mut rendered = source::render(plan, &builds, scopes, &|value, origin, problems| {
            warn_of_former_names(plan, value, origin, &mut told.borrow_mut(), problems);
            substitute(plan, value, origin, problems);
        })?;
        let idle = phase::idle_ignored_fields(
            &rendered.objects,
            &rendered.hints,
            &plan.contents.ignored,
            &Origin {
                file: plan.paths.file.as_path().into(),
                line: 1,
            },
        );
        rendered.warnings.extend(idle);
        let mut references = References::between(&rendered.objects);
        if references.problems().iter().any(Problem::is_error) {
            return Err(references.problems().to_vec());
        }
        rendered.warnings.extend_from_slice(references.problems());
        let unheard = object::unheard_annotations(&rendered.objects);
        rendered.warnings.extend(unheard);
        let ports = object::unmet_port_names(rendered.objects.values());
        rendered.warnings.extend(ports);
        let mut assignment = phase::assign(
            &rendered.objects,
            &rendered.hints,
            &references,
            &plan.contents.phases,
        )?;
        phase::declare_hooks(&mut references, &rendered.hints);
        let beside = phase::place_hooks(
            &mut assignment,
            &rendered.hints,
            &references,
            &plan.contents.phases,
        );
        rendered.warnings.extend(beside);
        let contradicted =
            phase::contradicted_waves(&rendered.objects, &assignment, &plan.contents.phases);
        rendered.warnings.extend(contradicted);
        let self_made = self_made(plan, &rendered, &assignment);
        if !self_made.is_empty() {
            return Err(self_made);
        }
        let choice = choose(plan, &rendered, &assignment, served);
        for warnings in [&mut rendered.warnings, &mut assignment.warnings] {
            warnings.retain(|warning| plan.checks.tells(warning.check));
        }
        Ok(Self {
            rendered,
            references,
            assignment,
            builds,
            choice,
        })
    }

    /// The hooks of charts that are tests, which no run runs.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &ObjectId> {
        let later = self.rendered.hooks.iter();
        let tests = later.filter(|(_, part)| {
            let hook = part.hook.as_ref();
            hook.is_some_and(|hook| hook.is_run_at(ChartChange::Test))
        });
        tests.map(|(object, _)| &object.id)
    }

    /// The programs that sources were built with.
    pub(crate) fn tools(&self) -> Vec<UsedTool> {
        self.builds.tools()
    }

    /// Renders `plan` for a cluster that serves `served`; charts ask for its `capabilities`.
    pub(crate) fn in_cluster(
        plan: &Plan,
        served: &Served,
        capabilities: &ChartCapabilities,
    ) -> Result<Self, CommandError> {
        let builds = Builds::of(plan, chosen_sources(plan, served), Some(capabilities));
        let rendering =
            builds.and_then(|builds| Self::of(plan, builds, &ServedScopes(served), served));
        rendering.map_err(|problems| problems_error(&problems))
    }

    /// This rendering with what conditions leave out in a cluster that serves `served`; another one
    /// where the cluster says otherwise about which sources there are, which kinds live in
    /// namespaces, or that a `status` is its own. Plans with charts are rendered by
    /// [`Self::in_cluster`].
    pub(crate) fn for_cluster(self, plan: &Plan, served: &Served) -> Result<Self, CommandError> {
        let scopes = ServedScopes(served);
        let chosen = chosen_sources(plan, served);
        if !self.builds.are_of(&chosen) {
            let builds = self.builds.with_sources(plan, chosen);
            let rendering = builds.and_then(|builds| Self::of(plan, builds, &scopes, served));
            return rendering.map_err(|problems| problems_error(&problems));
        }
        let differs = |id: &ObjectId| {
            scopes
                .scope(&id.group, &id.kind)
                .is_some_and(|scope| (scope == Scope::Namespaced) != id.namespace.is_some())
        };
        let is_of_cluster = |object: &Object| {
            object.body.get("status").is_some()
                && scopes.status(&object.api_version, &object.id.kind)
                    == Some(StatusField::Subresource)
        };
        let mut objects = self.rendered.objects.iter();
        if objects.any(|(id, object)| differs(id) || is_of_cluster(object)) {
            let rendering = Self::of(plan, self.builds, &scopes, served);
            return rendering.map_err(|problems| problems_error(&problems));
        }
        let choice = choose(plan, &self.rendered, &self.assignment, served);
        Ok(Self { choice, ..self })
    }

    /// What is wanted, without the phases that are left out.
    pub(crate) fn desired(&self, plan: &Plan) -> DesiredState {
        let mut desired = DesiredState {
            release: plan.address.release.clone(),
            objects: indexmap::IndexMap::new(),
            phases: plan.contents.phases.clone(),
            readiness: plan.contents.readiness.rules.clone(),
            hooks: Vec::new(),
        };
        for (number, settings) in plan.contents.phases.iter().enumerate() {
            if self.choice.skips(&PlanPart::Phase(settings.name.clone())) {
                desired.phases[number].expects.clear();
                continue;
            }
            let objects: Vec<&Object> = self
                .assignment
                .objects_of(number)
                .map(|id| &self.rendered.objects[id])
                .collect();
            for ordered in phase::order(&objects, &self.references) {
                let object = self.rendered.objects[&ordered.id].clone();
                let marks = self.marks(&object, plan);
                let ignored = self.ignored(&object, plan);
                let hint = self.rendered.hints.get(&object.id);
                let part = hint.and_then(|hint| hint.part.clone());
                let placed =
                    DesiredObject::new(object, settings.id(), ordered, &plan.address.release)
                        .marked(marks)
                        .ignoring(ignored)
                        .of_chart(part);
                desired.objects.insert(placed.object.id.clone(), placed);
            }
        }
        desired.leave_replicas_to_autoscalers();
        desired.hooks = self.stored_hooks(&desired);
        desired
    }

    /// What the charts that are `desired` run later, in the order of the phases in which the charts end.
    fn stored_hooks(&self, desired: &DesiredState) -> Vec<DesiredObject> {
        let objects = || desired.objects.values();
        let is_desired = |chart: &str| {
            let mut parts = objects().filter_map(|it| it.part.as_ref());
            parts.any(|part| part.chart == chart)
        };
        let later = self.rendered.hooks.iter();
        let later = later.filter(|(_, part)| is_desired(&part.chart));
        let later = later.map(|(object, part)| {
            let order = Ordered::alone(object.id.clone());
            let phase = PhaseId::Unassigned;
            DesiredObject::new(object.clone(), phase, order, &desired.release)
                .of_chart(Some(part.clone()))
        });
        let brought = objects().filter(|it| it.hook().is_some_and(Hook::is_stored));
        let mut stored: Vec<DesiredObject> = brought.cloned().chain(later).collect();
        let chart = |it: &DesiredObject| it.part.as_ref().map(|part| part.chart.clone());
        stored.sort_by_cached_key(|hook| objects().rposition(|it| chart(it) == chart(hook)));
        stored
    }

    /// The fields of `object` that the plan leaves to others.
    fn ignored(&self, object: &Object, plan: &Plan) -> Vec<FieldSelector> {
        let nothing = PhaseHint::default();
        let hint = self.rendered.hints.get(&object.id).unwrap_or(&nothing);
        phase::ignored_fields(object, hint, &plan.contents.ignored)
    }

    /// What the plan and the object's annotations say about how it is changed and put back.
    fn marks(&self, object: &Object, plan: &Plan) -> Marks {
        let nothing = PhaseHint::default();
        let hint = self.rendered.hints.get(&object.id).unwrap_or(&nothing);
        let marks = phase::marks(object, hint, &plan.contents.phases);
        Marks {
            restart_on_change: Some(
                marks
                    .restart_on_change
                    .unwrap_or(plan.contents.restart_on_change),
            ),
            ..marks
        }
    }
}

fn substitute(plan: &Plan, value: &mut Value, origin: &Origin, problems: &mut Vec<Problem>) {
    if !plan.variables.in_manifests {
        let mut names = plan::built_in_references(value);
        names.sort_unstable();
        names.dedup();
        problems.extend(names.into_iter().map(|name| {
            let message = format!("`${{{name}}}` stays as it is: the plan declares no variables");
            Problem::of(Check::UnknownVariable, message)
                .at(origin)
                .hint("write `variables: {}` into the plan if it shall be replaced")
        }));
        return;
    }
    plan::substitute(value, &plan.variables.values, &mut |found| {
        let field = FieldPath::of_pointer(&found.pointer);
        let message = format!("`{field}`: {}", found.message);
        problems.push(Problem::of(found.check, message).at(origin));
    });
}

/// Warns about names that were built in once, each once in a file.
fn warn_of_former_names(
    plan: &Plan,
    value: &Value,
    origin: &Origin,
    told: &mut HashSet<(Arc<Path>, String)>,
    problems: &mut Vec<Problem>,
) {
    if !plan.variables.in_manifests {
        return;
    }
    for message in plan::former_references(value, &plan.variables.values) {
        if told.insert((Arc::clone(&origin.file), message.clone())) {
            problems.push(Problem::of(Check::UnknownVariable, message).at(origin));
        }
    }
}

/// One error (exit 2) that shows all errors among `problems`.
fn problems_error(problems: &[Problem]) -> CommandError {
    let errors: Vec<String> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(ToString::to_string)
        .collect();
    match errors.as_slice() {
        [error] => CommandError::usage(error.clone()),
        errors => CommandError::usage(format!(
            "the manifests have {} errors\n{}",
            errors.len(),
            errors.join("\n")
        )),
    }
}

/// Scopes as the cluster serves them; for kinds that it does not serve, the well-known ones.
struct ServedScopes<'a>(&'a Served);

impl ScopeLookup for ServedScopes<'_> {
    fn scope(&self, group: &str, kind: &str) -> Option<Scope> {
        let served = self.0.preferred(group, kind).map(|resource| {
            if resource.namespaced {
                Scope::Namespaced
            } else {
                Scope::Cluster
            }
        });
        served.or_else(|| KnownScopes.scope(group, kind))
    }

    fn status(&self, api_version: &str, kind: &str) -> Option<StatusField> {
        let served = || {
            let resource = self.0.exact(api_version, kind)?;
            Some(if resource.has_status {
                StatusField::Subresource
            } else {
                StatusField::Ordinary
            })
        };
        KnownScopes.status(api_version, kind).or_else(served)
    }
}
