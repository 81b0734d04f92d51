//! Approved changes: saved by `diff --save`, and carried out by `up --approved`.

use std::{fs, path::Path};

use super::consent::Consent;
use crate::{
    diff::{Approval, ApprovedObject},
    engine::{ChangeAction, Prepared, ReleaseDifference, RemovalMode, differences, open_keys},
    error::{CommandError, ExitCode},
    object::{Digest, ObjectId},
};

/// What `prepared` is in the `cluster`, as `approved` may have been for it.
pub(super) fn approval(
    consent: &Consent<'_>,
    prepared: &Prepared,
    (approved, cluster): (&Approval, Option<Digest>),
) -> Approval {
    let differences = differences(prepared, None, &approved.open);
    Approval {
        open: approved.open.clone(),
        ..approval_of(consent, prepared, &differences, cluster)
    }
}

/// What `prepared` is in the `cluster`, as somebody may approve it.
pub(super) fn approval_of(
    consent: &Consent<'_>,
    prepared: &Prepared,
    differences: &ReleaseDifference,
    cluster: Option<Digest>,
) -> Approval {
    let written = prepared.decisions.iter().filter_map(|decision| {
        let action = match decision.action {
            ChangeAction::Create => "create",
            ChangeAction::Change => "change",
            ChangeAction::Replace => "recreate",
            ChangeAction::Keep => return None,
        };
        Some((&decision.id, action))
    });
    let removed = prepared.pruning.removals.iter().map(|removal| {
        let action = match removal.how {
            RemovalMode::Delete { .. } => ApprovedObject::REMOVALS[0],
            RemovalMode::GiveUp => ApprovedObject::REMOVALS[1],
        };
        (&removal.id, action)
    });
    let approved = |(id, action): (&ObjectId, &str)| {
        let difference = differences.objects.get(id)?;
        Some(ApprovedObject {
            object: id.clone(),
            action: action.to_owned(),
            fingerprint: difference.fingerprint.clone(),
        })
    };
    let newest = prepared.history.newest();
    Approval {
        format: Approval::FORMAT,
        release: consent.release.to_string(),
        server: consent.server.clone(),
        cluster,
        revision: newest.map(|head| head.revision.number),
        objects: written.chain(removed).filter_map(approved).collect(),
        open: open_keys(prepared),
    }
}

/// Writes `approval` to `file`.
pub(super) fn save(approval: &Approval, file: &Path) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(approval).expect("an approval can be written as JSON");
    fs::write(file, text + "\n").map_err(|error| {
        CommandError::failed(format!("cannot write `{}`", file.display())).because(&error)
    })
}

/// Reads what was approved from `file`.
pub(super) fn read_approval(file: &Path) -> Result<Approval, CommandError> {
    let unusable = |why: String| {
        CommandError::usage(format!("`{}` {why}", file.display()))
            .hint("`deployctl diff --save FILE` writes such a file")
    };
    let text = fs::read_to_string(file).map_err(|error| {
        CommandError::usage(format!("cannot read `{}`", file.display())).because(&error)
    })?;
    let approval: Approval = serde_json::from_str(&text)
        .map_err(|error| unusable(format!("holds no approved changes: {error}")))?;
    if approval.format != Approval::FORMAT {
        return Err(unusable(format!(
            "was written by another version of deployctl: its format is {}",
            approval.format
        )));
    }
    Ok(approval)
}

/// Refuses where `now` is not exactly what was `approved`.
pub(super) fn check_approved(approved: &Approval, now: &Approval) -> Result<(), CommandError> {
    let moved = approved.moved(now);
    if moved.is_empty() {
        return Ok(());
    }
    Err(CommandError::new(
        ExitCode::Refused,
        format!(
            "these are not the changes that were approved; nothing was changed\n  {}",
            moved.join("\n  ")
        ),
    )
    .hint("look at `deployctl diff --save FILE` again, and have that approved"))
}
