//! What the user is asked and told while a change is prepared.

use crate::engine::prepare::prepared::Prepared;
use crate::{error::CommandError, secret};

/// Questions and remarks to the user. The command line implements it: nothing else knows the
/// terminal.
pub(crate) trait Ask {
    /// Says `line`.
    fn note(&mut self, line: &str);

    /// Says `text`, wrapped.
    fn paragraph(&mut self, text: &str);

    /// Whether consent was given before anything was known, so that nobody looks at what is shown.
    fn has_consent(&self) -> bool;

    /// Whether somebody can be asked for values of secrets.
    fn is_interactive(&self) -> bool;

    /// Who is asked for them.
    fn prompt(&mut self) -> &mut dyn secret::Ask;

    /// Shows what `prepared` changes and asks for consent; an error where that is not given.
    fn confirm(&mut self, prepared: &Prepared) -> Result<(), CommandError>;
}
