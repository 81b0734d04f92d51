//! The proof that a run can be killed at any instant: at every request that writes, before the API
//! server gets it and after it has answered, the program is killed; then going on by `up` and going
//! back by `rollback` both bring a state that is whole.
//!
//! `make kill-points` tries every point of AI-IMUTIS; the tests here try some of a small platform.

mod campaign;
mod figures;
mod lane;
pub(crate) mod platform;
mod point;
mod record;
mod release;
mod sample;
mod scenario;

use campaign::Campaign;
use platform::Platform;
use scenario::Scenario;

/// Variables that `make kill-points` hands on: how many points of each scenario are tried (all
/// where it is empty), how many side by side, and a text that the names of those tried contain.
const POINTS: &str = "KILL_POINTS";
const LANES: &str = "KILL_POINTS_LANES";
const ONLY: &str = "KILL_POINTS_ONLY";

#[test]
#[ignore = "takes half an hour: `make kill-points` runs it"]
fn every_point_of_ai_imutis() {
    let setting = |name| std::env::var(name).unwrap_or_default();
    let campaign = Campaign {
        platform: Platform::ai_imutis(),
        lanes: setting(LANES).parse().unwrap_or(4),
        points: setting(POINTS).parse().ok(),
        twice: true,
        only: setting(ONLY),
    };
    let figures = campaign.run(&[Scenario::Install, Scenario::Upgrade, Scenario::Rollback]);
    figures.tell();
    figures.assert_all_converged();
}
