use super::{campaign::Campaign, platform::Platform, scenario::Scenario};

/// Some points of a small platform.
fn some(scenario: Scenario) {
    let campaign = Campaign {
        platform: Platform::small(),
        lanes: 2,
        points: Some(3),
        twice: false,
        only: String::new(),
    };
    campaign.run(&[scenario]).assert_all_converged();
}

#[test]
fn an_install_that_is_killed_is_finished_or_taken_back() {
    some(Scenario::Install);
}

#[test]
fn an_upgrade_that_is_killed_is_finished_or_taken_back() {
    some(Scenario::Upgrade);
}

#[test]
fn a_rollback_that_is_killed_is_finished_or_taken_back() {
    some(Scenario::Rollback);
}
