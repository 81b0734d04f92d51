//! Decides where every declared value comes from, by what is supplied and what is there.

use serde_json::Value;

use super::{
    error::SecretError,
    key_name::KeyName,
    live::LiveSecret,
    manifest::type_name,
    names::{self, Rotate, TLS_CERTIFICATE, TLS_KEY, derived_from, is_self_signed},
    needs::{Needs, Origin, SecretNeeds},
    supplied::Supplied,
    value::SecretBytes,
};
use crate::plan::{SecretDeclaration, SecretValue};

/// Decides where every value of `declarations` comes from. Reads nothing and asks nothing.
///
/// `live` returns the Secret that the cluster holds under a namespace and name; a Secret that could
/// not be looked at must never be reported as absent, or its values would be generated anew. In
/// order: `--secret` and `--secrets-file`; what the cluster holds in any of the Secret's
/// namespaces, unless it is rotated; `DEPLOYCTL_SECRET_…`; the declared source. Values that follow
/// the plan (`value`, `template`, public keys) are composed at every run, so that a rotation flows
/// through.
pub(crate) fn plan_values<'a>(
    declarations: &[SecretDeclaration],
    default_namespace: &str,
    live: &dyn Fn(&str, &str) -> Option<&'a Value>,
    supplied: &Supplied,
    rotate: &[Rotate],
) -> Needs {
    let mut needs = Needs {
        secrets: Vec::new(),
        problems: Vec::new(),
        to_prompt: Vec::new(),
        missing: Vec::new(),
        warnings: Vec::new(),
    };
    for declaration in declarations {
        let namespaces = namespaces(declaration, default_namespace);
        let lives = namespaces.iter().filter_map(|namespace| {
            let object = live(namespace, &declaration.name)?;
            Some(LiveSecret::new(namespace, object, declaration))
        });
        let lives: Vec<LiveSecret<'_>> = lives.collect();
        let mut planner = Planner {
            declaration,
            lives: &lives,
            supplied,
            rotate,
            problems: &mut needs.problems,
            warnings: &mut needs.warnings,
        };
        planner.check_types();
        let keys = planner.plan();
        for (name, origin) in &keys {
            let rotated = rotate.iter().any(|Rotate(rotated)| rotated == name);
            needs.note(name, origin, declaration, rotated);
        }
        needs.secrets.push(SecretNeeds {
            declaration: declaration.clone(),
            namespaces,
            keys,
        });
    }
    needs
}

fn namespaces(declaration: &SecretDeclaration, default_namespace: &str) -> Vec<String> {
    let mut namespaces = declaration.namespaces.clone();
    if namespaces.is_empty() {
        namespaces.push(default_namespace.to_owned());
    }
    let mut seen = std::collections::HashSet::new();
    namespaces.retain(|namespace| seen.insert(namespace.clone()));
    namespaces
}

struct Planner<'a> {
    declaration: &'a SecretDeclaration,
    lives: &'a [LiveSecret<'a>],
    supplied: &'a Supplied,
    rotate: &'a [Rotate],
    problems: &'a mut Vec<SecretError>,
    warnings: &'a mut Vec<String>,
}

