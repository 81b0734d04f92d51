//! A pod of a workload, laid out as folders: its mounts at their places, and a script for each
//! container and probe.

use std::{
    collections::BTreeMap, fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    programs,
    table::{self, ImageRow, Table},
};
use crate::platforms::{Platform, Rendered, Workload, entries, items};

/// One pod.
pub(super) struct Pod<'a> {
    pub(super) platform: &'a Platform,
    pub(super) rendered: &'a Rendered,
    pub(super) workload: Workload<'a>,
    /// Its host name.
    pub(super) name: String,
    pub(super) address: String,
}

/// A container whose program is known.
pub(super) struct Started<'a> {
    pub(super) container: &'a Value,
    pub(super) row: &'a ImageRow,
}

impl<'a> Pod<'a> {
    /// Its containers that the table starts, init containers first.
    pub(super) fn started(&self, table: &'a Table) -> Vec<Started<'a>> {
        let known = |container: &'a Value| {
            let row = table.image(container["image"].as_str()?)?;
            Some(Started { container, row })
        };
        self.workload.all_containers().filter_map(known).collect()
    }

    /// The names by which others reach it: its own below its StatefulSet's Service, and those of the Services that select it.
    pub(super) fn names(&self) -> Vec<String> {
        let namespace = self.workload.namespace();
        let spelled = |name: &str| {
            [
                "",
                &format!(".{namespace}"),
                &format!(".{namespace}.svc"),
                &format!(".{namespace}.svc.cluster.local"),
            ]
            .map(|end| format!("{name}{end}"))
        };
        let mut names = vec![self.name.clone()];
        if let Some(service) = self.workload.object["spec"]["serviceName"].as_str() {
            names.extend(spelled(&format!("{}.{service}", self.name)));
        }
        let mut labels = self.workload.labels().clone();
        labels["statefulset.kubernetes.io/pod-name"] = self.name.as_str().into();
        for service in self.rendered.kind("Service") {
            let mut selected = entries(&service["spec"]["selector"]).peekable();
            let of_namespace = service["metadata"]["namespace"] == namespace;
            if of_namespace
                && selected.peek().is_some()
                && selected.all(|(key, value)| labels[key] == *value)
            {
                names.extend(spelled(
                    service["metadata"]["name"].as_str().unwrap_or_default(),
                ));
            }
        }
        names
    }

