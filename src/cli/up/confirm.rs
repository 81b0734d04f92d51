use std::collections::BTreeSet;

use super::prepare::Prepared;
use crate::{
    cli::{intent::ChangeRequest, prompt::TerminalAsk, session::Session},
    engine::{self, PrunePlan, RemovalMode},
    error::{CommandError, ExitCode},
    plan::PhaseId,
    report::{ChangeAction, ChangeRow, ChangeSummary, Extent, Output},
    secret::{Ask, AskError},
};

/// Shows what will be done and asks for consent, as the environment demands.
pub(in crate::cli) fn confirm(
    intent: &ChangeRequest<'_>,
    prepared: &Prepared,
    session: &Session,
    output: &mut Output,
) -> Result<(), CommandError> {
    let asks = intent.yes.is_none();
    let rows = output.stderr_rows().filter(|_| asks);
    let extent = Extent {
        width: output.stderr_width(),
        rows,
        creations: asks,
    };
    output.note(summary(intent, prepared, session).text(extent).trim_end());
    output.note("");
    let context = session.cluster.context();
    if deletes_data(&prepared.pruning) {
        consent_to_loss(intent, context)
    } else {
        consent(intent, context)
    }
}

/// Whether data goes: then the name of the release has to be given, whatever the environment.
pub(in crate::cli) fn deletes_data(pruning: &PrunePlan) -> bool {
    pruning.data().next().is_some()
}

/// Asks for consent to what was shown, as the environment demands, where `--yes` does not give it.
pub(in crate::cli) fn consent(
    intent: &ChangeRequest<'_>,
    context: &str,
) -> Result<(), CommandError> {
    answer(intent, false, context)
}

/// Asks for the release's name, whatever the environment, since data is deleted with what was
/// shown.
pub(in crate::cli) fn consent_to_loss(
    intent: &ChangeRequest<'_>,
    context: &str,
) -> Result<(), CommandError> {
    answer(intent, true, context)
}

fn answer(
    intent: &ChangeRequest<'_>,
    deletes_data: bool,
    context: &str,
) -> Result<(), CommandError> {
    let release = intent.release.to_string();
    match intent.yes {
        Some(given) if given == release => Ok(()),
        Some("") if !intent.protected && !deletes_data => Ok(()),
        Some("") if deletes_data => Err(CommandError::usage(
            "data would be deleted: a bare `--yes` does not do; nothing was changed",
        )
        .hint(format!("name the release: `--yes={release}`"))),
        Some("") => Err(CommandError::usage(format!(
            "environment `{}` is protected: a bare `--yes` does not do",
            intent.release.environment
        ))
        .hint(format!("name the release: `--yes={release}`"))),
        Some(given) => Err(CommandError::usage(format!(
            "`--yes={given}` names another release: this is `{release}`"
        ))),
        None => ask(intent, deletes_data, &release, context),
    }
}

fn ask(
    intent: &ChangeRequest<'_>,
    deletes_data: bool,
    release: &str,
    context: &str,
) -> Result<(), CommandError> {
    let mut terminal = TerminalAsk;
    let question = intent.verb.question(intent.release, context);
    let environment = &intent.release.environment;
    let answer = tokio::task::block_in_place(|| {
        if deletes_data {
            terminal.typed_name(
                &format!("{question} Data will be deleted for good; type `{release}`"),
                release,
            )
        } else if intent.protected {
            terminal.typed_name(
                &format!("{question} `{environment}` is protected; type `{release}`"),
                release,
            )
        } else {
            terminal.confirm(&question)
        }
    });
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandError::usage("not confirmed; nothing was changed")),
        Err(AskError::Interrupted) => Err(CommandError::new(
            ExitCode::Interrupted,
            "interrupted; nothing was changed",
        )),
        Err(AskError::NoTerminal) => Err(CommandError::usage(
            "there is no terminal to ask at; nothing was changed",
        )
        .hint(format!(
            "confirm with `--yes{}`",
            if intent.protected || deletes_data {
                format!("={release}")
            } else {
                String::new()
            }
        ))),
        Err(error) => Err(CommandError::failed("nothing was changed").because(&error)),
    }
}

