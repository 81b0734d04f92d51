//! The CRDs that `--crds` names: pinned sets, files and folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{api::Api, cache::Cache, error::SandboxError, install::go};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// CRDs that come as YAML inside a Go module.
pub(super) struct CrdSet {
    pub(super) name: &'static str,
    module: &'static str,
    version: &'static str,
    /// Files or folders inside the module.
    paths: &'static [&'static str],
}

/// The sets that `--crds` knows by name.
pub(super) const SETS: [CrdSet; 11] = [
    set(
        "cert-manager",
        "github.com/cert-manager/cert-manager",
        "v1.21.2",
        &["deploy/crds"],
    ),
    set(
        "prometheus-operator",
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        &["example/prometheus-operator-crd"],
    ),
    set(
        "external-secrets",
        "github.com/external-secrets/external-secrets",
        "v1.3.2",
        &["config/crds/bases"],
    ),
    set(
        "gateway-api",
        "sigs.k8s.io/gateway-api",
        "v1.5.1",
        &["config/crd/standard"],
    ),
    set(
        "keda",
        "github.com/kedacore/keda/v2",
        "v2.21.0",
        &["config/crd/bases"],
    ),
    set(
        "vpa",
        "k8s.io/autoscaler/vertical-pod-autoscaler",
        "v1.8.1",
        &["deploy/vpa-v1-crd-gen.yaml"],
    ),
    set(
        "zalando",
        "github.com/zalando/postgres-operator",
        "v1.14.0",
        &[
            "manifests/postgresql.crd.yaml",
            "manifests/operatorconfiguration.crd.yaml",
            "manifests/postgresteam.crd.yaml",
        ],
    ),
    set(
        "sealed-secrets",
        "github.com/bitnami-labs/sealed-secrets",
        "v0.40.0",
        &["helm/sealed-secrets/crds"],
    ),
    set(
        "argo-cd",
        "github.com/argoproj/argo-cd/v3",
        "v3.4.2",
        &["manifests/crds"],
    ),
    set(
        "snapshotter",
        "github.com/kubernetes-csi/external-snapshotter/client/v8",
        "v8.7.0",
        &["config/crd"],
    ),
    set(
        "velero",
        "github.com/vmware-tanzu/velero",
        "v1.18.3",
        &["config/crd/v1/bases"],
    ),
];

const fn set(
    name: &'static str,
    module: &'static str,
    version: &'static str,
    paths: &'static [&'static str],
) -> CrdSet {
    CrdSet {
        name,
        module,
        version,
        paths,
    }
}

/// The files of CRDs that the words of `--crds` name: sets, which are fetched at their first use,
/// files and folders.
pub(super) fn resolve(cache: &Cache, words: &[String]) -> Result<Vec<PathBuf>, SandboxError> {
    let mut files = Vec::new();
    for word in words {
        let folder = match SETS.iter().find(|set| set.name == word) {
            Some(set) => fetch(cache, set)?,
            None if Path::new(word).exists() => {
                std::path::absolute(word).map_err(SandboxError::file("find", word))?
            }
            None => return Err(SandboxError::UnknownCrds(word.clone())),
        };
        let found = yaml_files(&folder)?;
        let holds_any = found
            .iter()
            .map(|file| documents(file))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .next()
            .is_some();
        if !holds_any {
            return Err(SandboxError::NoCrds(folder));
        }
        files.extend(found);
    }
    Ok(files)
}

/// Copies the set's files out of its Go module into the cache, complete or not at all.
fn fetch(cache: &Cache, set: &CrdSet) -> Result<PathBuf, SandboxError> {
    let target = cache.crds_folder(set.name, set.version);
    if target.is_dir() {
        return Ok(target);
    }
    let module = download(cache, set)?;
    let parent = target.parent().expect("the folder is inside the cache");
    fs::create_dir_all(parent).map_err(SandboxError::file("create", parent))?;
    let staging =
        tempfile::tempdir_in(parent).map_err(SandboxError::file("create a folder in", parent))?;
    for path in set.paths {
        for file in yaml_files(&module.join(path))? {
            let name = file.file_name().expect("a YAML file has a name");
            fs::copy(&file, staging.path().join(name))
                .map_err(SandboxError::file("copy", &file))?;
        }
    }
    let staging = staging.keep();
    match fs::rename(&staging, &target) {
        // Another sandbox may have been quicker.
        Err(_) if target.is_dir() => {
            fs::remove_dir_all(&staging).map_err(SandboxError::file("remove", &staging))?;
        }
        result => result.map_err(SandboxError::file("create", &target))?,
    }
    Ok(target)
}

fn download(cache: &Cache, set: &CrdSet) -> Result<PathBuf, SandboxError> {
    let module = format!("{}@{}", set.module, set.version);
    let output = go(cache.root())
        .args(["mod", "download", "-json", &module])
        .output()
        .map_err(SandboxError::GoMissing)?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if let Some(folder) = answer["Dir"].as_str() {
        return Ok(PathBuf::from(folder));
    }
    let tail = answer["Error"].as_str().map_or_else(
        || String::from_utf8_lossy(&output.stderr).into_owned(),
        str::to_owned,
    );
    Err(SandboxError::Go {
        command: format!("go mod download {module}"),
        tail: tail.trim().to_owned(),
    })
}

/// The file itself, or the YAML files of a folder, by name.
fn yaml_files(path: &Path) -> Result<Vec<PathBuf>, SandboxError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let is_yaml = |path: &PathBuf| {
        path.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
    };
    let entries = fs::read_dir(path).map_err(SandboxError::file("read", path))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(is_yaml)
        .collect();
    files.sort();
    Ok(files)
}

/// The documents of a file that are CRDs. They are not parsed here, which would take seconds for
/// the larger sets.
fn documents(file: &Path) -> Result<Vec<String>, SandboxError> {
    let text = fs::read_to_string(file).map_err(SandboxError::file("read", file))?;
    let is_crd = |document: &&str| {
        document
            .lines()
            .any(|line| line.trim_end() == "kind: CustomResourceDefinition")
    };
    Ok(format!("\n{text}")
        .split("\n---")
        .filter(is_crd)
        .map(|document| document.trim_start_matches('-').to_owned())
        .collect())
}

/// Where CRDs are created, as `kubectl create` would: a release that brings one takes it over.
const AS_KUBECTL_DOES: &str = "?fieldManager=kubectl-create";

/// Creates the CRDs of the files; the server parses them. Returns how many there are.
pub(super) async fn create(api: &Api, files: &[PathBuf]) -> Result<usize, SandboxError> {
    let documents: Vec<String> = files
        .iter()
        .map(|file| documents(file))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    let count = documents.len();
    let path = format!("{CRDS}{AS_KUBECTL_DOES}");
    stream::iter(documents)
        .map(|document| api.create_yaml(&path, document))
        .buffer_unordered(8)
        .try_collect::<()>()
        .await?;
    Ok(count)
}

/// Whether every CRD of the cluster is established.
pub(super) async fn are_established(api: &Api) -> Result<bool, SandboxError> {
    let list = api.get(CRDS).await?.unwrap_or_default();
    let items = list["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(items.iter().all(|crd| {
        let conditions = crd["status"]["conditions"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crds_are_taken_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("all.yaml");
        let text = "---\n# a comment\nkind: CustomResourceDefinition\nmetadata: {name: a}\n---\nkind: ConfigMap\n---\nkind: CustomResourceDefinition\n";
        fs::write(&file, text).unwrap();
        assert_eq!(documents(&file).unwrap().len(), 2);
    }

    #[test]
    fn the_names_of_sets_are_unique() {
        let mut names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SETS.len());
    }
}
