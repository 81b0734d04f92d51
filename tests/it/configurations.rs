//! What the manifests carry is run, and not only stored: each configuration is loaded by the real
//! program, and servers are started as their pods say. What is done with which is in
//! `tests/configurations/table.yaml`; a program that is not on this machine is named.

mod files;
mod pod;
mod programs;
mod report;
mod stand;
mod table;

use crate::platforms::platforms;

#[test]
fn every_configuration_is_loaded_by_its_program() {
    let table = table::Table::read();
    let mut lines = Vec::new();
    for platform in platforms() {
        for rendered in &platform.environments {
            lines.extend(files::check(&table, platform, rendered));
        }
        lines.extend(stand::check(&table, platform));
    }
    println!("{}", report::table(&lines));
    let failures = report::failures(&lines);
    assert!(failures.is_empty(), "{failures}");
}
