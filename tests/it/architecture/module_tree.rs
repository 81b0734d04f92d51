//! The modules of the crate, and which file uses what of which other one.
//!
//! A file that only declares its children and passes their names on is looked through: who uses
//! such a name uses the file that defines it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use super::paths::{Binding, Names, names};

/// One use of a file by another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileArrow {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// What is used.
    pub(super) name: String,
    pub(super) line: usize,
}

impl fmt::Display for FileArrow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "src/{}:{} uses `{}` of src/{}",
            self.from.display(),
            self.line,
            self.name,
            self.to.display()
        )
    }
}

/// One arrow for each pair of files of which the first uses the second.
pub(super) fn file_arrows(sources: &BTreeMap<PathBuf, String>) -> BTreeSet<FileArrow> {
    let tree = ModuleTree::new(sources);
    let mut found = BTreeMap::new();
    for (module, (file, names)) in &tree.modules {
        if tree.is_for_tests(module) {
            continue;
        }
        for (path, scope, line) in uses(names) {
            let place = [module.as_slice(), scope].concat();
            if let Some(to) = tree.file_of(&place, path, 0).filter(|to| to != file) {
                found.entry((*file, to)).or_insert_with(|| FileArrow {
                    from: PathBuf::clone(file),
                    to: to.clone(),
                    name: path.last().cloned().unwrap_or_default(),
                    line,
                });
            }
        }
    }
    found.into_values().collect()
}

/// Where a file takes in a module of our own as a whole: such names cannot be followed to where they
/// are defined.
pub(super) fn taken_in_as_a_whole(sources: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let tree = ModuleTree::new(sources);
    let of_modules = tree
        .modules
        .iter()
        .filter(|(module, _)| !tree.is_for_tests(module));
    of_modules
        .flat_map(|(_, (file, names))| {
            let whole = names.bindings.iter().filter(|binding| {
                binding.name == "*"
                    && matches!(binding.path[0].as_str(), "crate" | "super" | "self")
            });
            whole.map(|binding| format!("src/{}:{}", file.display(), binding.line))
        })
        .collect()
}

/// Every path of a file that is a use of its own.
fn uses(names: &Names) -> impl Iterator<Item = (&[String], &[String], usize)> {
    let imports = names
        .bindings
        .iter()
        .filter(|binding| !binding.is_reexport)
        .map(|binding| {
            (
                binding.path.as_slice(),
                binding.scope.as_slice(),
                binding.line,
            )
        });
    let mentions = names.mentions.iter().map(|mention| {
        (
            mention.path.as_slice(),
            mention.scope.as_slice(),
            mention.line,
        )
    });
    imports.chain(mentions)
}

struct ModuleTree<'a> {
    /// Files by the path of their module: `["cli", "up"]` for `cli/up/mod.rs` and `cli/up.rs`.
    modules: BTreeMap<Vec<String>, (&'a PathBuf, Names)>,
}

impl<'a> ModuleTree<'a> {
    fn new(sources: &'a BTreeMap<PathBuf, String>) -> ModuleTree<'a> {
        let modules = sources
            .iter()
            .map(|(file, text)| (module_path(file), (file, names(text))))
            .collect();
        ModuleTree { modules }
    }

    /// Whether only tests have the module, or one around it.
    fn is_for_tests(&self, module: &[String]) -> bool {
        (0..module.len()).any(|depth| {
            self.modules
                .get(&module[..depth])
                .is_some_and(|(_, names)| names.declared_for_tests.contains(&module[depth]))
        })
    }

    /// The file that defines what `path` names for the code in module `place`; nothing where that
    /// is not of this crate, or is a module as a whole.
    fn file_of(&self, place: &[String], path: &[String], hops: usize) -> Option<&'a PathBuf> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.descend(&[], rest, hops),
            "self" => self.descend(place, rest, hops),
            "super" => {
                let (_, outer) = place.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.file_of(outer, rest, hops),
                    _ => self.descend(outer, rest, hops),
                }
            }
            name if self.knows(place, name) => self.descend(place, path, hops),
            _ => None,
        }
    }

    /// Whether `name` is a child of `module`, or something that a `use` brings in there.
    fn knows(&self, module: &[String], name: &str) -> bool {
        self.modules.contains_key(&child(module, name)) || self.binding(module, name).is_some()
    }

    /// The file that defines what `path` names as seen from outside of `module`.
    fn descend(&self, module: &[String], path: &[String], hops: usize) -> Option<&'a PathBuf> {
        const LONGEST_CHAIN_OF_REEXPORTS: usize = 16;
        let (first, rest) = path.split_first()?;
        let child = child(module, first);
        if self.modules.contains_key(&child) {
            return self.descend(&child, rest, hops);
        }
        match self.binding(module, first) {
            Some(binding) if hops < LONGEST_CHAIN_OF_REEXPORTS => {
                self.file_of(module, &[&binding.path, rest].concat(), hops + 1)
            }
            _ => Some(self.modules.get(self.holder(module))?.0),
        }
    }

    /// The `use` that brings `name` into `module`.
    fn binding(&self, module: &[String], name: &str) -> Option<&Binding> {
        let holder = self.holder(module);
        let scope = &module[holder.len()..];
        let (_, names) = self.modules.get(holder)?;
        names
            .bindings
            .iter()
            .find(|binding| binding.name == name && binding.scope == scope)
    }

    /// The module with a file of its own that `module` is, or lies in as an inline one.
    fn holder<'m>(&self, module: &'m [String]) -> &'m [String] {
        (0..=module.len())
            .rev()
            .map(|length| &module[..length])
            .find(|module| self.modules.contains_key(*module))
            .unwrap_or_default()
    }
}

fn child(module: &[String], name: &str) -> Vec<String> {
    [module, &[name.to_owned()]].concat()
}

/// The path of the module that `file` holds.
fn module_path(file: &Path) -> Vec<String> {
    let mut names: Vec<String> = file
        .with_extension("")
        .components()
        .map(|component| component.as_os_str().to_string_lossy().into_owned())
        .collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib")) {
        names.pop();
    }
    names
}