    /// Writes it into `folder`, with the scripts that run it.
    pub(super) fn write(&self, table: &'a Table, folder: &Path, hosts: &str) {
        let root = folder.join("files");
        for part in [".stage", "etc", "tmp", "run", "var"] {
            fs::create_dir_all(root.join(part)).unwrap();
        }
        std::os::unix::fs::symlink("../run", root.join("var/run")).unwrap();
        fs::write(folder.join("address"), &self.address).unwrap();
        fs::write(root.join("etc/hosts"), hosts).unwrap();
        fs::write(
            root.join("etc/nsswitch.conf"),
            "passwd: files\ngroup: files\nhosts: files\n",
        )
        .unwrap();
        fs::write(
            root.join("etc/passwd"),
            "root:x:0:0::/:/bin/sh\nserver:x:999:999::/tmp:/bin/sh\n",
        )
        .unwrap();
        fs::write(root.join("etc/group"), "root:x:0:\nserver:x:999:\n").unwrap();
        // Nobody answers there; that the file is missing is an error of some programs.
        fs::write(root.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        let _ = fs::copy("/etc/ld.so.cache", root.join("etc/ld.so.cache"));
        let entrypoint = fs::read(table::folder().join("postgres.sh")).unwrap();
        write(
            &root.join(".stage/entrypoint-postgres.sh"),
            &entrypoint,
            0o755,
        );
        let started = self.started(table);
        for it in &started {
            for mount in items(&it.container["volumeMounts"]) {
                self.mount(&root, mount);
            }
        }
        write(
            &root.join(".stage/run"),
            self.run_script(&started).as_bytes(),
            0o755,
        );
        for it in &started {
            let name = it.container["name"].as_str().unwrap_or_default();
            let script = self.command_script(it);
            write(
                &root.join(format!(".stage/container-{name}")),
                script.as_bytes(),
                0o755,
            );
        }
    }

    /// The script that is the first process of the pod.
    fn run_script(&self, started: &[Started]) -> String {
        let mut script = "set -eu\n".to_owned();
        for it in started {
            let name = it.container["name"].as_str().unwrap_or_default();
            let is_init = self
                .workload
                .init_containers()
                .any(|other| other["name"] == name);
            if is_init && it.container["restartPolicy"] != "Always" {
                writeln!(script, "/bin/sh /.stage/container-{name}").unwrap();
            } else {
                writeln!(script, "{{ /bin/sh /.stage/container-{name} || echo \"{name} ended with $?\"; : > /.stage/ended; }} &").unwrap();
            }
        }
        // Its end ends the pod.
        script + "while [ ! -e /.stage/ended ]; do sleep 0.2; done\n"
    }

    /// The script of a container.
    fn command_script(&self, it: &Started) -> String {
        let variables = self.variables(it.container);
        let mut words: Vec<String> = Vec::new();
        let own = items(&it.container["command"]).filter_map(Value::as_str);
        words.extend(own.map(str::to_owned));
        if words.is_empty() {
            words.clone_from(&it.row.entrypoint);
        }
        let arguments = items(&it.container["args"]).filter_map(Value::as_str);
        words.extend(arguments.map(str::to_owned));
        self.script(&variables, &words)
    }

    /// A script that runs `words` with the variables of a container.
    pub(super) fn script_in(&self, container: &Value, words: &[String]) -> String {
        self.script(&self.variables(container), words)
    }

    fn script(&self, variables: &BTreeMap<String, String>, words: &[String]) -> String {
        let mut script = "cd /\nexec env -i".to_owned();
        let folders = programs::folders()
            .iter()
            .map(|folder| folder.display().to_string());
        let own = std::env::var(programs::FOLDER).unwrap_or_default();
        let folders: Vec<String> = folders
            .map(|folder| {
                if folder == own {
                    "/.programs".to_owned()
                } else {
                    folder
                }
            })
            .collect();
        write!(
            script,
            " {}",
            quoted(&format!("PATH={}", folders.join(":")))
        )
        .unwrap();
        write!(script, " {}", quoted(&format!("HOSTNAME={}", self.name))).unwrap();
        for (name, value) in variables {
            write!(script, " {}", quoted(&format!("{name}={value}"))).unwrap();
        }
        for word in words {
            let filled = variables.iter().fold(word.clone(), |word, (name, value)| {
                word.replace(&format!("$({name})"), value)
            });
            write!(script, " {}", quoted(&filled)).unwrap();
        }
        script + "\n"
    }

    /// The variables of a container.
    fn variables(&self, container: &Value) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for source in items(&container["envFrom"]) {
            for (key, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                if let Some(name) = source[key]["name"].as_str() {
                    variables.extend(self.data(kind, name));
                }
            }
        }
        for variable in items(&container["env"]) {
            let name = variable["name"].as_str().unwrap_or_default().to_owned();
            let from = &variable["valueFrom"];
            let keyed = |key: &str, kind: &str| {
                let source = &from[key];
                let data = self.data(kind, source["name"].as_str()?);
                data.get(source["key"].as_str()?).cloned()
            };
            let field = from["fieldRef"]["fieldPath"]
                .as_str()
                .map(|path| self.field(path));
            let value = variable["value"].as_str().map(str::to_owned);
            let value = value
                .or(field)
                .or_else(|| keyed("configMapKeyRef", "ConfigMap"))
                .or_else(|| keyed("secretKeyRef", "Secret"));
            if let Some(value) = value {
                let value =
                    variables
                        .iter()
                        .fold(value, |value, (name, other): (&String, &String)| {
                            value.replace(&format!("$({name})"), other)
                        });
                variables.insert(name, value);
            }
        }
        variables
    }

