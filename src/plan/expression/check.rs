//! Finds what is wrong with an expression before any object is there: names, types, loops.

use std::{iter, ops::Range};

use cel::{
    Program,
    common::ast::{
        CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue,
        SourceInfo,
    },
};

use super::{
    super::names::nearest,
    environment::VARIABLES,
    functions::{FUNCTIONS, Function, TYPES},
    kind::Kind,
    mistake::{FORMS, Mistake, unknown_name},
};

/// How deep the parts of an expression may lie in each other; evaluating one takes stack for each
/// level.
const DEEPEST: u32 = 100;
/// How many loops may stand inside of each other.
const MOST_LOOPS: u32 = 3;

/// What a look at a whole expression has found.
pub(super) struct Findings {
    pub(super) mistakes: Vec<Mistake>,
    /// How many loops stand inside of each other.
    pub(super) loops: u32,
}

/// Looks for names that do not exist, and for what can never give true or false.
pub(super) fn check(text: &str, program: &Program) -> Findings {
    let mut check = Check {
        text,
        source: program.source_info(),
        scope: Vec::new(),
        loops: 0,
        found: Findings {
            mistakes: Vec::new(),
            loops: 0,
        },
    };
    let root = program.expression();
    let gives = check.kind(root, 0);
    if !gives.may_be(Kind::Condition) {
        let place = check.whole(root);
        check.report(
            place,
            format!("this is {gives}, but must be true or false; compare it with something"),
        );
    }
    check.found
}

struct Check<'a> {
    text: &'a str,
    source: &'a SourceInfo,
    /// Names of the loops around, with what is known of them.
    scope: Vec<(&'a str, Kind)>,
    loops: u32,
    found: Findings,
}

impl<'a> Check<'a> {
    /// What `expression` gives. Everything below it is checked on the way.
    fn kind(&mut self, expression: &'a IdedExpr, depth: u32) -> Kind {
        if depth > DEEPEST {
            if !self
                .found
                .mistakes
                .iter()
                .any(|mistake| mistake.message.starts_with("is nested"))
            {
                self.report(
                    self.place(expression),
                    "is nested too deeply; take it apart",
                );
            }
            return Kind::Unknown;
        }
        match &expression.expr {
            Expr::Unspecified => Kind::Unknown,
            Expr::Literal(literal) => of_literal(literal),
            Expr::Ident(name) => self.name(expression, name),
            Expr::Select(select) => {
                if !is_type_name(expression) {
                    let operand = self.kind(&select.operand, depth + 1);
                    if !operand.may_have_fields() {
                        self.report(self.place(expression), format!("{operand} has no fields"));
                    }
                }
                if select.test {
                    Kind::Condition
                } else {
                    Kind::Unknown
                }
            }
            Expr::Call(call) => self.call(expression, call, depth),
            Expr::List(list) => {
                for element in &list.elements {
                    self.kind(element, depth + 1);
                }
                Kind::List
            }
            Expr::Map(map) => {
                map.entries
                    .iter()
                    .for_each(|entry| self.entry(entry, depth));
                Kind::Map
            }
            Expr::Struct(structure) => {
                let message = format!(
                    "there is no type `{}`; a map is written `{{'KEY': VALUE}}`",
                    structure.type_name
                );
                self.report(self.place(expression), message);
                Kind::Unknown
            }
            Expr::Comprehension(comprehension) => {
                self.comprehension(expression, comprehension, depth)
            }
        }
    }

    fn name(&mut self, expression: &IdedExpr, name: &str) -> Kind {
        let bare = name.trim_start_matches('.');
        if let Some((_, kind)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            return *kind;
        }
        match bare {
            "now" => Kind::Timestamp,
            _ if VARIABLES.contains(&bare) => Kind::Map,
            _ if TYPES.contains(&bare) => Kind::Type,
            _ => {
                let known: Vec<&str> = VARIABLES
                    .into_iter()
                    .chain(
                        self.scope
                            .iter()
                            .map(|(name, _)| *name)
                            .filter(|name| !name.starts_with('@')),
                    )
                    .collect();
                let message = unknown_name(bare, nearest(bare, known.iter().copied()), &known);
                self.report(self.place(expression), message);
                Kind::Unknown
            }
        }
    }

    fn entry(&mut self, entry: &'a IdedEntryExpr, depth: u32) {
        match &entry.expr {
            EntryExpr::MapEntry(entry) => {
                self.kind(&entry.key, depth + 1);
                self.kind(&entry.value, depth + 1);
            }
            EntryExpr::StructField(field) => {
                self.kind(&field.value, depth + 1);
            }
        }
    }

