//! From text to an expression that is known to be well formed.

use std::{fmt, sync::Arc};

use cel::Program;

use super::{
    apart::apart,
    check::check,
    environment::ENVIRONMENT,
    mistake::{Mistake, syntax_mistake},
};

/// Longest text of an expression, in bytes. It bounds how deep and how expensive an expression can
/// be.
const LONGEST: usize = 4096;

/// An expression that was checked: it names nothing that does not exist, and gives true or false as
/// far as that can be known.
#[derive(Clone)]
pub(crate) struct Expression {
    pub(super) text: Arc<str>,
    pub(super) program: Arc<Program>,
    /// How many loops stand inside of each other.
    pub(super) loops: u32,
}

impl Expression {
    /// Compiles `text`. Fails with all that is wrong with it; of syntax errors, with the first.
    pub(in super::super) fn compile(text: &str) -> Result<Self, Vec<Mistake>> {
        if text.len() > LONGEST {
            let message = format!("is {} bytes long; {LONGEST} are permitted", text.len());
            return Err(vec![Mistake::new(0..0, message)]);
        }
        // A program that is too deep must also be dropped on the large stack.
        apart(|| compiled(text)).unwrap_or_else(|| {
            Err(vec![Mistake::new(
                0..0,
                "cannot be read; write it in another way",
            )])
        })
    }

    /// The expression as it is written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn compiled(text: &str) -> Result<Expression, Vec<Mistake>> {
    let program = ENVIRONMENT
        .compile(text)
        .map_err(|errors| vec![syntax_mistake(text, &errors)])?;
    let findings = check(text, &program);
    if findings.mistakes.is_empty() {
        Ok(Expression {
            text: text.into(),
            program: Arc::new(program),
            loops: findings.loops,
        })
    } else {
        Err(findings.mistakes)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Expression({})", self.text)
    }
}
