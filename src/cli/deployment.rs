//! What the commands share that deploy a plan or say what that would do: their flags, and the way from
//! the files to a prepared change.

use super::{
    check_arguments::CheckArguments,
    consent::{Consent, Verb},
    plan_arguments::{ClusterArguments, PlanArguments, check_phases, rendered},
    prompter::Prompter,
    secret_arguments::SecretOptions,
    session::Session,
};
use crate::{
    engine::{
        Declarations, GivenSecrets, Part, Prepared, Rendering, Request, Selection, check_part,
        prepare_deploy, settle,
    },
    error::CommandError,
    object::LabelSelector,
    plan::Plan,
    preflight::refusal,
    release::{Author, Store},
    report::Output,
    source::UsedTool,
};

/// What is deployed, and what the user permits for it.
#[derive(Debug, clap::Args)]
pub(super) struct DeploymentArguments {
    #[command(flatten)]
    pub(super) plan: PlanArguments,
    #[command(flatten)]
    pub(super) cluster: ClusterArguments,
    /// Run only this phase; can be given several times
    #[arg(long, value_name = "PHASE")]
    pub(super) phase: Vec<String>,
    /// Run only this object; can be given several times
    #[arg(long, value_name = "KIND/NAME")]
    pub(super) only: Vec<String>,
    /// Run only objects with these labels: `app=web`, `tier in (a,b)`, `!legacy`, with commas
    /// between
    #[arg(short = 'l', long, value_name = "SELECTOR", value_parser = LabelSelector::parse)]
    pub(super) selector: Option<LabelSelector>,
    /// Take over fields that are managed by others
    #[arg(long)]
    pub(super) force_conflicts: bool,
    /// Delete this object and create it again if immutable fields of it change; can be given
    /// several times
    #[arg(long, value_name = "KIND/NAME")]
    pub(super) recreate: Vec<String>,
    /// Share objects that are managed by another release, or by this one and recorded in none of
    /// its revisions
    #[arg(long)]
    pub(super) adopt: bool,
    /// Also delete volumes that have left the plan, with the data on them
    #[arg(long)]
    pub(super) delete_data: bool,
    #[command(flatten)]
    pub(super) checks: CheckArguments,
    #[command(flatten)]
    pub(super) secrets: SecretOptions,
}

/// What the files say, before the cluster is asked for anything.
pub(super) struct Files {
    pub(super) plan: Plan,
    pub(super) selection: Selection,
    /// `None` where charts are to be rendered for the cluster.
    pub(super) rendering: Option<Rendering>,
    pub(super) given: GivenSecrets,
}

impl DeploymentArguments {
    /// Reads the files; everything that is wrong with them is an error.
    pub(super) fn files(&self, output: &mut Output) -> Result<Files, CommandError> {
        let plan = self.plan.load(&self.checks, output)?;
        refuse_unsupported(&plan)?;
        let selection = self.selection(&plan)?;
        // Everything that is wrong with the files is said before the cluster is asked for anything;
        // but what a chart makes is known only then.
        let rendering = if plan.has_charts() {
            None
        } else {
            Some(rendered(&plan, output)?)
        };
        if let Some(rendering) = &rendering {
            check_objects(rendering, &plan, &selection, output)?;
        }
        let given = self.secrets.read(&plan)?;
        Ok(Files {
            plan,
            selection,
            rendering,
            given,
        })
    }

    /// What the run is about; an unknown phase is an error that lists the known ones.
    fn selection(&self, plan: &Plan) -> Result<Selection, CommandError> {
        let part = Part {
            phases: self.phase.clone(),
            objects: self.only.clone(),
            labels: self.selector.clone(),
        };
        if part == Part::default() {
            return Ok(Selection::All);
        }
        check_phases(&self.phase, plan)?;
        Ok(Selection::Only(part))
    }
}

/// Refuses what can be seen without a cluster to go wrong in `rendering`, and says what may.
fn check_objects(
    rendering: &Rendering,
    plan: &Plan,
    selection: &Selection,
    output: &mut Output,
) -> Result<(), CommandError> {
    if let Selection::Only(part) = selection {
        check_part(part, rendering, plan)?;
    }
    let findings = rendering.findings_before_a_cluster(plan, selection);
    for warning in findings.iter().filter(|finding| !finding.is_error()) {
        output.note(&format!("Warning: {warning}"));
    }
    refusal(&findings).map_or(Ok(()), Err)
}

