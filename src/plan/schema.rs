//! The JSON Schema of the plan file, made from its types.

use super::file::PlanFile;

/// The JSON Schema of the plan file, as text that ends with a line end.
pub(crate) fn schema() -> String {
    let schema = schemars::schema_for!(PlanFile);
    let mut text = serde_json::to_string_pretty(&schema).expect("a JSON Schema is JSON");
    text.push('\n');
    text
}
