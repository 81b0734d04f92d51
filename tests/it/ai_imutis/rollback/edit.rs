use std::{fs, path::Path};

use crate::{kill_points::platform::replaced, support::refusal};

/// A change of one file of the manifests.
pub(super) struct Edit {
    path: &'static str,
    /// What is replaced, and by what; the file is new where there is nothing to replace.
    from: Option<String>,
    to: String,
}

/// The label that makes the sandbox play a fault.
const FAULT: &str = "sandbox.deployctl.dev/fault";

/// The pods of `app` fail in the way that the sandbox calls `fault`.
pub(super) fn pods_fail(path: &'static str, app: &str, fault: &str) -> Edit {
    let from = format!("\n      labels:\n        app: {app}\n");
    let to = format!("{from}        {FAULT}: {fault}\n");
    Edit {
        path,
        from: Some(from),
        to,
    }
}

/// The object itself fails in the way that the sandbox calls `fault`.
pub(super) fn fails(path: &'static str, kind: &str, name: &str, fault: &str) -> Edit {
    labelled(path, kind, name, FAULT, fault)
}

/// The API server refuses the object, once it is really written.
pub(super) fn refused(path: &'static str, kind: &str, name: &str) -> Edit {
    labelled(path, kind, name, refusal::LABEL, "now")
}

fn labelled(path: &'static str, kind: &str, name: &str, label: &str, value: &str) -> Edit {
    let from = format!("\nkind: {kind}\nmetadata:\n  name: {name}\n  labels:\n");
    let to = format!("{from}    {label}: {value}\n");
    Edit {
        path,
        from: Some(from),
        to,
    }
}

/// Another text in a file.
pub(super) fn text(path: &'static str, from: &str, to: &str) -> Edit {
    Edit {
        path,
        from: Some(from.to_owned()),
        to: to.to_owned(),
    }
}

/// One more file.
pub(super) fn added(path: &'static str, manifest: &str) -> Edit {
    Edit {
        path,
        from: None,
        to: manifest.to_owned(),
    }
}

impl Edit {
    /// Makes the change in `folder`, and returns what takes it back.
    pub(super) fn make(&self, folder: &Path) -> impl FnOnce() + use<> {
        let path = folder.join(self.path);
        let before = self.from.as_ref().map(|from| {
            let before = fs::read_to_string(&path).unwrap();
            assert_eq!(before.matches(from).count(), 1, "`{from}` in {}", self.path);
            (replaced(&before, from, &self.to), before)
        });
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, before.as_ref().map_or(&self.to, |(after, _)| after)).unwrap();
        move || match before {
            Some((_, before)) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
}
