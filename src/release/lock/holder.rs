//! Who holds a lock and since when, as people read it.

use std::fmt;

use jiff::Timestamp;

/// Who holds a lock and since when, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// `USER@HOST pid N COMMAND`.
    pub(crate) identity: String,
    /// When it took the lock, by its own clock; for people alone, and `None` where the Lease does
    /// not say.
    pub(crate) since: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match parts(&self.identity) {
            Some((who, process, command)) => {
                write!(formatter, "{who} (pid {process}, {command})")?;
            }
            None => formatter.write_str(&self.identity)?,
        }
        match self.since {
            Some(since) => write!(
                formatter,
                ", since {}",
                since.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
            None => Ok(()),
        }
    }
}

/// `USER@HOST`, `N` and `COMMAND` of an identity that deployctl wrote.
fn parts(identity: &str) -> Option<(&str, &str, &str)> {
    let (who, rest) = identity.split_once(" pid ")?;
    let (process, command) = rest.split_once(' ')?;
    Some((who, process, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_with_the_time() {
        let since = "2026-11-21T13:50:15.250Z".parse().ok();
        let holder = Holder {
            identity: "ann@laptop pid 42 up".to_owned(),
            since,
        };
        assert_eq!(
            holder.to_string(),
            "ann@laptop (pid 42, up), since 2026-11-21 13:50:15 UTC"
        );
        assert_eq!(
            Holder {
                since: None,
                ..holder
            }
            .to_string(),
            "ann@laptop (pid 42, up)"
        );
    }

    #[test]
    fn an_identity_of_somebody_else_is_shown_as_it_is() {
        let identity = "other-tool_7f".to_owned();
        let holder = Holder {
            identity,
            since: None,
        };
        assert_eq!(holder.to_string(), "other-tool_7f");
    }
}
