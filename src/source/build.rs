//! What programs make of the sources of a plan that need one: built side by side, and once.

use std::{collections::HashMap, sync::Arc, thread};

use super::{
    files::shown,
    helm::{self, ChartCapabilities, Charted},
    kustomize::{self, Kustomized},
    manifests::{Loaded, load},
    tool::{Tools, UsedTool},
};
use crate::{
    object::{Origin, Problem},
    plan::{Plan, Source, SourceKind},
};

/// What programs have made of the sources of a plan.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    /// Which of the sources are not left out by their conditions.
    chosen: Vec<bool>,
    /// What was made of each; `None` where no program is needed.
    built: Vec<Option<Built>>,
}

#[derive(Debug)]
enum Built {
    Kustomize(Kustomized),
    Helm(Charted),
}

impl Builds {
    /// Builds those `chosen` of the sources of `plan` that need a program, charts for a cluster with
    /// these `capabilities`, or for none. All problems come at once.
    pub(crate) fn of(
        plan: &Plan,
        chosen: Vec<bool>,
        capabilities: Option<&ChartCapabilities>,
    ) -> Result<Self, Vec<Problem>> {
        let built = chosen.iter().map(|_| None).collect();
        Self { chosen, built }.built(plan, capabilities)
    }

    /// Whether they are those of the sources that are `chosen`.
    pub(crate) fn are_of(&self, chosen: &[bool]) -> bool {
        self.chosen == chosen
    }

    /// These, but those of the sources that are `chosen`.
    pub(crate) fn with_sources(
        mut self,
        plan: &Plan,
        chosen: Vec<bool>,
    ) -> Result<Self, Vec<Problem>> {
        for (built, chosen) in self.built.iter_mut().zip(&chosen) {
            drop(built.take_if(|_| !chosen));
        }
        self.chosen = chosen;
        self.built(plan, None)
    }

    /// These, and those that are not built yet, side by side.
    fn built(
        self,
        plan: &Plan,
        capabilities: Option<&ChartCapabilities>,
    ) -> Result<Self, Vec<Problem>> {
        let tools = Tools::default();
        let built: Vec<Result<Option<Built>, Vec<Problem>>> = thread::scope(|scope| {
            let sources = plan.contents.sources.iter();
            let sources = sources.zip(self.built).zip(&self.chosen);
            let tools = &tools;
            let running: Vec<_> = sources
                .map(|((source, built), chosen)| {
                    scope.spawn(move || match built {
                        None if *chosen => build(source, plan, capabilities, tools),
                        built => Ok(built),
                    })
                })
                .collect();
            let joined = running.into_iter().map(|thread| {
                let failed = |_| Err(vec![Problem::error("the thread that built a source ended")]);
                thread.join().unwrap_or_else(failed)
            });
            joined.collect()
        });
        let (mut builds, mut problems) = (Vec::new(), Vec::new());
        for (built, source) in built.into_iter().zip(&plan.contents.sources) {
            match built {
                Ok(built) => builds.push(built),
                Err(found) => {
                    // What is missing of this machine is missing for every source that needs it.
                    let is_new = |problem: &Problem| {
                        let mut known = problems.iter();
                        !known.any(|it: &Problem| it.message == problem.message)
                    };
                    let found: Vec<Problem> = found.into_iter().filter(is_new).collect();
                    let place = place(plan, source);
                    problems.extend(found.into_iter().map(|problem| problem.or_at(&place)));
                }
            }
        }
        problems.extend(same_release(plan, &builds));
        if problems.is_empty() {
            Ok(Self {
                chosen: self.chosen,
                built: builds,
            })
        } else {
            Err(problems)
        }
    }

    /// The programs that were used, each once.
    pub(crate) fn tools(&self) -> Vec<UsedTool> {
        let tools = self.built.iter().flatten().map(|built| match built {
            Built::Kustomize(kustomized) => kustomized.tool.clone(),
            Built::Helm(charted) => charted.tool.clone(),
        });
        let mut tools: Vec<UsedTool> = tools.collect();
        tools.sort();
        tools.dedup();
        tools
    }

    /// The sources of `plan` that are chosen.
    pub(super) fn sources<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Source> {
        let sources = plan.contents.sources.iter().zip(&self.chosen);
        sources.filter_map(|(source, chosen)| chosen.then_some(source))
    }

    /// The objects of each source that is chosen, in the order of `plan`.
    pub(super) fn load<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Source, Loaded)> {
        let folder = &plan.paths.folder;
        let sources = plan.contents.sources.iter().zip(&self.built);
        let chosen = sources.zip(&self.chosen).filter(|(_, chosen)| **chosen);
        chosen.map(move |((source, built), _)| {
            let loaded = match (&source.kind, built) {
                (SourceKind::Manifests(manifests), _) => load(manifests, folder),
                (_, Some(Built::Kustomize(kustomized))) => kustomized.load(folder),
                (_, Some(Built::Helm(charted))) => charted.load(folder),
                (SourceKind::Kustomize(_) | SourceKind::Helm(_), None) => Loaded::default(),
            };
            (source, loaded)
        })
    }
}

/// A problem for each chart whose release another one has already.
fn same_release(plan: &Plan, builds: &[Option<Built>]) -> Vec<Problem> {
    let mut known = HashMap::new();
    let mut problems = Vec::new();
    for (source, built) in plan.contents.sources.iter().zip(builds) {
        let Some(Built::Helm(chart)) = built else {
            continue;
        };
        if let Some(line) = known.insert(chart.name(), source.line) {
            let message = format!(
                "the release `{}` of this chart is that of the one in line {line} too",
                chart.name()
            );
            let problem = Problem::error(message).at(&place(plan, source));
            problems.push(problem.hint("give it another name by `release`"));
        }
    }
    problems
}

/// Where `source` is written in `plan`.
pub(crate) fn place(plan: &Plan, source: &Source) -> Origin {
    Origin {
        file: Arc::from(shown(&plan.paths.file)),
        line: source.line,
    }
}

fn build(
    source: &Source,
    plan: &Plan,
    capabilities: Option<&ChartCapabilities>,
    tools: &Tools,
) -> Result<Option<Built>, Vec<Problem>> {
    let folder = &plan.paths.folder;
    match &source.kind {
        SourceKind::Manifests(_) => Ok(None),
        SourceKind::Kustomize(kustomization) => {
            let built = kustomize::build(kustomization, folder, tools)?;
            Ok(Some(Built::Kustomize(built)))
        }
        SourceKind::Helm(chart) => {
            let built = helm::build(chart, source, plan, (capabilities, tools))?;
            Ok(Some(Built::Helm(built)))
        }
    }
}