    fn field(&self, path: &str) -> String {
        match path {
            "metadata.name" => &self.name,
            "metadata.namespace" => self.workload.namespace(),
            "status.podIP" => &self.address,
            _ => "unknown",
        }
        .to_owned()
    }

    /// What a `ConfigMap` or Secret holds. The plan's Secrets have values that are made up, the same wherever they are read.
    fn data(&self, kind: &str, name: &str) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if let Some(object) = self.rendered.find(kind, self.workload.namespace(), name) {
            let plain = entries(&object["data"])
                .filter(|_| kind == "ConfigMap")
                .chain(entries(&object["stringData"]));
            let mut data: BTreeMap<String, String> = plain
                .map(|(key, value)| (key.clone(), text(value)))
                .collect();
            for (key, value) in entries(&object["data"]).filter(|_| kind == "Secret") {
                let decoded = STANDARD.decode(text(value)).unwrap_or_default();
                data.insert(key.clone(), String::from_utf8_lossy(&decoded).into_owned());
            }
            return data;
        }
        let declared =
            items(&self.platform.plan["secrets"]).filter(|secret| secret["name"] == name);
        let declared = declared.flat_map(|secret| entries(&secret["data"]));
        let made = declared.map(|(key, source)| {
            let value = source["value"]
                .as_str()
                .filter(|value| !value.contains("${"));
            let value = value.map_or_else(
                || {
                    format!(
                        "madeUp{}",
                        key.replace(|letter: char| !letter.is_ascii_alphanumeric(), "0")
                    )
                },
                str::to_owned,
            );
            (key.clone(), value)
        });
        made.collect()
    }

    /// Lays out what a container has at a place.
    fn mount(&self, root: &Path, mount: &Value) {
        let path = root.join(
            mount["mountPath"]
                .as_str()
                .unwrap_or_default()
                .trim_start_matches('/'),
        );
        let mut volumes = items(&self.workload.pod()["volumes"]);
        let volume = volumes.find(|volume| volume["name"] == mount["name"]);
        let mut files = Vec::new();
        for source in volume
            .into_iter()
            .flat_map(|volume| items(&volume["projected"]["sources"]).chain([volume]))
        {
            files.extend(self.files(source));
        }
        if path.starts_with(root.join("dev")) {
            return;
        }
        match mount["subPath"].as_str() {
            Some(sub) if !files.is_empty() => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                for (_, content, mode) in files.iter().filter(|(name, ..)| name == sub) {
                    write(&path, content.as_bytes(), *mode);
                }
            }
            _ => {
                fs::create_dir_all(&path).unwrap();
                for (name, content, mode) in files {
                    let file = path.join(name);
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    write(&file, content.as_bytes(), mode);
                }
            }
        }
    }

    /// The files of a volume's source, as (path, content, mode).
    fn files(&self, source: &Value) -> Vec<(String, String, u32)> {
        let mut files = Vec::new();
        for (part, kind, name) in [
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("secret", "Secret", "name"),
        ] {
            let source = &source[part];
            let Some(name) = source[name].as_str() else {
                continue;
            };
            let mode = u32::try_from(source["defaultMode"].as_u64().unwrap_or(0o644)).unwrap();
            let data = self.data(kind, name);
            let listed: Vec<(&str, &str)> = items(&source["items"])
                .filter_map(|item| Some((item["key"].as_str()?, item["path"].as_str()?)))
                .collect();
            for (key, content) in data {
                let path = match listed.iter().find(|(listed, _)| *listed == key) {
                    Some((_, path)) => (*path).to_owned(),
                    None if listed.is_empty() => key,
                    None => continue,
                };
                files.push((path, content, mode));
            }
        }
        files
    }
}

/// A file with a mode. What was there goes, as a mount would hide it.
pub(super) fn write(path: &Path, content: &[u8], mode: u32) {
    let _ = fs::remove_file(path);
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
