//! The proof that commands may come in any order, and be killed at any request that writes, one
//! after the other: whenever a release is neither being worked on nor half done, everything is as
//! one of its plans wants it, or exactly as it was, and no pod runs that has started on something
//! else than what it would read now.
//!
//! `make kill-sequences` tries many sequences; the tests here try some.

mod draft;
mod model;
mod starts;
mod step;
mod trial;

use std::{
    collections::VecDeque,
    env,
    io::Write as _,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
};

use trial::{Tally, Trial};

/// Commands in a sequence.
const LENGTH: usize = 8;

#[test]
#[ignore = "takes many minutes: `make kill-sequences` runs it"]
fn many() {
    let setting = |name: &str, otherwise| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let from = setting("SEQUENCES_FROM", 1);
    let tally = try_all(
        "many",
        from..from + setting("SEQUENCES", 200),
        setting("SEQUENCES_LANES", 4),
    );
    assert!(tally.rolled_back > 0, "nothing was put back");
}

#[test]
fn after_any_commands_everything_is_as_wanted_or_as_it_was() {
    try_all("some", 1..3, 1);
}

#[test]
fn after_any_other_commands_everything_is_as_wanted_or_as_it_was() {
    try_all("other", 3..5, 1);
}

/// Found what a killed way back had sent away, and the API server's garbage collector not yet
/// removed, called somebody else's.
#[test]
fn what_a_killed_way_back_was_deleting_is_its_own() {
    try_all("found", 204..205, 1);
}

/// Tries the sequences that are drawn from these numbers, so many side by side.
#[track_caller]
fn try_all(name: &str, seeds: Range<u64>, lanes: u64) -> Tally {
    let count = seeds.end - seeds.start;
    let queue: Mutex<VecDeque<u64>> = Mutex::new(seeds.collect());
    let next = || queue.lock().unwrap().pop_front();
    let (tally, wrong) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let tried =
                        catch_unwind(AssertUnwindSafe(|| Trial::new(name, seed).run(LENGTH)));
                    match tried
                        .unwrap_or_else(|_| Err("the trial itself failed; see above".to_owned()))
                    {
                        Ok(done) => tally.lock().unwrap().add(&done),
                        Err(why) => {
                            say(&format!("sequence {seed}: {why}"));
                            wrong
                                .lock()
                                .unwrap()
                                .push(format!("sequence {seed}: {why}"));
                        }
                    }
                }
            });
        }
    });
    let (tally, wrong) = (tally.into_inner().unwrap(), wrong.into_inner().unwrap());
    say(&format!(
        "{count} sequences, {} of them as they should be: {tally}",
        count - wrong.len() as u64
    ));
    assert!(
        wrong.is_empty(),
        "{} sequences went wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(tally.killed > 0, "no command was killed");
    tally
}

/// Says something at once: this takes long.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
