//! Charts that are not on this machine: of a repository and of a registry, pinned by their digests.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{Deployctl, Helm, Project};
use crate::support::{
    Outcome,
    charts::{ChartRepository, Registry},
};

/// A chart of one ConfigMap, in a folder of its own.
struct Chart {
    folder: TempDir,
}

impl Chart {
    fn new(text: &str) -> Self {
        let chart = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let templates = chart.path().join("templates");
        fs::create_dir_all(&templates).unwrap();
        let about = "apiVersion: v2\nname: shop\nversion: 1.2.3\n";
        fs::write(chart.path().join("Chart.yaml"), about).unwrap();
        let map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: fetched}}\ndata: {{text: {text}}}\n"
        );
        fs::write(templates.join("map.yaml"), map).unwrap();
        chart
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("shop")
    }
}

/// A project of a chart that is fetched into a folder of its own.
struct Fetching {
    name: String,
    cache: TempDir,
    certificate: Option<PathBuf>,
}

impl Fetching {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cache: tempfile::tempdir().unwrap(),
            certificate: None,
        }
    }

    /// The project whose plan says `chart` of its chart.
    fn project(&self, chart: &str) -> Project {
        Project::with_sources(&self.name, &format!("[{{helm: {{{chart}}}}}]"))
    }

    fn command(&self, command: Deployctl, helm: Helm) -> Outcome {
        let command = helm
            .of(command)
            .env("DEPLOYCTL_CHART_CACHE", self.cache.path());
        match &self.certificate {
            Some(file) => command.env("SSL_CERT_FILE", file).run(),
            None => command.run(),
        }
    }

    fn validate(&self, chart: &str) -> Outcome {
        let project = self.project(chart);
        self.command(project.command("validate", &[]), Helm::Four)
    }

    /// What `validate` says against `chart`, beside where; the test fails where it says more than one
    /// error.
    fn refused(&self, chart: &str) -> String {
        let refused = self.validate(chart).exited(2).stderr;
        let place = format!("plans/{}.yaml:3", self.name);
        assert_eq!(refused.matches(&place).count(), 1, "{refused}");
        refused
    }
}

/// The digest that a warning names.
fn digest(outcome: &Outcome) -> String {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let at = said
        .find("digest: sha256:")
        .unwrap_or_else(|| panic!("{said}"));
    said[at..]
        .chars()
        .take("digest: sha256:".len() + 64)
        .collect()
}

