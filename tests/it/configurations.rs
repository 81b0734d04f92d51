//! What the manifests carry is run, and not only stored: each configuration is loaded by the real
//! program, and servers are started as their pods say. What is done with which is in
//! `tests/configurations/table.yaml`; a program that is not on this machine is named.

mod files;
mod pod;
mod programs;
mod report;
mod rules;
mod stand;
mod table;

use std::thread;

use crate::platforms::{Platform, platforms};

#[test]
fn every_configuration_is_loaded_by_its_program() {
    let table = table::Table::read();
    let check = |platform: &'static Platform| {
        let mut lines = Vec::new();
        for rendered in &platform.environments {
            lines.extend(files::check(&table, platform, rendered));
        }
        lines.extend(stand::check(&table, platform));
        lines.extend(rules::check(platform));
        lines
    };
    let check = &check;
    // Servers wait for each other more than they work.
    let lines: Vec<report::Line> = thread::scope(|scope| {
        let running: Vec<_> = platforms()
            .map(|it| scope.spawn(move || check(it)))
            .collect();
        running
            .into_iter()
            .flat_map(|it| it.join().expect("the checks end"))
            .collect()
    });
    println!("{}", report::table(&lines));
    let failures = report::failures(&lines);
    assert!(failures.is_empty(), "{failures}");
}
