//! What programs make of the sources of a plan that need one: built side by side, and once.

use std::{sync::Arc, thread};

use super::{
    files::shown,
    helm::{self, Capabilities, Charted},
    kustomize::{self, Kustomized},
    manifests::{Loaded, load},
    tool::UsedTool,
};
use crate::{
    object::{Origin, Problem},
    plan::{Plan, Source, SourceKind},
};

/// What programs have made of the sources of a plan; `None` for a source that needs none.
#[derive(Debug, Default)]
pub(crate) struct Builds(Vec<Option<Built>>);

#[derive(Debug)]
enum Built {
    Kustomize(Kustomized),
    Helm(Charted),
}

impl Builds {
    /// Builds the sources of `plan` that need a program, without a cluster. All problems come at once.
    pub(crate) fn of(plan: &Plan) -> Result<Self, Vec<Problem>> {
        let none = plan.contents.sources.iter().map(|_| None).collect();
        Self(none).built(plan, None)
    }

    /// Whether any of them depends on what the cluster serves.
    pub(crate) fn depend_on_cluster(&self) -> bool {
        let mut built = self.0.iter().flatten();
        built.any(|built| matches!(built, Built::Helm(_)))
    }

    /// These, but what depends on the cluster built for one with these `capabilities`.
    pub(crate) fn for_cluster(
        mut self,
        plan: &Plan,
        capabilities: &Capabilities,
    ) -> Result<Self, Vec<Problem>> {
        let charts = self.0.iter_mut();
        charts.for_each(|built| drop(built.take_if(|built| matches!(built, Built::Helm(_)))));
        self.built(plan, Some(capabilities))
    }

    /// These, and those that are not built yet, side by side.
    fn built(self, plan: &Plan, capabilities: Option<&Capabilities>) -> Result<Self, Vec<Problem>> {
        let built: Vec<Result<Option<Built>, Vec<Problem>>> = thread::scope(|scope| {
            let sources = plan.contents.sources.iter().zip(self.0);
            let running: Vec<_> = sources
                .map(|(source, built)| {
                    scope.spawn(move || match built {
                        Some(built) => Ok(Some(built)),
                        None => build(source, plan, capabilities),
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
                    let place = place(plan, source);
                    problems.extend(found.into_iter().map(|problem| problem.or_at(&place)));
                }
            }
        }
        if problems.is_empty() {
            Ok(Self(builds))
        } else {
            Err(problems)
        }
    }

    /// The programs that were used, each once.
    pub(crate) fn tools(&self) -> Vec<UsedTool> {
        let tools = self.0.iter().flatten().map(|built| match built {
            Built::Kustomize(kustomized) => kustomized.tool.clone(),
            Built::Helm(charted) => charted.tool.clone(),
        });
        let mut tools: Vec<UsedTool> = tools.collect();
        tools.sort();
        tools.dedup();
        tools
    }

    /// The objects of each source, in the order of `plan`.
    pub(super) fn load<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Source, Loaded)> {
        let folder = &plan.paths.folder;
        let sources = plan.contents.sources.iter().zip(&self.0);
        sources.map(move |(source, built)| {
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

/// Where `source` is written in `plan`.
pub(super) fn place(plan: &Plan, source: &Source) -> Origin {
    Origin {
        file: Arc::from(shown(&plan.paths.file)),
        line: source.line,
    }
}

fn build(
    source: &Source,
    plan: &Plan,
    capabilities: Option<&Capabilities>,
) -> Result<Option<Built>, Vec<Problem>> {
    let folder = &plan.paths.folder;
    match &source.kind {
        SourceKind::Manifests(_) => Ok(None),
        SourceKind::Kustomize(kustomization) => {
            let built = kustomize::build(kustomization, folder)?;
            Ok(Some(Built::Kustomize(built)))
        }
        SourceKind::Helm(chart) => {
            let built = helm::build(chart, source, plan, capabilities)?;
            Ok(Some(Built::Helm(built)))
        }
    }
}
