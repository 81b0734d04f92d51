//! What each type of Secret needs, and the data that is sent for it.

use jiff::Timestamp;

use super::{
    certificate,
    check::{LARGEST_SECRET, reject},
    compose::Values,
    docker,
    error::SecretError,
    key_name::KeyName,
    manifest::type_name,
    names::{TLS_CERTIFICATE, TLS_KEY},
    needs::SecretNeeds,
    pem,
    rejection::Rejection,
    value::SecretBytes,
};
use crate::plan::SecretKind;

/// The data of one Secret, in the order of the plan, checked against its type.
pub(super) fn data<'a>(
    secret: &'a SecretNeeds,
    values: &'a Values,
) -> Result<Vec<(&'a str, SecretBytes)>, SecretError> {
    let present =
        |(name, _): &'a (KeyName, _)| Some((name.key.as_str(), values.get(name)?.clone()?));
    let mut data: Vec<(&str, SecretBytes)> = secret.keys.iter().filter_map(present).collect();
    let checker = Checker {
        secret,
        data: &data,
    };
    match secret.declaration.kind {
        SecretKind::Opaque => {}
        // What stands for a value passes no check.
        SecretKind::BasicAuth | SecretKind::Tls if secret.has_open() => {}
        SecretKind::BasicAuth => checker.basic_auth()?,
        SecretKind::Tls => checker.certificate()?,
        SecretKind::DockerConfigJson => data = vec![(docker::KEY, checker.docker()?)],
    }
    let size: usize = data
        .iter()
        .map(|(key, value)| key.len() + value.expose().len())
        .sum();
    if size > LARGEST_SECRET {
        return Err(reject(
            &KeyName::new(&secret.declaration.name, "*"),
            "all keys together",
            Rejection::TooLarge,
        ));
    }
    Ok(data)
}

/// A line about a certificate in `data` that has expired or soon will.
pub(super) fn warning(
    secret: &SecretNeeds,
    data: &[(&str, SecretBytes)],
    now: Timestamp,
) -> Option<String> {
    let (_, certificate) = data
        .iter()
        .find(|(key, _)| secret.declaration.kind == SecretKind::Tls && *key == TLS_CERTIFICATE)?;
    let declared = secret.declaration.data.get(TLS_CERTIFICATE);
    let generated = declared
        .and_then(|declared| declared.generate.as_ref())
        .and_then(|generate| generate.self_signed.as_ref());
    let name = KeyName::new(&secret.declaration.name, TLS_CERTIFICATE);
    let said = certificate::expiry(
        certificate,
        generated.and_then(|generated| generated.days),
        now,
    )?;
    let remedy = if generated.is_some() {
        format!("`--rotate {name}` makes a new one")
    } else {
        format!("`--rotate {name}` reads a new one")
    };
    Some(format!("the certificate in `{name}` {said}; {remedy}"))
}

struct Checker<'a> {
    secret: &'a SecretNeeds,
    data: &'a [(&'a str, SecretBytes)],
}

impl Checker<'_> {
    fn find(&self, wanted: &str) -> Option<&SecretBytes> {
        self.data
            .iter()
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| value)
    }

    fn needed(&self, key: &'static str) -> Result<&SecretBytes, SecretError> {
        let declaration = &self.secret.declaration;
        self.find(key).ok_or_else(|| SecretError::MissingKey {
            secret: declaration.name.clone(),
            kind: type_name(declaration.kind),
            key,
        })
    }

    fn refuse(&self, key: &str, rejection: Rejection) -> SecretError {
        reject(
            &KeyName::new(&self.secret.declaration.name, key),
            "its source",
            rejection,
        )
    }

    fn basic_auth(&self) -> Result<(), SecretError> {
        self.needed("username")?;
        self.needed("password").map(drop)
    }

    fn certificate(&self) -> Result<(), SecretError> {
        let (certificate, key) = (self.needed(TLS_CERTIFICATE)?, self.needed(TLS_KEY)?);
        if !certificate::is_certificate(certificate) {
            return Err(self.refuse(
                TLS_CERTIFICATE,
                Rejection::NotPem {
                    why: "there is no certificate in it",
                },
            ));
        }
        let blocks = key
            .expose_text()
            .ok_or(Rejection::NotText)
            .and_then(pem::blocks)
            .map_err(|rejection| self.refuse(TLS_KEY, rejection))?;
        if !blocks
            .iter()
            .any(|block| block.label.ends_with("PRIVATE KEY"))
        {
            return Err(self.refuse(
                TLS_KEY,
                Rejection::NotPem {
                    why: "there is no private key in it",
                },
            ));
        }
        match certificate::belong_together(certificate, key) {
            Some(false) => Err(SecretError::PairMismatch {
                secret: self.secret.declaration.name.clone(),
            }),
            Some(true) | None => Ok(()),
        }
    }

    fn docker(&self) -> Result<SecretBytes, SecretError> {
        if let Some(content) = self.find(docker::KEY) {
            docker::check(content).map_err(|rejection| self.refuse(docker::KEY, rejection))?;
            return Ok(content.clone());
        }
        let [registry, username, password] = docker::NEEDED.map(|key| self.needed(key));
        let composed = docker::compose(registry?, username?, password?, self.find("email"));
        composed.ok_or_else(|| self.refuse("password", Rejection::NotText))
    }
}
