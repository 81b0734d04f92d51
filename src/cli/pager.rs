//! Long texts in the user's pager, where somebody looks.

use std::{
    env,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::report::Output;

/// What is used where `PAGER` is not set: it shows colours, leaves what fits alone, and the text on the
/// screen.
const PAGER: &str = "less -FRX";

/// With what a shell ends that finds no such program, or may not run it.
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02>
const NOT_RUN: [Option<i32>; 2] = [Some(126), Some(127)];

/// Writes `text` to standard output; through the pager where that is a terminal on which it does not
/// fit, and no CI.
pub(super) fn show(text: &str, output: &mut Output) {
    let is_long = text.lines().count() >= Output::stdout_size().0;
    let is_seen = output.stdout_is_terminal() && env::var_os("CI").is_none_or(|ci| ci.is_empty());
    if !(is_long && is_seen && paged(&output.for_stdout(text))) {
        output.data(text);
    }
}

/// Shows `text` in the pager; returns whether that was possible.
fn paged(text: &str) -> bool {
    let pager = env::var("PAGER").unwrap_or_else(|_| PAGER.to_owned());
    if pager.trim().is_empty() {
        return false;
    }
    let mut command = Command::new("sh");
    command.args(["-c", &pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    if let Some(mut stdin) = child.stdin.take() {
        // Who has read enough leaves.
        let _ = stdin.write_all(text.as_bytes());
    }
    child
        .wait()
        .is_ok_and(|status| !NOT_RUN.contains(&status.code()))
}
