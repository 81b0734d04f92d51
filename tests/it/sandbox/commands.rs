use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{Deployctl, eventually, kubectl, sandbox};

/// Processes that were started by a sandbox whose id begins like this.
fn processes_of(name: &str) -> Vec<String> {
    let marker = format!("DEPLOYCTL_SANDBOX_ID={name}-");
    let entries = fs::read_dir("/proc")
        .expect("processes are listed")
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    let carries = |path: &Path| {
        fs::read(path.join("environ"))
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&marker))
    };
    let command = |path: &Path| {
        fs::read_to_string(path.join("cmdline"))
            .unwrap_or_default()
            .replace('\0', " ")
    };
    entries
        .filter(|path| carries(path))
        .map(|path| command(&path))
        .collect()
}

#[test]
fn a_second_installation_has_nothing_to_do() {
    Deployctl::new()
        .args(["sandbox", "install"])
        .run()
        .exited(0);
    let second = Deployctl::new()
        .args(["sandbox", "install"])
        .run()
        .exited(0);
    assert!(
        second.stderr.starts_with("Nothing to do: "),
        "{}",
        second.stderr
    );
    assert_eq!(second.stdout, "");
}

#[test]
fn without_go_the_installation_says_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    let outcome = Deployctl::new()
        .env("PATH", "/nonexistent")
        .env("DEPLOYCTL_SANDBOX_CACHE", cache.path());
    let outcome = outcome
        .env_remove("KUBEBUILDER_ASSETS")
        .args(["sandbox", "install"])
        .run()
        .exited(2);
    assert!(
        outcome.stderr.contains("Go is not installed"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("Hint: install Go"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_old_go_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    fs::write(&go, "#!/bin/sh\necho go1.20.3\n").unwrap();
    fs::set_permissions(&go, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let outcome = Deployctl::new()
        .env("PATH", path)
        .env("DEPLOYCTL_SANDBOX_CACHE", folder.path().join("cache"));
    let outcome = outcome
        .env_remove("KUBEBUILDER_ASSETS")
        .args(["sandbox", "install"])
        .run()
        .exited(2);
    assert!(
        outcome
            .stderr
            .contains("Go 1.20.3 is too old: the sandbox's programs need Go 1."),
        "{}",
        outcome.stderr
    );
    // Nothing that was begun may be taken for an installation.
    let again = Deployctl::new()
        .env("PATH", "/nonexistent")
        .env("DEPLOYCTL_SANDBOX_CACHE", folder.path().join("cache"));
    again
        .env_remove("KUBEBUILDER_ASSETS")
        .args(["sandbox", "install"])
        .run()
        .exited(2);
}

#[test]
fn a_folder_without_all_programs_names_the_missing_ones() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("etcd"), "").unwrap();
    let outcome = Deployctl::new().env("DEPLOYCTL_SANDBOX_CACHE", folder.path().join("cache"));
    let outcome = outcome
        .args(["sandbox", "install", "--from"])
        .args([folder.path()])
        .run()
        .exited(2);
    assert!(
        outcome
            .stderr
            .contains("lacks kube-apiserver, kube-controller-manager, kube-scheduler, kwok"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_started_sandbox_runs_until_it_is_stopped() {
    let name = format!("test-{}", std::process::id());
    let started = Deployctl::new()
        .args([
            "sandbox",
            "start",
            &name,
            "--nodes",
            "1",
            "--context",
            "mine",
        ])
        .run()
        .exited(0);
    let kubeconfig = started.stdout.trim_end();
    assert!(
        started
            .stderr
            .contains(&format!("export KUBECONFIG={kubeconfig}")),
        "{}",
        started.stderr
    );
    assert_has_one_node(kubeconfig, "mine");

    let again = Deployctl::new()
        .args(["sandbox", "start", &name])
        .run()
        .exited(0);
    assert_eq!(again.stdout, started.stdout);
    assert!(again.stderr.contains("runs already"), "{}", again.stderr);
    assert_is_listed_as_alive(&name, "mine");

    Deployctl::new()
        .args(["sandbox", "stop", &name])
        .run()
        .exited(0);
    assert_eq!(processes_of(&name), Vec::<String>::new());
    assert!(!Path::new(kubeconfig).exists());
    let outcome = Deployctl::new()
        .args(["sandbox", "stop", &name])
        .run()
        .exited(2);
    assert!(
        outcome
            .stderr
            .contains(&format!("there is no sandbox `{name}`")),
        "{}",
        outcome.stderr
    );
}

#[track_caller]
fn assert_has_one_node(kubeconfig: &str, context: &str) {
    let nodes = Command::new(&sandbox().kubectl)
        .args(["--kubeconfig", kubeconfig, "--context", context])
        .args(["get", "nodes", "-o", "name"])
        .output();
    assert_eq!(
        String::from_utf8(nodes.unwrap().stdout).unwrap(),
        "node/node-1\n"
    );
}

#[track_caller]
fn assert_is_listed_as_alive(name: &str, context: &str) {
    let list = Deployctl::new()
        .args(["sandbox", "list", "-o", "json"])
        .run()
        .exited(0);
    let list: Vec<serde_json::Value> = serde_json::from_str(&list.stdout).unwrap();
    let entry = list
        .iter()
        .find(|sandbox| sandbox["name"] == *name)
        .expect("it is listed");
    assert_eq!(
        (&entry["alive"], &entry["context"]),
        (&true.into(), &context.into())
    );
}

#[test]
fn what_a_killed_supervisor_leaves_is_cleaned_up_by_stop() {
    let name = format!("killed-{}", std::process::id());
    Deployctl::new()
        .args(["sandbox", "start", &name, "--nodes", "1"])
        .run()
        .exited(0);
    let state = fs::read_to_string(home(&name).join("state.json")).unwrap();
    let supervisor =
        serde_json::from_str::<serde_json::Value>(&state).unwrap()["supervisor"].to_string();
    Command::new("kill")
        .args(["-KILL", &supervisor])
        .status()
        .unwrap();
    eventually("all programs ended with the supervisor", || {
        processes_of(&name).is_empty().then_some(())
    });
    let list = Deployctl::new()
        .args(["sandbox", "list"])
        .run()
        .exited(0)
        .stdout;
    assert!(
        list.lines()
            .any(|line| line.starts_with(&name) && line.contains("dead")),
        "{list}"
    );
    let outcome = Deployctl::new()
        .args(["sandbox", "stop", &name])
        .run()
        .exited(0);
    assert!(
        outcome.stderr.contains("was dead already"),
        "{}",
        outcome.stderr
    );
    assert!(!home(&name).exists());
}

/// The folder of a sandbox, seen from that of the shared one beside it.
fn home(name: &str) -> std::path::PathBuf {
    sandbox()
        .kubeconfig
        .parent()
        .and_then(Path::parent)
        .expect("it is in a folder")
        .join(name)
}

#[test]
fn run_passes_the_exit_status_on_and_leaves_nothing() {
    let script = "kubectl get nodes -o name; kubectl config current-context; sleep 1000 & echo $DEPLOYCTL_SANDBOX_ID; exit 7";
    let outcome = Deployctl::new()
        .args(["sandbox", "run", "--nodes", "1", "--", "sh", "-c", script])
        .run()
        .exited(7);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[..2], ["node/node-1", "sandbox"]);
    let (name, _) = lines[2].rsplit_once('-').unwrap();
    assert_eq!(processes_of(name), Vec::<String>::new());
    assert!(!home(name).exists());
}

#[test]
fn storage_classes_are_there_by_the_names_that_are_given() {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n\
                 spec: {storageClassName: premium-rwo, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}";
    let script = format!(
        "kubectl get storageclasses -o name; echo '{claim}' | kubectl apply -f - >&2; \
         kubectl wait --for=jsonpath={{.status.phase}}=Bound pvc/data --timeout=30s"
    );
    let outcome = Deployctl::new()
        .args([
            "sandbox",
            "run",
            "--nodes",
            "1",
            "--storage-class",
            "premium-rwo",
        ])
        .args([
            "--storage-class",
            "nfs-client,fast",
            "--",
            "sh",
            "-c",
            &script,
        ])
        .run()
        .exited(0);
    let class = |name: &str| format!("storageclass.storage.k8s.io/{name}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let names = [
        "fast",
        "nfs-client",
        "premium-rwo",
        "standard",
        "standard-wait",
    ];
    assert_eq!(lines[..5], names.map(class));
    assert_eq!(lines[5], "persistentvolumeclaim/data condition met");
}

#[test]
fn a_command_that_does_not_exist_is_status_127() {
    let outcome = Deployctl::new()
        .args(["sandbox", "run", "--nodes", "1", "--", "no-such-program"])
        .run()
        .exited(127);
    assert!(
        outcome
            .stderr
            .contains("`no-such-program` could not be run"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn nothing_survives_a_run_that_is_killed() {
    // A child in a session of its own is the one that would get away.
    let script = "setsid sleep 1000 & echo $DEPLOYCTL_SANDBOX_ID; cat";
    let mut command = Deployctl::new()
        .args(["sandbox", "run", "--nodes", "1", "--", "sh", "-c", script])
        .into_command();
    let mut run = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(run.stdout.take().unwrap());
    let mut id = String::new();
    output.read_line(&mut id).unwrap();
    let name = id.trim().rsplit_once('-').unwrap().0.to_owned();
    eventually("the sleeping child runs", || {
        processes_of(&name)
            .iter()
            .any(|line| line.contains("sleep 1000"))
            .then_some(())
    });
    assert!(processes_of(&name).len() > 5);

    run.kill().unwrap();
    run.wait().unwrap();
    eventually("every process of the run has ended", || {
        processes_of(&name).is_empty().then_some(())
    });
    eventually("its folder is gone", || {
        (!home(&name).exists()).then_some(())
    });
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn the_audit_log_holds_the_requests_of_users_alone() {
    kubectl(
        &["get", "--raw", "/api/v1/namespaces/audited"]
            .map(|argument| argument.trim_end_matches("/audited")),
    );
    let text = fs::read_to_string(&sandbox().audit_log).unwrap();
    // The last line may be in the middle of being written, for another test.
    let (whole, _) = text.rsplit_once('\n').expect("the log has lines");
    let events: Vec<serde_json::Value> = whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        events
            .iter()
            .any(|event| event["requestURI"] == "/api/v1/namespaces" && event["verb"] == "list")
    );
    let strangers = events.iter().filter(|event| {
        event["user"]["username"]
            .as_str()
            .unwrap()
            .starts_with("system:kube-")
    });
    assert_eq!(strangers.count(), 0);
}

#[test]
fn the_restricted_user_may_do_nothing() {
    let output =
        crate::support::try_kubectl(&["--context", "sandbox-restricted", "get", "pods"], "");
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("User \"restricted\" cannot list resource \"pods\"")
    );
}
