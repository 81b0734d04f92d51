use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use super::{
    figures::{Figures, ScenarioFigures, Tried, say},
    lane::{Lane, Undisturbed},
    platform::Platform,
    point::{Kill, Point, Reached},
    scenario::{Scenario, Way},
};
use crate::support::proxy::When;

/// Which points are tried, and on what.
pub(super) struct Campaign {
    pub(super) platform: Platform,
    /// Points that are tried side by side.
    pub(super) lanes: usize,
    /// So many requests of each scenario, spread over all; all where this is `None`.
    pub(super) points: Option<usize>,
    /// Whether the run that follows is killed too.
    pub(super) twice: bool,
    /// Words that the names of the points tried contain, all of them; the first may name a
    /// scenario.
    pub(super) only: String,
}

/// Of the points of a scenario, at most so many are followed by a run that is killed too, at so
/// many of its requests.
const FOLLOWED: usize = 4;
const SECOND: usize = 6;

impl Campaign {
    /// Tries all of it.
    pub(super) fn run(&self, scenarios: &[Scenario]) -> Figures {
        let started = Instant::now();
        let lanes: Vec<Lane<'_>> = (0..self.lanes)
            .map(|_| Lane::open(&self.platform))
            .collect();
        let scenarios = scenarios
            .iter()
            .filter_map(|scenario| self.try_scenario(*scenario, &lanes))
            .collect();
        Figures {
            scenarios,
            took: started.elapsed(),
        }
    }

    /// `None` where none of its points are asked for.
    fn try_scenario(&self, scenario: Scenario, lanes: &[Lane<'_>]) -> Option<ScenarioFigures> {
        let names = [Scenario::Install, Scenario::Upgrade, Scenario::Rollback]
            .map(|scenario| format!("{scenario:?} "));
        if names.iter().any(|name| self.only.starts_with(name))
            && !self.only.starts_with(&format!("{scenario:?} "))
        {
            return None;
        }
        // With all lanes busy, as later: how often the journal is written depends on the time that
        // a run takes.
        let runs: Vec<Undisturbed> = thread::scope(|scope| {
            let runs: Vec<_> = lanes
                .iter()
                .map(|lane| scope.spawn(|| lane.undisturbed(scenario)))
                .collect();
            runs.into_iter()
                .map(|run| {
                    run.join()
                        .expect("it does not panic")
                        .expect("an undisturbed run succeeds")
                })
                .collect()
        });
        let longest = runs
            .into_iter()
            .max_by_key(|run| run.writes)
            .expect("there is a lane");
        say(&format!("{scenario:?}: {} requests write", longest.writes));
        let mut tried = self.try_all(
            once(scenario, &spread(longest.writes, self.points)),
            lanes,
            &longest,
        );
        if self.twice {
            tried.extend(self.try_all(
                twice(
                    scenario,
                    &tried,
                    &longest,
                    self.points.unwrap_or(usize::MAX),
                ),
                lanes,
                &longest,
            ));
        }
        Some(ScenarioFigures {
            scenario,
            writes: longest.writes,
            tried,
        })
    }

    fn try_all(
        &self,
        points: Vec<Point>,
        lanes: &[Lane<'_>],
        undisturbed: &Undisturbed,
    ) -> Vec<Tried> {
        let asked = |point: &Point| {
            self.only
                .split_whitespace()
                .all(|word| point.to_string().contains(word))
        };
        let queue: Mutex<VecDeque<Point>> = Mutex::new(points.into_iter().filter(asked).collect());
        let tried = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for lane in lanes {
                scope.spawn(|| {
                    loop {
                        let Some(point) = queue.lock().unwrap().pop_front() else {
                            break;
                        };
                        let one = try_one(point, lane, undisturbed);
                        tried.lock().unwrap().push(one);
                    }
                });
            }
        });
        tried.into_inner().unwrap()
    }
}