impl Planner<'_> {
    fn check_types(&mut self) {
        let wanted = type_name(self.declaration.kind);
        for live in self.lives.iter().filter(|live| live.kind != wanted) {
            self.problems.push(SecretError::TypeDiffers {
                secret: self.declaration.name.clone(),
                namespace: live.namespace.to_owned(),
                live: live.kind.clone(),
                wanted,
            });
        }
    }

    fn plan(&mut self) -> Vec<(KeyName, Origin)> {
        let pair = if is_self_signed(self.declaration) {
            Some(self.certificate())
        } else {
            None
        };
        let mut keys: Vec<(KeyName, Origin)> = Vec::new();
        for key in names::keys(self.declaration) {
            let name = self.name(key);
            let origin = match (&pair, key) {
                (Some((certificate, _)), TLS_CERTIFICATE) => certificate.clone(),
                (Some((_, private)), TLS_KEY) => private.clone(),
                _ => self.origin(&name),
            };
            keys.push((name, origin));
        }
        keys
    }

    fn name(&self, key: &str) -> KeyName {
        KeyName::new(&self.declaration.name, key)
    }

    fn rotated(&self, name: &KeyName) -> bool {
        self.rotate.iter().any(|Rotate(rotated)| rotated == name)
    }

    fn origin(&mut self, name: &KeyName) -> Origin {
        let declared = &self.declaration.data[&name.key];
        if let Some(source_kind) = derived_from(declared) {
            return self.derived(name, source_kind);
        }
        if let Some(value) = self.supplied.explicit(name) {
            return Origin::Supplied(value.clone(), format!("`--secret {name}`"));
        }
        let rotated = self.rotated(name);
        if !rotated && let Some(value) = self.kept(name) {
            if self
                .supplied
                .variable(name)
                .is_some_and(|variable| *variable != value)
            {
                self.warnings.push(format!(
                    "`{name}` is kept from the cluster; the other value in `{}` is used with `--rotate {name}`",
                    name.variable()
                ));
            }
            return Origin::Kept(value);
        }
        if let Some(value) = self.supplied.variable(name) {
            return Origin::Supplied(value.clone(), format!("the variable `{}`", name.variable()));
        }
        // An optional value that was left empty when the Secret was made is not asked for at every
        // run.
        if declared.prompt.is_some() && declared.optional && !rotated && !self.lives.is_empty() {
            return Origin::LeftOut;
        }
        self.declared_source(name, declared)
    }

    fn declared_source(&mut self, name: &KeyName, declared: &SecretValue) -> Origin {
        if declared.prompt.is_some() {
            Origin::Prompt
        } else if declared.generate.is_some() {
            Origin::Generate
        } else if declared.file.is_some() {
            Origin::File
        } else if let Some(variable) = &declared.env {
            match self.supplied.environment(variable) {
                Some(value) => {
                    Origin::Supplied(value.clone(), format!("the variable `{variable}`"))
                }
                None if declared.optional => Origin::LeftOut,
                None => Origin::Missing,
            }
        } else if declared.command.is_some() {
            Origin::Command
        } else if declared.sops.is_some() {
            Origin::Sops
        } else {
            self.problems
                .push(SecretError::NoSource { name: name.clone() });
            Origin::LeftOut
        }
    }

    fn derived(&mut self, name: &KeyName, source_kind: &'static str) -> Origin {
        let given_by = if self.supplied.explicit(name).is_some() {
            Some("`--secret` or `--secrets-file`".to_owned())
        } else {
            self.supplied
                .variable(name)
                .map(|_| format!("the variable `{}`", name.variable()))
        };
        if let Some(given_by) = given_by {
            self.problems.push(SecretError::Derived {
                name: name.clone(),
                source_kind,
                given_by,
            });
        }
        match source_kind {
            "value" => Origin::Value,
            "template" => Origin::Template,
            _ => Origin::PublicKey,
        }
    }

    /// The value that the cluster holds in any namespace; a problem where two namespaces disagree.
    fn kept(&mut self, name: &KeyName) -> Option<SecretBytes> {
        let mut found = self
            .lives
            .iter()
            .filter_map(|live| Some((live.namespace, live.value(&name.key)?)));
        let (first, value) = found.next()?;
        if let Some((second, _)) = found.find(|(_, other)| *other != value) {
            self.problems.push(SecretError::Diverged {
                name: name.clone(),
                first: first.to_owned(),
                second: second.to_owned(),
            });
        }
        Some(value.clone())
    }

    /// A self-signed certificate and its key: both are supplied, kept or made, never one of them.
    fn certificate(&mut self) -> (Origin, Origin) {
        let (certificate, key) = (self.name(TLS_CERTIFICATE), self.name(TLS_KEY));
        if let Some(pair) = self.supplied_pair(&certificate, &key, Supplied::explicit, "`--secret`")
        {
            return pair;
        }
        let rotated = self.rotated(&certificate) || self.rotated(&key);
        if !rotated
            && self
                .lives
                .iter()
                .any(|live| live.value(TLS_CERTIFICATE).is_some() && live.value(TLS_KEY).is_some())
        {
            let pair = (self.kept(&certificate), self.kept(&key));
            if let (Some(certificate), Some(key)) = pair {
                return (Origin::Kept(certificate), Origin::Kept(key));
            }
        }
        self.supplied_pair(&certificate, &key, Supplied::variable, "a variable")
            .unwrap_or((Origin::SelfSigned, Origin::WithCertificate))
    }

    fn supplied_pair(
        &mut self,
        certificate: &KeyName,
        key: &KeyName,
        look: for<'s> fn(&'s Supplied, &KeyName) -> Option<&'s SecretBytes>,
        by: &str,
    ) -> Option<(Origin, Origin)> {
        let (given, missing) = match (look(self.supplied, certificate), look(self.supplied, key)) {
            (None, None) => return None,
            (Some(first), Some(second)) => {
                let origin = |value: &SecretBytes| Origin::Supplied(value.clone(), by.to_owned());
                return Some((origin(first), origin(second)));
            }
            (Some(_), None) => (certificate, key),
            (None, Some(_)) => (key, certificate),
        };
        self.problems.push(SecretError::HalfPair {
            given: given.clone(),
            missing: missing.clone(),
        });
        None
    }
}
