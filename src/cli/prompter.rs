//! Asks and tells the user at the terminal while a change is prepared.

use super::{
    change_summary::{summary, summary_with_fields},
    consent::{Consent, Stakes, Verb},
    prompt::{self, TerminalAsk},
};
use crate::{
    engine::{Ask, Prepared},
    error::CommandError,
    report::Output,
    secret,
};

/// Asks for one consent, and for secrets.
pub(super) struct Prompter<'a> {
    consent: &'a Consent<'a>,
    output: &'a mut Output,
    terminal: TerminalAsk,
}

impl<'a> Prompter<'a> {
    /// Asks for `consent`.
    pub(super) fn new(consent: &'a Consent<'a>, output: &'a mut Output) -> Self {
        Self {
            consent,
            output,
            terminal: TerminalAsk,
        }
    }
}

impl Ask for Prompter<'_> {
    fn note(&mut self, line: &str) {
        self.output.note(line);
    }

    fn paragraph(&mut self, text: &str) {
        self.output.paragraph(text);
    }

    fn has_consent(&self) -> bool {
        self.consent.yes.is_some()
    }

    fn is_interactive(&self) -> bool {
        prompt::is_interactive()
    }

    fn prompt(&mut self) -> &mut dyn secret::Ask {
        &mut self.terminal
    }

    fn confirm(&mut self, prepared: &Prepared) -> Result<(), CommandError> {
        let consent = self.consent;
        let extent = consent.extent(consent.yes.is_none(), self.output);
        let summary = if consent.yes.is_none() && !consent.verb.only_removes() {
            summary_with_fields(consent, prepared)
        } else {
            summary(consent, prepared)
        };
        self.note(summary.text(extent).trim_end());
        self.note("");
        consent.ask(stakes(consent, prepared))
    }
}

/// What is at stake when `prepared` is carried out.
fn stakes(consent: &Consent<'_>, prepared: &Prepared) -> Stakes {
    if prepared.deletes_data() {
        Stakes::Data
    } else if consent.verb == Verb::Uninstall && prepared.deletes_found().next().is_some() {
        Stakes::Found
    } else {
        Stakes::None
    }
}
