use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::support::manifests::{claim, config_map, deployment, documents, job, service, workload};

/// Which state of its manifests is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Base,
    /// With another image, a changed `ConfigMap`, one object more and one less.
    Changed,
}

/// What is deployed again and again, each time as another release: a plan, and two states of its
/// manifests.
pub(crate) struct Platform {
    folder: TempDir,
    /// The plan's name.
    pub(crate) name: &'static str,
    /// The plan of an environment `NAME` with the manifests in `SOURCES`.
    plan: String,
    /// What stays where data was deployed and everything is taken back: what holds it, and what it
    /// cannot be opened without.
    pub(super) kept: &'static [&'static str],
}

impl Platform {
    /// The dev environment of AI-IMUTIS, as `make demo` deploys it.
    pub(crate) fn ai_imutis() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let plan = fs::read_to_string(root.join("plans/ai-imutis.yaml")).unwrap();
        let account = root.join("plans/ai-imutis/firebase-service-account.example.json");
        let plan = [
            ("\n  dev:\n", "\n  NAME:\n"),
            ("namespace: ai-imutis-dev", "namespace: kill-NAME"),
            ("../manifests/ai-imutis, exclude", "SOURCES, exclude"),
            ("../manifests/ai-imutis/chart", "SOURCES/chart"),
            (
                "\nvariables:\n",
                "\nstateNamespace: kill-NAME-state\nvariables:\n",
            ),
            (
                "ai-imutis/firebase-service-account.json",
                account.to_str().unwrap(),
            ),
        ]
        .into_iter()
        .fold(plan, |plan, (from, to)| replaced(&plan, from, to));
        let platform = Self {
            folder: tempfile::tempdir().unwrap(),
            name: "ai-imutis",
            plan,
            kept: &[
                "Namespace/kill-NAME",
                "Secret/kill-NAME/postgres-secret",
                "Secret/kill-NAME/redis-secret",
                "Secret/kill-NAME/alertmanager-receivers",
            ],
        };
        for variant in [Variant::Base, Variant::Changed] {
            copy(
                &root.join("manifests/ai-imutis"),
                &platform.manifests(variant),
            );
        }
        let api = platform.manifests(Variant::Changed).join("apps/api.yaml");
        let text = replaced(
            &fs::read_to_string(&api).unwrap(),
            "LOG_FORMAT: json",
            "LOG_FORMAT: text",
        );
        let documents: Vec<&str> = text
            .split("---\n")
            .filter(|text| !text.contains("kind: PodDisruptionBudget"))
            .collect();
        fs::write(&api, documents.join("---\n")).unwrap();
        platform.add_banner();
        platform
    }

    /// Some objects of each sort.
    pub(super) fn small() -> Self {
        let plan = "apiVersion: deployctl.dev/v1
name: small
sources: [SOURCES]
stateNamespace: kill-NAME-state
variables: {image_tag: {default: \"1.0.0\"}}
environments: {NAME: {namespace: kill-NAME}}
secrets: [{name: database, data: {password: {generate: {length: 24}}}}]
";
        let platform = Self {
            folder: tempfile::tempdir().unwrap(),
            name: "small",
            plan: plan.to_owned(),
            kept: &["Namespace/kill-NAME", "Secret/kill-NAME/database"],
        };
        let password =
            "env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: database, key: password}}}], ";
        let claims = "serviceName: database\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]";
        let database = workload("apps/v1", "StatefulSet", "database", claims, "");
        let database = replaced(&database, "ports: ", &format!("{password}ports: "));
        let web = replaced(&deployment("web"), "web:v1", "web:${image_tag}");
        for variant in [Variant::Base, Variant::Changed] {
            let folder = platform.manifests(variant);
            let write = |path: &str, text: &str| {
                fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
                fs::write(folder.join(path), text).unwrap();
            };
            write("storage/files.yaml", &claim("files", "standard"));
            write(
                "databases/database.yaml",
                &documents(&[database.clone(), service("database", "")]),
            );
            write("apps/migrate.yaml", &job("migrate", ""));
            let settings = config_map(
                "settings",
                if variant == Variant::Base {
                    "one"
                } else {
                    "two"
                },
            );
            let mut apps = vec![settings, web.clone(), service("web", "")];
            if variant == Variant::Base {
                apps.push(config_map("old", "one"));
            }
            write("apps/web.yaml", &documents(&apps));
        }
        platform.add_banner();
        platform
    }

    fn add_banner(&self) {
        fs::write(
            self.manifests(Variant::Changed).join("apps/banner.yaml"),
            config_map("banner", "new"),
        )
        .unwrap();
    }

    /// The folder of its manifests in one of its states.
    pub(crate) fn manifests(&self, variant: Variant) -> PathBuf {
        self.folder.path().join(format!("{variant:?}"))
    }

    /// The plan of the environment `name` in one of its states.
    pub(crate) fn plan(&self, name: &str, variant: Variant) -> String {
        let plan = self
            .plan
            .replace("NAME", name)
            .replace("SOURCES", self.manifests(variant).to_str().unwrap());
        match variant {
            Variant::Base => plan,
            Variant::Changed => replaced(&plan, "default: \"1.0.0\"", "default: \"2.0.0\""),
        }
    }
}

/// `text` with `to` for `from`, which must be in it.
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(
        text.contains(from),
        "`{from}` is not in what it is to be replaced in"
    );
    text.replace(from, to)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (
            entry.as_ref().unwrap().path(),
            to.join(entry.unwrap().file_name()),
        );
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
        }
    }
}
