use std::fmt;

use rand::{RngExt as _, rngs::StdRng};

use super::draft::Draft;
use crate::support::{Deployctl, project::Project, proxy::When};

/// A command, and where it is killed.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) command: Command,
    /// The request that it is killed at, among those that write, numbered from 1; it may be over
    /// before.
    pub(super) kill: Option<(usize, When)>,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Up(Draft),
    Rollback,
    Down,
}

/// More requests that write than this are rarely made by what is deployed here.
const WRITES: usize = 16;

impl Step {
    /// Any.
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let command = match random.random_range(0..10) {
            0..6 => Command::Up(Draft::draw(random)),
            6..9 => Command::Rollback,
            _ => Command::Down,
        };
        let when = if random.random() {
            When::Before
        } else {
            When::After
        };
        let number = random.random_range(1..=WRITES);
        Self {
            command,
            kill: random.random_bool(0.7).then_some((number, when)),
        }
    }

    /// `command`, to its end.
    pub(super) fn whole(command: Command) -> Self {
        Self {
            command,
            kill: None,
        }
    }
}

impl Command {
    /// The command itself; the files of `project` are made to want what it is about.
    pub(super) fn of(&self, project: &Project) -> Deployctl {
        match self {
            Self::Up(draft) => {
                draft.write(project);
                project.up(&[])
            }
            Self::Rollback => project.command("rollback", &["--yes"]),
            Self::Down => project.command("down", &["--yes"]),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Command::Up(draft) => write!(formatter, "up with {draft}")?,
            Command::Rollback => write!(formatter, "rollback")?,
            Command::Down => write!(formatter, "down")?,
        }
        match self.kill {
            Some((number, When::Before)) => {
                write!(formatter, "; to be killed before write {number}")
            }
            Some((number, When::After)) => write!(formatter, "; to be killed after write {number}"),
            None => Ok(()),
        }
    }
}
