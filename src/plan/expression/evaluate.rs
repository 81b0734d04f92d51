//! Evaluates an expression over an object, and says why where it gives neither true nor false.

use std::{collections::HashMap, sync::Arc};

use cel::{Context, ExecutionError, Value, objects::Map};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::{
    apart::apart,
    compile::Expression,
    environment::{ENVIRONMENT, VARIABLES},
};

/// Most rounds that all loops of an expression together may take.
const MOST_ROUNDS: usize = 1_000_000;

/// Why an expression gives neither true nor false. It never quotes the object: that may hold
/// secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The object has no such field.
    MissingField(String),
    /// Anything else: a fragment that says why the expression cannot be told.
    Error(String),
}

impl Expression {
    /// Whether the expression holds for `object` at `now`.
    pub(crate) fn holds(&self, object: &Json, now: Timestamp) -> Result<bool, Doubt> {
        let longest = if self.loops > 0 {
            longest_list(object)
        } else {
            0
        };
        if longest
            .checked_pow(self.loops)
            .is_none_or(|rounds| rounds > MOST_ROUNDS)
        {
            return Err(Doubt::Error(format!(
                "its loops would go through a list of {longest} too often"
            )));
        }
        apart(|| self.evaluate(object, now))
            .unwrap_or_else(|| Err(Doubt::Error("it cannot be evaluated".to_owned())))
    }

    fn evaluate(&self, object: &Json, now: Timestamp) -> Result<bool, Doubt> {
        let references = self.program.references();
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for name in VARIABLES {
            if references.has_variable(name) || references.has_variable(format!(".{name}")) {
                context.add_variable_from_value(name, variable(name, object, now)?);
            }
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(Doubt::Error(format!(
                "it gives a {}, not true or false",
                other.type_of()
            ))),
            Err(error) => Err(doubt(error)),
        }
    }
}

fn variable(name: &str, object: &Json, now: Timestamp) -> Result<Value, Doubt> {
    match name {
        "object" => Ok(converted(object)),
        "now" => time(now).ok_or_else(|| Doubt::Error("the time is out of range".to_owned())),
        part => Ok(object
            .get(part)
            .filter(|part| !part.is_null())
            .map_or_else(empty_map, converted)),
    }
}

fn time(now: Timestamp) -> Option<Value> {
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).ok()?;
    chrono::DateTime::from_timestamp(now.as_second(), nanoseconds)
        .map(|time| Value::Timestamp(time.fixed_offset()))
}

fn empty_map() -> Value {
    Value::Map(Map::from(HashMap::<String, Value>::new()))
}

fn converted(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => {
            let whole = number
                .as_i64()
                .map(Value::Int)
                .or_else(|| number.as_u64().map(Value::UInt));
            whole.unwrap_or_else(|| number.as_f64().map_or(Value::Null, Value::Float))
        }
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(converted).collect())),
        Json::Object(fields) => Value::Map(Map::from(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), converted(value)))
                .collect::<HashMap<_, _>>(),
        )),
    }
}

/// Length of the longest list or map anywhere in `value`.
fn longest_list(value: &Json) -> usize {
    match value {
        Json::Array(items) => items.iter().map(longest_list).fold(items.len(), usize::max),
        Json::Object(fields) => fields
            .values()
            .map(longest_list)
            .fold(fields.len(), usize::max),
        _ => 0,
    }
}

/// What is said of an error. The interpreter's own texts quote values.
fn doubt(error: ExecutionError) -> Doubt {
    let text = match error {
        ExecutionError::NoSuchKey(key) => return Doubt::MissingField(key.to_string()),
        ExecutionError::NoSuchOverload(overload) => {
            match (overload.function(), overload.argument_types()) {
                ("_._", [of, ..]) => format!("a {of} has no fields"),
                (function, types) => format!(
                    "`{}` cannot be applied to {}",
                    written(function),
                    types.join(" and ")
                ),
            }
        }
        ExecutionError::UnexpectedType { got, want } => {
            format!("there is a {got} where a {want} is needed")
        }
        ExecutionError::ValuesNotComparable(left, right) => format!(
            "a {} cannot be compared with a {}",
            left.type_of(),
            right.type_of()
        ),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!(
                "`{operator}` cannot be applied to {} and {}",
                left.type_of(),
                right.type_of()
            )
        }
        ExecutionError::FunctionError { function, .. } => {
            format!("`{function}` cannot be applied to what is there")
        }
        ExecutionError::IndexOutOfBounds(_) => "a list is shorter than it expects".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        _ => "what is there is not what it expects".to_owned(),
    };
    Doubt::Error(text)
}

/// A function's name, or an operator as it is written: `<` for `_<_`.
fn written(function: &str) -> &str {
    match function {
        "_[_]" | "_[?_]" => "[…]",
        name => name.trim_matches(['_', '@']),
    }
}