    fn call(&mut self, expression: &'a IdedExpr, call: &'a CallExpr, depth: u32) -> Kind {
        let space = call
            .target
            .as_deref()
            .filter(|target| matches!(&target.expr, Expr::Ident(name) if name == "optional"));
        let target = if space.is_some() {
            None
        } else {
            call.target.as_deref()
        };
        let receiver = target.map(|target| self.kind(target, depth + 1));
        if let Some((_, form)) = FORMS.iter().find(|(name, _)| *name == call.func_name) {
            // The parser expands these; what is left of them was not written as they must be.
            self.report(
                self.called(expression, &call.func_name),
                format!("`{}` is written `{form}`", call.func_name),
            );
            return Kind::Unknown;
        }
        let arguments: Vec<Kind> = call
            .args
            .iter()
            .map(|argument| self.kind(argument, depth + 1))
            .collect();
        if let Some(kind) = self.operator(expression, call, &arguments) {
            return kind;
        }
        let name = if space.is_some() {
            format!("optional.{}", call.func_name)
        } else {
            call.func_name.clone()
        };
        let place = self.called(expression, &call.func_name);
        self.function(place, &name, receiver.is_some(), arguments.len())
    }

    fn function(
        &mut self,
        place: Range<usize>,
        name: &str,
        of_value: bool,
        arguments: usize,
    ) -> Kind {
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            let known = FUNCTIONS
                .iter()
                .map(|function| function.name)
                .chain(FORMS.iter().map(|(name, _)| *name));
            let hint = nearest(name, known)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.report(place, format!("there is no function `{name}`{hint}"));
            return Kind::Unknown;
        };
        let accepted = if of_value {
            function.of_value
        } else {
            function.plain
        };
        if !accepted.contains(&arguments) {
            self.report(place, format!("`{name}` is written {}", forms_of(function)));
        }
        function.gives
    }

    /// What an operator gives; `None` where `call` is none.
    fn operator(
        &mut self,
        expression: &IdedExpr,
        call: &CallExpr,
        arguments: &[Kind],
    ) -> Option<Kind> {
        let name = call.func_name.as_str();
        let kind = match (name, arguments) {
            ("_&&_" | "_||_" | "!_", _) => {
                self.check_conditions(call, arguments);
                Kind::Condition
            }
            ("@not_strictly_false", _) => Kind::Condition,
            ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" | "@in", [left, right]) => {
                if let Some(message) = wrong_comparison(name, *left, *right) {
                    self.report(self.place(expression), message);
                }
                Kind::Condition
            }
            ("_?_:_", [condition, yes, no]) => {
                if !condition.may_be(Kind::Condition) {
                    self.report(
                        self.place(expression),
                        format!("before `?` stands {condition}, but it must be true or false"),
                    );
                }
                if yes == no { *yes } else { Kind::Unknown }
            }
            ("_+_", [left, right])
                if left == right
                    && matches!(left, Kind::Number | Kind::Text | Kind::List | Kind::Bytes) =>
            {
                *left
            }
            ("_-_" | "_*_" | "_/_" | "_%_", [Kind::Number, Kind::Number])
            | ("-_", [Kind::Number]) => Kind::Number,
            ("_-_", [Kind::Timestamp, Kind::Timestamp]) => Kind::Duration,
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_" | "_[_]" | "_[?_]" | "_?._", _) => {
                Kind::Unknown
            }
            _ => return None,
        };
        Some(kind)
    }

    /// Reports each of `arguments` of a logical operator that is neither true nor false.
    fn check_conditions(&mut self, call: &CallExpr, arguments: &[Kind]) {
        let operator = call.func_name.trim_matches('_');
        for (argument, kind) in call.args.iter().zip(arguments) {
            if !kind.may_be(Kind::Condition) {
                self.report(
                    self.whole(argument),
                    format!("this is {kind}, but `{operator}` needs true or false"),
                );
            }
        }
    }

    fn comprehension(
        &mut self,
        expression: &IdedExpr,
        comprehension: &'a ComprehensionExpr,
        depth: u32,
    ) -> Kind {
        let range = self.kind(&comprehension.iter_range, depth + 1);
        if !range.may_have_members() {
            self.report(
                self.place(expression),
                format!("{range} has nothing to go through; loops need a list or a map"),
            );
        }
        let result = self.kind(&comprehension.accu_init, depth + 1);
        let outside = self.scope.len();
        let names =
            iter::once(comprehension.iter_var.as_str()).chain(comprehension.iter_var2.as_deref());
        self.scope.extend(names.map(|name| (name, Kind::Unknown)));
        self.scope.push((&comprehension.accu_var, result));
        self.loops += 1;
        self.found.loops = self.found.loops.max(self.loops);
        if self.loops == MOST_LOOPS + 1 {
            self.report(
                self.place(expression),
                format!("more than {MOST_LOOPS} loops stand inside of each other; take them apart"),
            );
        }
        self.kind(&comprehension.loop_cond, depth + 1);
        self.kind(&comprehension.loop_step, depth + 1);
        let result = self.kind(&comprehension.result, depth + 1);
        self.loops -= 1;
        self.scope.truncate(outside);
        result
    }

    fn report(&mut self, place: Range<usize>, message: impl Into<String>) {
        self.found.mistakes.push(Mistake::new(place, message));
    }

    /// Where the sign or name stands that makes `expression` what it is.
    fn place(&self, expression: &IdedExpr) -> Range<usize> {
        let number = |value: u32| {
            usize::try_from(value)
                .unwrap_or(usize::MAX)
                .min(self.text.len())
        };
        self.source
            .offset_for(expression.id)
            .map_or(0..0, |(start, stop)| {
                number(start)..number(stop.saturating_add(1))
            })
    }

    /// Where the name of the function stands that `expression` calls: its own place is the bracket
    /// behind it.
    fn called(&self, expression: &IdedExpr, name: &str) -> Range<usize> {
        let place = self.place(expression);
        let before = self
            .text
            .get(..place.start)
            .and_then(|before| before.rfind(name));
        before.map_or(place, |start| start..start + name.len())
    }

    /// From where `expression` begins to the end of its own place.
    fn whole(&self, expression: &IdedExpr) -> Range<usize> {
        let mut start = self.place(expression).start;
        let end = self.place(expression).end;
        let mut first = expression;
        loop {
            first = match &first.expr {
                Expr::Select(select) => &select.operand,
                Expr::Call(CallExpr {
                    target: Some(target),
                    ..
                }) => target,
                Expr::Call(CallExpr {
                    func_name, args, ..
                }) if func_name.starts_with('_') => match args.first() {
                    Some(first) => first,
                    None => return start..end,
                },
                Expr::Call(CallExpr { func_name, .. }) => {
                    return start.min(self.called(first, func_name).start)..end;
                }
                _ => return start..end,
            };
            start = start.min(self.place(first).start);
        }
    }
}

