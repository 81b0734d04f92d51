//! Kubeconfigs as kubectl finds and reads them: one that is named, a list of them, or the one in
//! the home folder.

use std::{
    env,
    ffi::OsStr,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};
use secrecy::{ExposeSecret as _, SecretString};

/// Reads the kubeconfig at `named`, else those that `listed`, the value of `KUBECONFIG`, names, else
/// the one in the folder `home`. What is wrong is said with the file.
///
/// Of several files those that are not there are passed over, and the first to say something wins.
/// <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>
pub(super) fn read(
    named: Option<&Path>,
    listed: Option<&OsStr>,
    home: Option<&Path>,
) -> Result<Kubeconfig, String> {
    if let Some(path) = named {
        return read_file(path)?.ok_or_else(|| absent(&[path.to_owned()]));
    }
    let paths = match listed.filter(|listed| !listed.is_empty()) {
        Some(listed) => env::split_paths(listed)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => home
            .map(|home| vec![home.join(".kube/config")])
            .unwrap_or_default(),
    };
    let mut merged: Option<Kubeconfig> = None;
    for path in &paths {
        let Some(next) = read_file(path)? else {
            continue;
        };
        merged = Some(match merged {
            None => next,
            Some(first) => first
                .merge(next)
                .map_err(|error| format!("{}: {error}", path.display()))?,
        });
    }
    match merged {
        Some(merged) => Ok(merged),
        // A list of empty entries names no file, and is an empty kubeconfig.
        None if paths.is_empty() && listed.is_some() => Ok(Kubeconfig::default()),
        None => Err(absent(&paths)),
    }
}

fn absent(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    format!("{}: No such file or directory", paths.join(", "))
}

/// What the file at `path` says; `None` where it is not there.
fn read_file(path: &Path) -> Result<Option<Kubeconfig>, String> {
    match Kubeconfig::read_from(path) {
        Ok(kubeconfig) => Ok(Some(without_blanks(kubeconfig))),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == ErrorKind::NotFound => {
            Ok(None)
        }
        Err(KubeconfigError::ReadConfig(error, _)) => Err(format!("{}: {error}", path.display())),
        // The parser's excerpt is left out: it may show a token.
        Err(other) => {
            let text = other.to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(format!("{}: {first}", path.display()))
        }
    }
}

/// Takes out what is there and empty: it says nothing, and the next file may say it.
fn without_blanks(mut kubeconfig: Kubeconfig) -> Kubeconfig {
    clear_blank(&mut kubeconfig.current_context);
    let clusters = kubeconfig.clusters.iter_mut();
    clusters
        .filter_map(|named| named.cluster.as_mut())
        .for_each(clean_cluster);
    let users = kubeconfig.auth_infos.iter_mut();
    users
        .filter_map(|named| named.auth_info.as_mut())
        .for_each(clean_user);
    for named in &mut kubeconfig.contexts {
        if let Some(context) = &mut named.context {
            clear_blank(&mut context.namespace);
            clear_blank(&mut context.user);
        }
    }
    kubeconfig
}

fn clean_cluster(cluster: &mut Cluster) {
    for text in [
        &mut cluster.server,
        &mut cluster.certificate_authority_data,
        &mut cluster.proxy_url,
        &mut cluster.tls_server_name,
    ] {
        clear_blank(text);
    }
    clear_blank_path(&mut cluster.certificate_authority);
    unwrap_lines(&mut cluster.certificate_authority_data);
}

fn clean_user(user: &mut AuthInfo) {
    for text in [
        &mut user.username,
        &mut user.client_certificate_data,
        &mut user.impersonate,
        &mut user.impersonate_uid,
    ] {
        clear_blank(text);
    }
    for path in [
        &mut user.token_file,
        &mut user.client_certificate,
        &mut user.client_key,
    ] {
        clear_blank_path(path);
    }
    for secret in [
        &mut user.password,
        &mut user.token,
        &mut user.client_key_data,
    ] {
        if secret
            .as_ref()
            .is_some_and(|secret| secret.expose_secret().is_empty())
        {
            *secret = None;
        }
    }
    unwrap_lines(&mut user.client_certificate_data);
    if let Some(key) = &mut user.client_key_data {
        *key = SecretString::from(key.expose_secret().replace(['\n', '\r'], ""));
    }
}

fn clear_blank(text: &mut Option<String>) {
    if text.as_ref().is_some_and(String::is_empty) {
        *text = None;
    }
}

/// Takes out the path of a file that was empty: joined to the kubeconfig's folder it ends with `/`.
fn clear_blank_path(path: &mut Option<String>) {
    if path
        .as_ref()
        .is_some_and(|path| path.is_empty() || path.ends_with('/'))
    {
        *path = None;
    }
}

/// Base64 over several lines is one text, as in Go.
fn unwrap_lines(base64: &mut Option<String>) {
    if let Some(base64) = base64 {
        base64.retain(|character| character != '\n' && character != '\r');
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CLUSTERS: &str = "clusters: [{name: c, cluster: {server: 'https://c.test', certificate-authority: ca.crt}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: ''\n";
    const USERS: &str =
        "users: [{name: u, user: {username: '', token: t, tokenFile: ''}}]\ncurrent-context: x\n";

    /// Reads a list in which `good` and such are files of a folder of their own.
    fn read_list(files: &[(&str, &str)], list: &[&str]) -> Result<Kubeconfig, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let paths = list.iter().map(|name| match *name {
            "" => PathBuf::new(),
            name => folder.path().join(name),
        });
        let listed = env::join_paths(paths).unwrap();
        read(None, Some(&listed), Some(folder.path()))
    }

    #[test]
    fn files_of_a_list_may_be_absent_or_empty() {
        for list in [
            &["good"][..],
            &["good", "absent"],
            &["absent", "good"],
            &["", "good", ""],
            &["empty", "good"],
            &["comment", "good", "empty"],
            &["good", "good"],
        ] {
            let files = [
                ("good", CLUSTERS),
                ("empty", ""),
                ("comment", "# nothing\n"),
            ];
            let read = read_list(&files, list).unwrap();
            assert_eq!(read.clusters.len(), 1, "{list:?}");
        }
        assert_eq!(read_list(&[], &["", ""]).unwrap().clusters.len(), 0);
        let refused = read_list(&[], &["absent", "too"]).expect_err("refused");
        assert!(refused.contains("absent, ") && refused.contains("/too: No such"));
        let refused = read_list(&[("a", CLUSTERS), ("b", "clusters: [\n")], &["a", "b"]);
        assert!(refused.expect_err("refused").contains("/b: "));
    }

    #[test]
    fn parts_of_a_context_come_from_several_files_and_blanks_say_nothing() {
        let files = [("a", CLUSTERS), ("b", USERS)];
        let read = read_list(&files, &["a", "b"]).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("x"));
        let user = read.auth_infos[0].auth_info.as_ref().unwrap();
        assert_eq!((&user.username, &user.token_file), (&None, &None));
        let cluster = read.clusters[0].cluster.as_ref().unwrap();
        let authority = cluster.certificate_authority.as_ref().unwrap();
        assert!(authority.ends_with("/ca.crt"), "{authority}");
    }

    #[test]
    fn the_one_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        assert!(read(Some(&absent), None, None).is_err());
        fs::create_dir(folder.path().join(".kube")).unwrap();
        fs::write(folder.path().join(".kube/config"), CLUSTERS).unwrap();
        for listed in [None, Some(OsStr::new(""))] {
            let read = read(None, listed, Some(folder.path())).unwrap();
            assert_eq!(read.clusters.len(), 1);
        }
    }
}
