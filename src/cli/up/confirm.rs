use std::collections::BTreeSet;

use super::{Arguments, prepare::Prepared};
use crate::{
    cli::{prompt::TerminalAsk, session::Session},
    engine,
    error::{CommandError, ExitCode},
    plan::Plan,
    report::{ChangeAction, ChangeRow, ChangeSummary, Extent, Output},
    secret::{Ask, AskError},
};

/// Shows what will be done and asks for consent, as the environment demands.
pub(super) fn confirm(
    arguments: &Arguments,
    plan: &Plan,
    prepared: &Prepared,
    session: &Session,
    output: &mut Output,
) -> Result<(), CommandError> {
    let asks = arguments.yes.is_none();
    let rows = output.stderr_rows().filter(|_| asks);
    let extent = Extent { width: output.stderr_width(), rows, creations: asks };
    output.note(summary(plan, prepared, session).text(extent).trim_end());
    output.note("");
    let release = plan.release.to_string();
    match arguments.yes.as_deref() {
        Some(given) if given == release => Ok(()),
        Some("") if !plan.protected => Ok(()),
        Some("") => {
            Err(CommandError::usage(format!("environment `{}` is protected: a bare `--yes` does not do", plan.release.environment))
                .hint(format!("name the release: `--yes={release}`")))
        }
        Some(given) => Err(CommandError::usage(format!("`--yes={given}` names another release: this is `{release}`"))),
        None => ask(plan, &release, session.cluster.context()),
    }
}

fn ask(plan: &Plan, release: &str, context: &str) -> Result<(), CommandError> {
    let mut terminal = TerminalAsk;
    let answer = tokio::task::block_in_place(|| {
        if plan.protected {
            terminal.typed_name(
                &format!("`{}` is protected. Type `{release}` to go on in context `{context}`", plan.release.environment),
                release,
            )
        } else {
            terminal.confirm(&format!("Go on in context `{context}`?"))
        }
    });
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandError::usage("not confirmed; nothing was changed")),
        Err(AskError::Interrupted) => Err(CommandError::new(ExitCode::Interrupted, "interrupted; nothing was changed")),
        Err(AskError::NoTerminal) => Err(CommandError::usage("there is no terminal to ask at; nothing was changed")
            .hint(format!("confirm with `--yes{}`", if plan.protected { format!("={release}") } else { String::new() }))),
        Err(error) => Err(CommandError::failed("nothing was changed").because(&error)),
    }
}

fn summary(plan: &Plan, prepared: &Prepared, session: &Session) -> ChangeSummary {
    let mut namespaces: Vec<String> = prepared.wanted.objects.keys().filter_map(|id| id.namespace.clone()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let rows = prepared.decisions.iter().map(|decision| ChangeRow {
        phase: prepared.wanted.objects[&decision.id].phase.clone(),
        object: decision.id.clone(),
        action: match decision.action {
            engine::ChangeAction::Create => ChangeAction::Create,
            engine::ChangeAction::Change => ChangeAction::Change,
            engine::ChangeAction::Keep => ChangeAction::Unchanged,
        },
        detail: decision.force.then(|| "takes back what was changed with kubectl".to_owned()),
    });
    let mut rows: Vec<ChangeRow> = rows.collect();
    let position = |row: &ChangeRow| prepared.wanted.phases.iter().position(|phase| phase.name == row.phase);
    rows.sort_by_key(position);
    ChangeSummary {
        release: plan.release.to_string(),
        context: session.cluster.context().to_owned(),
        server: session.cluster.server().to_owned(),
        namespaces,
        rows,
        variables_not_from_file: plan
            .foreign_variables
            .iter()
            .map(|name| (name.clone(), plan.variables.get(name).map(text_of).unwrap_or_default()))
            .collect(),
        secrets: written_secrets(prepared),
    }
}

/// Where the values of those declared Secrets come from that are written; of the others, nothing changes.
fn written_secrets(prepared: &Prepared) -> Vec<(String, String)> {
    let written = prepared.decisions.iter().filter(|decision| decision.action != engine::ChangeAction::Keep);
    let written: BTreeSet<&str> =
        written.filter(|decision| decision.id.kind == "Secret").map(|decision| decision.id.name.as_str()).collect();
    let is_written = |(name, _): &&(String, String)| name.split_once('/').is_some_and(|(secret, _)| written.contains(secret));
    prepared.secret_sources.iter().filter(is_written).cloned().collect()
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
