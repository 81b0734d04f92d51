//! Every platform, in all of its environments, side by side in one cluster: it comes up, a second
//! run writes nothing, another image rolls out what uses it and nothing else, a failure in any
//! phase leaves everything as it was, and in the end only its data is left.

mod attempt;
mod cluster;
mod release;
mod table;
mod variant;

use std::{
    any::Any,
    collections::BTreeSet,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
};

use self::{release::Release, table::Row};
use super::{platform::platforms, rules::report};

/// Releases that are worked on at a time. More would not be quicker on two cores, and hold up the tests beside it.
const LANES: usize = 3;

/// Does `work` with every release, some at a time, and returns what went wrong. One that has failed
/// is left out of what comes after.
fn side_by_side(
    rows: &mut [Mutex<Row>],
    releases: &[Release],
    work: impl Fn(&Release, &mut Row) + Sync,
) -> Vec<String> {
    let (wrong, next) = (Mutex::new(Vec::new()), Mutex::new(0..releases.len()));
    let take = || next.lock().expect("no panic holds it").next();
    thread::scope(|scope| {
        for _ in 0..LANES.min(releases.len()) {
            scope.spawn(|| {
                while let Some(number) = take() {
                    let mut row = rows[number].lock().expect("no panic holds it");
                    if row.failed {
                        continue;
                    }
                    let done = catch_unwind(AssertUnwindSafe(|| work(&releases[number], &mut row)));
                    if let Err(panic) = done {
                        row.failed = true;
                        let line = format!("{}: {}", releases[number].name(), said(&*panic));
                        wrong.lock().expect("no panic holds it").push(line);
                    }
                }
            });
        }
    });
    wrong.into_inner().expect("no panic holds it")
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "it failed".to_owned())
}

#[test]
fn every_platform_comes_up_stays_changes_fails_and_goes() {
    let releases: Vec<Release> = platforms()
        .flat_map(|platform| {
            let environments = platform.environments.iter();
            environments.map(move |rendered| Release::new(platform, rendered))
        })
        .collect();
    let mut rows: Vec<Mutex<Row>> = releases.iter().map(|it| Mutex::new(Row::of(it))).collect();
    let mut wrong = side_by_side(&mut rows, &releases, |release, row| {
        release.comes_up(row);
        release.stays(row);
    });
    wrong.extend(side_by_side(&mut rows, &releases, |release, row| {
        release.rolls_out_another_image();
        // One environment of each platform fails in all of its phases.
        if release.is_first() {
            row.rollback = attempt::fails_in_every_phase(release);
        }
    }));
    wrong.extend(side_by_side(&mut rows, &releases, |release, _| {
        release.goes_but_for_its_data();
    }));
    let rows: Vec<Row> = rows
        .into_iter()
        .map(|row| row.into_inner().expect("no panic holds it"))
        .collect();
    // Not by `println!`, so that it is shown where tests are not.
    let _ = std::io::stdout().write_all(table::of(&rows).as_bytes());
    report(wrong.into_iter().chain(never_kept(&releases)));
}

/// What the data files say is kept, and no environment has kept.
fn never_kept(releases: &[Release]) -> Vec<String> {
    let said = releases.iter().flat_map(|release| {
        let kept = release.platform.data.expectations.kept.iter();
        kept.map(|kept| (release.platform.name.as_str(), kept.as_str()))
    });
    let kept: BTreeSet<(&str, String)> = releases
        .iter()
        .flat_map(|release| {
            release
                .kept()
                .into_iter()
                .map(|kept| (release.platform.name.as_str(), kept))
        })
        .collect();
    let missing: BTreeSet<_> = said
        .filter(|(platform, said)| !kept.contains(&(platform, (*said).to_owned())))
        .collect();
    let line = |(platform, kept): (&str, &str)| {
        format!("{platform}: `down` keeps {kept} in no environment")
    };
    missing.into_iter().map(line).collect()
}