fn try_one(point: Point, lane: &Lane<'_>, undisturbed: &Undisturbed) -> Tried {
    // Making a release anew takes most of the time. Where a kill comes before the revision is
    // stored, or after its outcome is, what `rollback` has to do depends on the revisions before,
    // so that these must be known.
    let reuse =
        point.scenario != Scenario::Install && undisturbed.work.contains(&point.first.number);
    let subject = if reuse { lane.used() } else { lane.fresh() };
    let started = Instant::now();
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        point.attempt(&subject, lane, &undisturbed.reference)
    }));
    let attempt =
        attempt.unwrap_or_else(|_| Err("the attempt itself failed; see above".to_owned()));
    match attempt {
        Ok(reached) => {
            say(&format!(
                "{point}: converged, {:.1} s",
                started.elapsed().as_secs_f64()
            ));
            lane.take_back(subject, point.scenario, reached.end());
            let writes = if let Reached::Yes { writes, .. } = reached {
                Some(writes)
            } else {
                None
            };
            Tried {
                point,
                writes,
                wrong: None,
            }
        }
        // It is left for a look, as long as the sandbox runs.
        Err(wrong) => {
            say(&format!("{point} ({}): {wrong}", subject.release.name));
            Tried {
                point,
                writes: None,
                wrong: Some(wrong),
            }
        }
    }
}

/// Number of a release: no two have the same.
pub(super) fn number() -> usize {
    static RELEASES: AtomicUsize = AtomicUsize::new(1);
    RELEASES.fetch_add(1, Ordering::Relaxed)
}

/// `count` numbers from 1 to `last`, spread evenly, with the first and the last; all of them where
/// there are not more.
fn spread(last: usize, count: Option<usize>) -> Vec<usize> {
    let count = count.unwrap_or(last).min(last);
    let mut numbers: Vec<usize> = (0..count)
        .map(|index| 1 + index * (last - 1) / (count.max(2) - 1))
        .collect();
    numbers.dedup();
    numbers
}

/// Every one of the requests in `numbers`, at both moments, in both ways.
fn once(scenario: Scenario, numbers: &[usize]) -> Vec<Point> {
    let moments = numbers.iter().flat_map(|number| {
        [When::Before, When::After].map(|when| Kill {
            number: *number,
            when,
        })
    });
    moments
        .flat_map(|first| {
            [Way::Up, Way::Rollback].map(|way| Point {
                scenario,
                first,
                again: None,
                way,
            })
        })
        .collect()
}

/// Some of `tried`, with a second kill at some requests of the run that followed, at `most` so many
/// of each; both ways from there.
fn twice(
    scenario: Scenario,
    tried: &[Tried],
    undisturbed: &Undisturbed,
    most: usize,
) -> Vec<Point> {
    // Where the first run has not begun, or was over, the second one is not what follows a kill.
    let has_followed = |tried: &Tried| {
        tried.writes.is_some_and(|writes| writes > 0)
            && undisturbed.work.contains(&tried.point.first.number)
    };
    let mut points = Vec::new();
    for way in [Way::Up, Way::Rollback] {
        let mut followed: Vec<&Tried> = tried
            .iter()
            .filter(|tried| tried.point.way == way && has_followed(tried))
            .collect();
        followed.sort_by_key(|tried| {
            (
                tried.point.first.number,
                tried.point.first.when == When::After,
            )
        });
        for index in spread(followed.len(), Some(FOLLOWED.min(most))) {
            let Tried { point, writes, .. } = followed[index - 1];
            for (position, number) in spread(writes.unwrap_or_default(), Some(SECOND.min(most)))
                .into_iter()
                .enumerate()
            {
                let when = if position % 2 == 0 {
                    When::After
                } else {
                    When::Before
                };
                let again = Some((way, Kill { number, when }));
                points.extend([Way::Up, Way::Rollback].map(|way| Point {
                    scenario,
                    first: point.first,
                    again,
                    way,
                }));
            }
        }
    }
    points
}
