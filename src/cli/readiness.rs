//! `deployctl readiness`: judges objects as they were written out of a cluster, without asking
//! one.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::{Global, rule_arguments::RuleArguments},
    error::{CommandError, ExitCode},
    object::{ManifestView, neutralise, quoted},
    readiness::{Family, State, Verdict},
    report::Output,
    source,
};

/// Judge objects offline: is each of them ready, and if not, why
///
/// Reads objects as they are in a cluster, with their status, and says what `up` would say of each.
/// Objects that belong together (a Deployment, its `ReplicaSet`s, its Pods, their Events) are
/// joined, so that a verdict names the cause.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl get deployments,replicasets,pods -o yaml | deployctl readiness -f -
  deployctl readiness -f objects.jsonl -o json
  kubectl get widgets -o yaml | deployctl readiness -f - --rules shop --env dev")]
pub(crate) struct Arguments {
    /// File with objects as YAML documents, JSON or JSON lines; `-` is standard input
    #[arg(short, long = "file", value_name = "FILE|-", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    rules: RuleArguments,
    /// How to print: a table, or one line of JSON for each object
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// One line of JSON for each object, in the order given
    #[value(alias = "jsonl")]
    Json,
}

/// One object's line with `-o json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    verdict: State,
    reason: &'a str,
    message: &'a str,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (rules, budget) = arguments.rules.compile()?;
    let mut objects = Vec::new();
    for file in &arguments.files {
        let (name, content) = read(file)?;
        objects.extend(parse_objects(&content).map_err(|problem| problem.in_file(&name))?);
    }
    let references: Vec<&Value> = objects.iter().collect();
    let now = Timestamp::now();
    let families = Family::of_all(&references);
    let judge = |(object, family): (&Value, &Family<'_>)| {
        rules.judge(object, &family.surroundings(now), budget)
    };
    let verdicts: Vec<Verdict> = objects.iter().zip(&families).map(judge).collect();
    let lines: Vec<Line<'_>> = objects
        .iter()
        .zip(&verdicts)
        .map(|(object, verdict)| line(object, verdict))
        .collect();
    output.data(&match arguments.output {
        Format::Json => as_json(&lines),
        Format::Table => as_table(&lines),
    });
    Ok(ExitCode::Done)
}