/// A plan that asks for what this version cannot do is refused: a step silently left out is worse
/// than none.
fn refuse_unsupported(plan: &Plan) -> Result<(), CommandError> {
    if plan.checks.unsupported.is_empty() {
        return Ok(());
    }
    let keys = plan.checks.unsupported.join("\n  ");
    Err(CommandError::usage(format!(
        "the plan uses keys that are not supported yet:\n  {keys}"
    ))
    .hint("take these keys out of the plan, or update deployctl"))
}

/// What is deployed, and how.
#[derive(Clone, Copy)]
pub(super) struct Deployment<'a> {
    pub(super) arguments: &'a DeploymentArguments,
    pub(super) plan: &'a Plan,
    pub(super) selection: &'a Selection,
    pub(super) given: &'a GivenSecrets,
    pub(super) by: &'a Author,
    /// Whether a run that fails is rolled back.
    pub(super) rolls_back: bool,
    /// What `--yes` was given as.
    pub(super) yes: Option<&'a str>,
    /// Whether nothing is going to be written, so that nobody is asked for anything.
    pub(super) looks_only: bool,
}

impl Deployment<'_> {
    /// The plan and its rendering as they are in the cluster of `session`.
    pub(super) async fn settled(
        &self,
        rendering: Option<Rendering>,
        session: &Session,
        output: &mut Output,
    ) -> Result<(Plan, Rendering), CommandError> {
        let is_checked = rendering.is_some();
        let consent = self.consent(session);
        let mut prompter = Prompter::new(&consent, output);
        let store = session.store(&self.plan.address);
        let settled = settle(session.context(&store), self.plan, rendering, &mut prompter).await;
        let (plan, rendering) = settled.map_err(|error| session.prepare_error(error))?;
        if !is_checked {
            check_objects(&rendering, &plan, self.selection, output)?;
        } else if let Selection::Only(part) = self.selection {
            check_part(part, &rendering, &plan)?;
        }
        Ok((plan, rendering))
    }

    /// What has to be done, and what with.
    pub(super) async fn prepared(
        &self,
        rendering: Rendering,
        (session, store): (&Session, &Store),
        prompter: &mut Prompter<'_>,
    ) -> Result<Prepared, CommandError> {
        let request = self.request();
        let context = session.context(store);
        let prepare = prepare_deploy(context, &request, self.declarations(), rendering, prompter);
        prepare.await.map_err(|error| session.prepare_error(error))
    }

    pub(super) fn declarations(&self) -> Declarations<'_> {
        Declarations {
            plan: self.plan,
            given: self.given,
            looks_only: self.looks_only,
        }
    }

    pub(super) fn request(&self) -> Request<'_> {
        let arguments = self.arguments;
        Request {
            release: &self.plan.address.release,
            by: self.by,
            selection: self.selection,
            adopt: arguments.adopt,
            force_conflicts: arguments.force_conflicts,
            recreate: &arguments.recreate,
            rolls_back: self.rolls_back,
            delete_data: arguments.delete_data,
        }
    }

    pub(super) fn consent(&self, session: &Session) -> Consent<'_> {
        let plan = self.plan;
        let value = |name: &String| {
            plan.variables
                .values
                .get(name)
                .map(text_of)
                .unwrap_or_default()
        };
        Consent {
            foreign_variables: plan
                .variables
                .foreign
                .iter()
                .map(|name| (name.clone(), value(name)))
                .collect(),
            ..Consent::new(
                &plan.address.release,
                Verb::Deploy,
                plan.protected,
                self.yes,
                session,
            )
        }
    }
}

/// The programs that built the sources; named with `-v`.
pub(super) fn told_tools(rendering: &Rendering, verbose: u8, output: &mut Output) -> Vec<UsedTool> {
    let tools = rendering.tools();
    if verbose > 0 {
        for tool in &tools {
            output.note(&format!("Sources built with {tool}"));
        }
        for test in rendering.tests() {
            output.note(&format!(
                "{test} is a test of its chart: `deployctl verify` runs it"
            ));
        }
    }
    tools
}

fn text_of(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