#[test]
fn a_chart_of_a_repository_is_fetched_once_and_pinned() {
    let (chart, fetching) = (Chart::new("a"), Fetching::new("fetch-repository"));
    let repository = ChartRepository::of(&chart.path());
    let of = |more: &str| {
        format!(
            "chart: shop, repository: \"{}\", version: 1.2.3{more}",
            repository.address
        )
    };
    let unpinned = fetching.validate(&of("")).exited(0);
    let said = format!("{}{}", unpinned.stdout, unpinned.stderr);
    assert!(
        said.contains("the chart `shop` is not pinned by a digest"),
        "{said}"
    );
    assert_eq!(repository.asked(), ["/index.yaml", "/shop-1.2.3.tgz"]);
    let digest = digest(&unpinned);
    let pinned = of(&format!(", \"{}\"", digest.replace(": ", "\": \"")));
    let project = fetching.project(&pinned);
    let up = fetching.command(project.up(&[]), Helm::Four).exited(0);
    assert!(!up.stderr.contains("digest"), "{}", up.stderr);
    assert_eq!(project.get("configmap/fetched")["data"]["text"], "a");
    assert_eq!(repository.asked(), [""; 0], "it is here already");

    // Somebody has put another archive into its place.
    let elsewhere = Fetching::new("fetch-repository");
    repository.replace_archives(&Chart::new("b").path());
    let refused = elsewhere.refused(&pinned);
    let said = "the archive of the chart `shop` is not the one that `digest` names: it has sha256:";
    assert!(refused.contains(said), "{refused}");
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn a_chart_of_a_registry_is_fetched_and_pinned_by_both_versions_of_helm() {
    let (chart, registry) = (Chart::new("a"), Registry::start());
    let address = registry.push(&chart.path());
    for helm in [Helm::Three, Helm::Four] {
        let fetching = Fetching {
            certificate: Some(registry.certificate()),
            ..Fetching::new("fetch-registry")
        };
        let of = |more: &str| format!("chart: \"{address}\", version: 1.2.3{more}");
        let digest = digest(&fetching.validate(&of("")).exited(0));
        let pinned = of(&format!(", \"{}\"", digest.replace(": ", "\": \"")));
        let project = fetching.project(&pinned);
        let rendered = fetching
            .command(project.command("render", &[]), helm)
            .exited(0);
        assert!(
            rendered.stdout.contains("name: fetched"),
            "{}",
            rendered.stdout
        );
        let wrong = of(&format!(", digest: \"sha256:{}\"", "0".repeat(64)));
        let refused = fetching.refused(&wrong);
        assert!(
            refused.contains("is not the one that `digest` names"),
            "{refused}"
        );
        let refused = fetching.refused(&format!("chart: \"{address}\", version: 9.9.9"));
        let said = format!("`helm` cannot fetch the chart `{address}` 9.9.9:");
        assert!(
            refused.contains(&said) && refused.contains("not found"),
            "{refused}"
        );
        assert!(
            refused.contains("correct `chart` or `version` in `sources`"),
            "{refused}"
        );
    }
}

#[test]
fn what_cannot_be_fetched_is_one_error() {
    let (chart, fetching) = (Chart::new("a"), Fetching::new("fetch-nothing"));
    let repository = ChartRepository::of(&chart.path());
    let of = |name: &str, version: &str| {
        format!(
            "chart: {name}, repository: \"{}\", version: {version}",
            repository.address
        )
    };
    for (name, version) in [("shop", "9.9.9"), ("absent", "1.2.3")] {
        let refused = fetching.refused(&of(name, version));
        let said = format!("`helm` cannot fetch the chart `{name}` {version}:");
        assert!(refused.contains(&said), "{refused}");
        assert!(refused.contains("not found in http://"), "{refused}");
        let hint = "correct `chart`, `repository` or `version` in `sources`";
        assert!(refused.contains(hint), "{refused}");
    }
    let unreachable = "chart: shop, repository: \"http://127.0.0.1:1\", version: 1.2.3";
    let refused = fetching.refused(unreachable);
    assert!(
        refused.contains("`helm` cannot fetch the chart `shop` 1.2.3:"),
        "{refused}"
    );
    assert!(refused.contains("connection refused"), "{refused}");
    let refused = fetching.refused("chart: \"oci://localhost:1/charts/shop\", version: 1.2.3");
    assert!(refused.contains("connection refused"), "{refused}");
}

#[test]
fn a_missing_helm_is_said_once_however_many_charts_there_are() {
    let chart = Chart::new("a");
    let sources = format!(
        "\n- {{helm: {{chart: \"{path}\", release: a}}}}\n- {{helm: {{chart: \"{path}\", release: b}}}}",
        path = chart.path().display()
    );
    let project = Project::with_sources("fetch-without", &sources);
    let refused = project.command("validate", &[]).env("PATH", "/nonexistent");
    let refused = refused.run().exited(2).stderr;
    assert_eq!(
        refused.matches("`helm` is not in `PATH`").count(),
        1,
        "{refused}"
    );
}

/// Whoever lists the processes of the machine sees their arguments.
#[test]
fn no_value_is_in_the_arguments_of_helm() {
    let chart = Chart::new("{{ index .Values.list 1 | quote }}");
    let set =
        "set: {\"list[1]\": hunter2, \"labels.example\\\\.org/a\": hunter3, plain.key: hunter4}";
    let source = format!("chart: \"{}\", {set}", chart.path().display());
    let project = Project::with_sources("fetch-values", &format!("[{{helm: {{{source}}}}}]"));
    // A helm that says how it was run, and runs.
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let helm = Helm::Four.folder().join("helm");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\nexec '{}' \"$@\"\n",
        seen.display(),
        helm.display()
    );
    let program = folder.path().join("helm");
    fs::write(&program, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    let command = project.command("render", &[]);
    let path =
        [folder.path().as_os_str(), &command.path_variable()].join(std::ffi::OsStr::new(":"));
    let rendered = command.env("PATH", path).run().exited(0);
    assert!(
        rendered.stdout.contains("text: hunter2"),
        "{}",
        rendered.stdout
    );
    let seen = fs::read_to_string(seen).unwrap();
    assert!(
        seen.contains("template") && !seen.contains("hunter"),
        "{seen}"
    );
    let versions = seen.lines().filter(|line| line.starts_with("version"));
    assert_eq!(versions.count(), 1, "{seen}");
}