fn read(file: &Path) -> Result<(String, String), CommandError> {
    let mut bytes = Vec::new();
    let standard_input = file.as_os_str() == "-";
    let name = if standard_input {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let result = if standard_input {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        fs::read(file).map(|content| bytes = content)
    };
    result.map_err(|error| {
        CommandError::usage(format!(
            "cannot read `{name}`: check the path given with `--file`"
        ))
        .because(&error)
    })?;
    let (content, is_lossy) = source::decoded(&bytes);
    let lost = content.find(char::REPLACEMENT_CHARACTER);
    if let Some(at) = lost.filter(|_| is_lossy) {
        let line = 1 + content[..at].matches('\n').count();
        return Err(CommandError::usage(format!(
            "{name}:{line}: this is not UTF-8 text; save it as UTF-8"
        )));
    }
    Ok((name, content))
}

fn line<'a>(object: &'a Value, verdict: &'a Verdict) -> Line<'a> {
    let object = ManifestView(object);
    Line {
        group: object.group(),
        kind: object.kind(),
        namespace: object.namespace(),
        name: object.name(),
        verdict: verdict.state,
        reason: &verdict.reason,
        message: &verdict.message,
    }
}

fn as_json(lines: &[Line<'_>]) -> String {
    let line = |line| serde_json::to_string(line).expect("text and numbers are valid JSON") + "\n";
    lines.iter().map(line).collect()
}

fn as_table(lines: &[Line<'_>]) -> String {
    let objects: Vec<String> = lines.iter().map(object_name).collect();
    let width = objects
        .iter()
        .map(|object| object.chars().count())
        .max()
        .unwrap_or(0)
        .max("OBJECT".len());
    let mut table = format!("{:<11}  {:<width$}  MESSAGE\n", "VERDICT", "OBJECT");
    for (line, object) in lines.iter().zip(&objects) {
        let style = style(line.verdict);
        let verdict = line.verdict.to_string();
        let row = format!(
            "{style}{verdict:<11}{style:#}  {object:<width$}  {}",
            quoted(line.message, 300)
        );
        table.push_str(row.trim_end());
        table.push('\n');
    }
    table
}

fn object_name(line: &Line<'_>) -> String {
    let parts = [Some(line.kind), line.namespace, Some(line.name)];
    neutralise(&parts.into_iter().flatten().collect::<Vec<_>>().join("/"))
}

fn style(state: State) -> Style {
    let color = match state {
        State::Ready => AnsiColor::Green,
        State::Failed | State::Missing => AnsiColor::Red,
        State::InProgress | State::Suspended | State::Terminating | State::Unknown => {
            AnsiColor::Yellow
        }
    };
    color.on_default()
}

/// What is wrong with the input, and on which line.
#[derive(Debug)]
struct ParseProblem {
    line: Option<usize>,
    what: String,
}

impl ParseProblem {
    fn in_file(self, name: &str) -> CommandError {
        let place = self
            .line
            .map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
        CommandError::usage(format!("{place}: {}", self.what))
            .hint("give objects as YAML documents, JSON or JSON lines, for example from `kubectl get … -o yaml`")
    }
}

/// The objects in `content`: YAML documents, JSON or JSON lines, in their order; lists are
/// unpacked.
fn parse_objects(content: &str) -> Result<Vec<Value>, ParseProblem> {
    let is_json = content.trim_start().starts_with(['{', '[']);
    let documents = if is_json {
        // Flow style is YAML too; where neither reads it, the complaint about JSON is the one that
        // helps.
        json_documents(content).or_else(|problem| yaml_documents(content).map_err(|_| problem))?
    } else {
        yaml_documents(content)?
    };
    if documents.is_empty() {
        return Err(ParseProblem {
            line: None,
            what: "there is no object in it".to_owned(),
        });
    }
    let mut objects = Vec::new();
    for (line, document) in documents {
        unpack(document, line, None, &mut objects)?;
    }
    Ok(objects)
}

type Documents = Vec<(Option<usize>, Value)>;

fn json_documents(content: &str) -> Result<Documents, ParseProblem> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(content).into_iter::<Value>();
    let (mut line, mut counted) = (1, 0);
    loop {
        let rest = &content[stream.byte_offset()..];
        let start = content.len() - rest.trim_start().len();
        // Counting on from the last document keeps a file with many of them linear.
        line += content[counted..start].matches('\n').count();
        counted = start;
        match stream.next() {
            None => return Ok(documents),
            Some(Ok(document)) => documents.push((Some(line), document)),
            Some(Err(error)) => {
                return Err(ParseProblem {
                    line: Some(error.line().max(line)),
                    what: format!("this is not JSON: {error}"),
                });
            }
        }
    }
}

fn yaml_documents(content: &str) -> Result<Documents, ParseProblem> {
    // The caller says which file it is.
    let documents = source::documents(content, Path::new("")).map_err(|error| ParseProblem {
        line: usize::try_from(error.line).ok(),
        what: format!("this is not YAML: {}", error.message),
    })?;
    Ok(documents
        .into_iter()
        .map(|document| (usize::try_from(document.line).ok(), document.value))
        .collect())
}

/// Adds the object in `document`, or the items of the list that it is. Items of a typed list may
/// leave out what the list says.
fn unpack(
    document: Value,
    line: Option<usize>,
    list: Option<(&str, &str)>,
    into: &mut Vec<Value>,
) -> Result<(), ParseProblem> {
    if let Value::Array(items) = document {
        return items
            .into_iter()
            .try_for_each(|item| unpack(item, line, None, into));
    }
    let Value::Object(mut object) = document else {
        return Err(ParseProblem {
            line,
            what: "this document is not an object".to_owned(),
        });
    };
    if let Some((api_version, kind)) = list {
        object
            .entry("apiVersion")
            .or_insert_with(|| api_version.into());
        object.entry("kind").or_insert_with(|| kind.into());
    }
    let field = |name: &str| {
        object
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let (Some(api_version), Some(kind)) = (field("apiVersion"), field("kind")) else {
        return Err(ParseProblem {
            line,
            what: "this document has no `apiVersion` or no `kind`, so it cannot be judged"
                .to_owned(),
        });
    };
    match (
        kind.strip_suffix("List"),
        object.get_mut("items").map(Value::take),
    ) {
        (Some(item_kind), Some(Value::Array(items))) => {
            let defaults = (!item_kind.is_empty()).then_some((api_version.as_str(), item_kind));
            items
                .into_iter()
                .try_for_each(|item| unpack(item, line, defaults, into))
        }
        (Some(_), Some(Value::Null)) => Ok(()),
        (_, items) => {
            if let Some(items) = items {
                object.insert("items".to_owned(), items);
            }
            into.push(Value::Object(object));
            Ok(())
        }
    }
}