/// Whether `expression` is `google.protobuf.NAME`, the name of a type.
fn is_type_name(expression: &IdedExpr) -> bool {
    let Expr::Select(select) = &expression.expr else {
        return false;
    };
    let Expr::Select(outer) = &select.operand.expr else {
        return false;
    };
    outer.field == "protobuf"
        && matches!(&outer.operand.expr, Expr::Ident(name) if name == "google")
}

fn of_literal(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Condition,
        LiteralValue::Bytes(_) => Kind::Bytes,
        LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::Number,
        LiteralValue::Null => Kind::Nothing,
        LiteralValue::String(_) => Kind::Text,
    }
}

/// How a function is written: `` `size(…)` or `VALUE.size()` ``.
fn forms_of(function: &Function) -> String {
    let arguments = |count: &usize| vec!["VALUE"; *count].join(", ");
    let plain = function
        .plain
        .iter()
        .map(|count| format!("`{}({})`", function.name, arguments(count)));
    let of_value = function
        .of_value
        .iter()
        .map(|count| format!("`VALUE.{}({})`", function.name, arguments(count)));
    plain.chain(of_value).collect::<Vec<_>>().join(" or ")
}

/// Why `left` and `right` cannot be compared by the operator `name`; `None` where they can.
fn wrong_comparison(name: &str, left: Kind, right: Kind) -> Option<String> {
    match name {
        "_==_" | "_!=_" => {
            (!left.may_equal(right)).then(|| format!("{left} is never equal to {right}"))
        }
        "@in" => (!right.may_have_members())
            .then(|| format!("nothing is in {right}; `in` needs a list or a map")),
        _ => (!(left.may_be(right) && left.has_order() && right.has_order()))
            .then(|| format!("{left} is neither less nor greater than {right}")),
    }
}
