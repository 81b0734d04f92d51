//! The real programs: where they are, and which versions.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{LazyLock, Mutex, PoisonError},
};

/// Names a folder with further programs.
pub(super) const FOLDER: &str = "DEPLOYCTL_CONFIGURATION_PROGRAMS";

/// The folders that hold programs, in the order in which they are asked.
pub(super) fn folders() -> &'static [PathBuf] {
    static FOLDERS: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
        let mut servers: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .collect();
        // The newest first; Debian's `psql` on the `PATH` is a script that looks for a cluster of its own.
        servers.sort_by_key(|folder| std::cmp::Reverse(version_of_folder(folder)));
        let own = env::var_os(FOLDER).map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
        own.into_iter()
            .chain(servers)
            .chain(env::split_paths(&path))
            .chain(more)
            .collect()
    });
    &FOLDERS
}

/// The number in `/usr/lib/postgresql/NUMBER/bin`.
fn version_of_folder(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name);
    name.and_then(|name| name.to_str()?.parse().ok())
        .unwrap_or_default()
}

/// The program called `name`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let mut paths = folders().iter().map(|folder| folder.join(name));
    paths.find(|path| path.is_file())
}

/// What the program says of its version; nothing where it says none, as `sh` of Debian.
pub(super) fn version(program: &Path) -> String {
    static KNOWN: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(program.to_owned())
        .or_insert_with(|| said_version(program))
        .clone()
}

fn said_version(program: &Path) -> String {
    let said = ["--version", "-v", "-version"].iter().find_map(|option| {
        let mut command = Command::new(program);
        let output = command.arg(option).stdin(Stdio::null()).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
        let is_version = |word: &&str| {
            let word = word.trim_start_matches('v');
            word.starts_with(|letter: char| letter.is_ascii_digit()) && word.contains('.')
        };
        words.find(is_version).map(str::to_owned)
    });
    said.unwrap_or_default().trim_matches(['v', '.']).to_owned()
}
