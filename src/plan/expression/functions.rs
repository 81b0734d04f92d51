//! What expressions may call: the standard library of CEL. The interpreter does not tell which
//! functions it has.
//!
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>

use super::kind::Kind;

/// A function: with how many arguments it is called as `name(…)` and as `value.name(…)`, and what
/// it gives.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) plain: &'static [usize],
    pub(super) of_value: &'static [usize],
    pub(super) gives: Kind,
}

const fn function(
    name: &'static str,
    plain: &'static [usize],
    of_value: &'static [usize],
    gives: Kind,
) -> Function {
    Function {
        name,
        plain,
        of_value,
        gives,
    }
}

pub(super) const FUNCTIONS: [Function; 31] = [
    function("size", &[1], &[0], Kind::Number),
    function("contains", &[], &[1], Kind::Condition),
    function("startsWith", &[], &[1], Kind::Condition),
    function("endsWith", &[], &[1], Kind::Condition),
    function("matches", &[2], &[1], Kind::Condition),
    function("bool", &[1], &[], Kind::Condition),
    function("int", &[1], &[], Kind::Number),
    function("uint", &[1], &[], Kind::Number),
    function("double", &[1], &[], Kind::Number),
    function("string", &[1], &[], Kind::Text),
    function("bytes", &[1], &[], Kind::Bytes),
    function("dyn", &[1], &[], Kind::Unknown),
    function("type", &[1], &[], Kind::Type),
    function("timestamp", &[1], &[], Kind::Timestamp),
    function("duration", &[1], &[], Kind::Duration),
    function("getFullYear", &[], &[0, 1], Kind::Number),
    function("getMonth", &[], &[0, 1], Kind::Number),
    function("getDate", &[], &[0, 1], Kind::Number),
    function("getDayOfMonth", &[], &[0, 1], Kind::Number),
    function("getDayOfWeek", &[], &[0, 1], Kind::Number),
    function("getDayOfYear", &[], &[0, 1], Kind::Number),
    function("getHours", &[], &[0, 1], Kind::Number),
    function("getMinutes", &[], &[0, 1], Kind::Number),
    function("getSeconds", &[], &[0, 1], Kind::Number),
    function("getMilliseconds", &[], &[0, 1], Kind::Number),
    function("optional.none", &[0], &[], Kind::Unknown),
    function("optional.of", &[1], &[], Kind::Unknown),
    function("optional.ofNonZeroValue", &[1], &[], Kind::Unknown),
    function("hasValue", &[], &[0], Kind::Condition),
    function("value", &[], &[0], Kind::Unknown),
    function("orValue", &[], &[1], Kind::Unknown),
];

/// Names of types, which `type(…)` is compared with.
pub(super) const TYPES: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];