fn summary(intent: &ChangeRequest<'_>, prepared: &Prepared, session: &Session) -> ChangeSummary {
    let mut namespaces: Vec<String> = prepared
        .wanted
        .objects
        .keys()
        .filter_map(|id| id.namespace.clone())
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let rows = prepared.decisions.iter().map(|decision| ChangeRow {
        phase: prepared.wanted.objects[&decision.id].phase.clone(),
        object: decision.id.clone(),
        action: match decision.action {
            engine::ChangeAction::Create => ChangeAction::Create,
            engine::ChangeAction::Change => ChangeAction::Change,
            engine::ChangeAction::Replace => ChangeAction::Recreate,
            engine::ChangeAction::Keep => ChangeAction::Unchanged,
        },
        detail: detail(decision),
    });
    let mut rows: Vec<ChangeRow> = rows.collect();
    let position = |row: &ChangeRow| {
        prepared
            .wanted
            .phases
            .iter()
            .position(|phase| row.phase.is_declared_as(&phase.name))
    };
    rows.sort_by_key(position);
    rows.extend(removed(&prepared.pruning, |_| PhaseId::Prune));
    ChangeSummary {
        release: intent.release.to_string(),
        context: session.cluster.context().to_owned(),
        server: session.cluster.server().to_owned(),
        namespaces,
        rows,
        variables_not_from_file: intent.foreign_variables.clone(),
        secrets: written_secrets(prepared),
    }
}

/// What is to be said of one object.
fn detail(decision: &engine::Decision) -> Option<String> {
    let forced = decision
        .force
        .then(|| "reverts changes made by kubectl".to_owned());
    let grown = decision
        .expansions
        .iter()
        .map(|expansion| format!("{} grows to {}", expansion.claim, expansion.size));
    let said: Vec<String> = decision
        .remark
        .clone()
        .into_iter()
        .chain(forced)
        .chain(grown)
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// What becomes of what goes; `in_phase` says under which heading it is shown.
pub(in crate::cli) fn removed(
    pruning: &PrunePlan,
    in_phase: impl Fn(&PhaseId) -> PhaseId,
) -> Vec<ChangeRow> {
    let removals = pruning.removals.iter().map(|removal| {
        let (action, detail) = match removal.how {
            RemovalMode::Delete { .. } => (ChangeAction::Delete, None),
            RemovalMode::GiveUp => (
                ChangeAction::GiveUp,
                Some("managed by others too: only the label is removed".to_owned()),
            ),
        };
        ChangeRow {
            phase: in_phase(&removal.phase),
            object: removal.id.clone(),
            action,
            detail,
        }
    });
    let kept = pruning.kept.iter().map(|(id, why)| (id, why.clone()));
    let hidden = pruning
        .hidden
        .iter()
        .map(|id| (id, "you may not read it".to_owned()));
    let kept = kept.chain(hidden).map(|(id, why)| ChangeRow {
        phase: PhaseId::Unassigned,
        object: id.clone(),
        action: ChangeAction::Keep,
        detail: Some(why),
    });
    removals.chain(kept).collect()
}

/// Where the values of those declared Secrets come from that are written; of the others, nothing
/// changes.
fn written_secrets(prepared: &Prepared) -> Vec<(String, String)> {
    let written = prepared
        .decisions
        .iter()
        .filter(|decision| decision.action != engine::ChangeAction::Keep);
    let written: BTreeSet<&str> = written
        .filter(|decision| decision.id.kind == "Secret")
        .map(|decision| decision.id.name.as_str())
        .collect();
    let is_written = |(name, _): &&(String, String)| {
        name.split_once('/')
            .is_some_and(|(secret, _)| written.contains(secret))
    };
    prepared
        .chosen
        .sources
        .iter()
        .filter(is_written)
        .cloned()
        .collect()
}
