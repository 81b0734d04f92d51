//! stub
use serde_json::Value;
use crate::readiness::{Surroundings, Verdict};
pub(crate) struct Explanation { pub(crate) pod: Option<String>, pub(crate) container: Option<String>, pub(crate) cause: Option<String>, pub(crate) log: Option<LogRequest>, pub(crate) more: Option<String> }
pub(crate) struct LogRequest { pub(crate) namespace: String, pub(crate) pod: String, pub(crate) container: String, pub(crate) previous: bool, pub(crate) tail: usize }
pub(crate) fn explain(_: &Value, _: &Verdict, _: &Surroundings<'_>) -> Explanation { unimplemented!() }
