use std::{io::Write as _, time::Duration};

use super::{
    point::Point,
    scenario::{Scenario, Way},
};

/// What was tried of one scenario.
pub(super) struct ScenarioFigures {
    pub(super) scenario: Scenario,
    /// The requests that write in an undisturbed run.
    pub(super) writes: usize,
    pub(super) tried: Vec<Tried>,
}

/// A point, and what came of it.
pub(super) struct Tried {
    pub(super) point: Point,
    /// How many requests wrote in the run that came last; `None` where the run was over before the
    /// point was reached, or differs.
    pub(super) writes: Option<usize>,
    pub(super) wrong: Option<String>,
}

/// What was tried.
pub(super) struct Figures {
    pub(super) scenarios: Vec<ScenarioFigures>,
    pub(super) took: Duration,
}

impl Figures {
    /// Prints the figures.
    pub(super) fn tell(&self) {
        let all = || self.scenarios.iter().flat_map(|scenario| &scenario.tried);
        for ScenarioFigures {
            scenario,
            writes,
            tried,
        } in &self.scenarios
        {
            say(&format!(
                "{scenario:?}: {writes} requests write; {}",
                line(&tried.iter())
            ));
        }
        say(&format!("In total: {}", line(&all())));
        let over = all()
            .filter(|tried| tried.wrong.is_none() && tried.writes.is_none())
            .count();
        say(&format!(
            "{over} of them were not reached, since that run was over before; it took {} s",
            self.took.as_secs()
        ));
    }

    /// Fails where a point did not converge, with all that differs, and where none was reached.
    #[track_caller]
    pub(super) fn assert_all_converged(&self) {
        let tried = || self.scenarios.iter().flat_map(|scenario| &scenario.tried);
        let wrong = tried()
            .filter_map(|tried| Some(format!("  {}: {}", tried.point, tried.wrong.as_ref()?)));
        let wrong: Vec<String> = wrong.collect();
        assert!(
            wrong.is_empty(),
            "{} points did not converge:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        assert!(
            tried().any(|tried| tried.writes.is_some()),
            "no point was reached"
        );
    }
}

/// `N kill points, N converged by up, N by rollback`.
fn line<'a>(tried: &(impl Iterator<Item = &'a Tried> + Clone)) -> String {
    let converged = |way| {
        tried
            .clone()
            .filter(|tried| tried.point.way == way && tried.wrong.is_none())
            .count()
    };
    let all = |way| tried.clone().filter(|tried| tried.point.way == way).count();
    format!(
        "{} kill points, {} converged by up, {} by rollback",
        all(Way::Up).max(all(Way::Rollback)),
        converged(Way::Up),
        converged(Way::Rollback)
    )
}

/// Says something at once: this takes long.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
