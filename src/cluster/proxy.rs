//! Which proxy the way to the API server leads through, by the rules of Go's
//! [httpproxy](https://pkg.go.dev/golang.org/x/net/http/httpproxy), which kubectl follows.
//!
//! On purpose not kube's own code: it compares `NO_PROXY` with the proxy's host, and refuses lists
//! that Go reads.

use std::net::IpAddr;

use http::Uri;

/// Reads a variable of the process environment.
pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The proxy that the kubeconfig's `proxy-url` names. It is used whatever `NO_PROXY` says.
pub(super) fn named(url: &str) -> Result<Uri, String> {
    parsed(url)
        .filter(is_supported)
        .ok_or_else(|| problem("`proxy-url` of the kubeconfig"))
}

/// The proxy that the process environment names for `server`: `HTTPS_PROXY`, or `HTTP_PROXY` where
/// the server is one without TLS, unless `NO_PROXY` names the server or it is this machine.
pub(super) fn of_environment(server: &Uri, variable: Variable<'_>) -> Result<Option<Uri>, String> {
    let is_plain = server.scheme_str() == Some("http");
    let names = if is_plain {
        ["HTTP_PROXY", "http_proxy"]
    } else {
        ["HTTPS_PROXY", "https_proxy"]
    };
    // Go takes an address that cannot be read for none.
    let Some((name, proxy)) = first(names, variable).and_then(|(name, text)| {
        let proxy = parsed(&text).or_else(|| parsed(&format!("http://{text}")))?;
        Some((name, proxy))
    }) else {
        return Ok(None);
    };
    let port = server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
    let host = server.host().unwrap_or_default();
    let exceptions = first(["NO_PROXY", "no_proxy"], variable);
    if !is_proxied(host, port, exceptions.as_ref().map_or("", |(_, text)| text)) {
        return Ok(None);
    }
    if is_supported(&proxy) {
        Ok(Some(proxy))
    } else {
        Err(problem(&format!("`{name}`")))
    }
}

fn first<'a>(names: [&'a str; 2], variable: Variable<'_>) -> Option<(&'a str, String)> {
    let set = |name| Some((name, variable(name).filter(|text| !text.is_empty())?));
    names.into_iter().find_map(set)
}

/// What is wrong with the proxy that `place` names. It is not quoted: it may hold a password.
fn problem(place: &str) -> String {
    format!(
        "{place} is not the address of a proxy; write `http://HOST:PORT`, `https://…` or `socks5://…`"
    )
}

/// `text` as the address of a proxy, if it has a scheme and a host.
fn parsed(text: &str) -> Option<Uri> {
    // Both let the proxy look the host up.
    let text = text.trim().replacen("socks5h://", "socks5://", 1);
    let uri: Uri = text.parse().ok()?;
    uri.host().filter(|host| !host.is_empty())?;
    match (uri.scheme_str()?, uri.port_u16()) {
        ("socks5", None) => format!("socks5://{}:1080", uri.authority()?).parse().ok(),
        _ => Some(uri),
    }
}

fn is_supported(proxy: &Uri) -> bool {
    matches!(proxy.scheme_str(), Some("http" | "https" | "socks5"))
}

/// Whether a request to `host` goes through a proxy, with `exceptions` the value of `NO_PROXY`.
fn is_proxied(host: &str, port: u16, exceptions: &str) -> bool {
    let host = unbracketed(host).to_lowercase();
    let address = host
        .parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical());
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return false;
    }
    !exceptions
        .split(',')
        .map(|entry| entry.trim().to_lowercase())
        .any(|entry| names(&entry, &host, address, port))
}

/// Whether `entry` of `NO_PROXY` names the server at `host`, which is `address` where it is one.
fn names(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, length)) = network(entry) {
        return address.is_some_and(|address| prefix(address, length) == prefix(network, length));
    }
    let (name, wanted) = name_and_port(entry);
    if name.is_empty() || wanted.is_some_and(|wanted| wanted != port.to_string()) {
        return false;
    }
    if let Ok(named) = name.parse::<IpAddr>() {
        return address == Some(named.to_canonical());
    }
    match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
        Some(domain) => host.ends_with(&format!(".{domain}")),
        None => host == name || host.ends_with(&format!(".{name}")),
    }
}

/// The address and prefix length of `ADDRESS/LENGTH`.
fn network(entry: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = entry.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length = length.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    (length <= bits).then_some((address, length))
}

/// The first `length` bits of `address`, and whether it is one of version 4.
fn prefix(address: IpAddr, length: u32) -> (bool, u128) {
    let (bits, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let kept = bits.checked_shr(width.max(length) - length).unwrap_or(0);
    (address.is_ipv4(), kept)
}

/// `NAME` or `NAME:PORT`, where the name may be an address, one of version 6 in brackets.
fn name_and_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (
            unbracketed(name),
            Some(port).filter(|port| !port.is_empty()),
        ),
        _ => (entry, None),
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bypasses(list: &str, server: &str) -> bool {
        let variable = |name: &str| match name {
            "HTTPS_PROXY" => Some("proxy.test:3128".to_owned()),
            "no_proxy" => Some(list.to_owned()),
            _ => None,
        };
        of_environment(&server.parse().unwrap(), &variable)
            .unwrap()
            .is_none()
    }

    /// After the tests of `golang.org/x/net/http/httpproxy`.
    #[test]
    fn exceptions_are_those_of_go() {
        for (list, server) in [
            ("", "https://localhost:6443"),
            ("", "https://127.0.0.1:6443"),
            ("", "https://127.8.9.1"),
            ("", "https://[::1]:6443"),
            ("*", "https://api.internal"),
            ("a.test, *", "https://api.internal"),
            ("localhost,.internal,", "https://api.internal:6443"),
            (",,internal , ,", "https://api.internal"),
            ("INTERNAL", "https://API.internal"),
            ("api.internal", "https://api.internal"),
            ("*.internal", "https://a.api.internal"),
            ("api.internal:6443", "https://api.internal:6443"),
            ("api.internal:443", "https://api.internal"),
            ("10.0.0.1", "https://10.0.0.1:6443"),
            ("10.0.0.1:6443", "https://10.0.0.1:6443"),
            ("10.0.0.0/8", "https://10.255.0.1:6443"),
            ("10.1.2.3/8", "https://10.255.0.1:6443"),
            ("0.0.0.0/0", "https://192.0.2.1"),
            ("2001:db8::/32", "https://[2001:db8::5]:6443"),
            ("2001:db8::5", "https://[2001:db8::5]:6443"),
            ("[2001:db8::5]:6443", "https://[2001:db8::5]:6443"),
            ("::ffff:10.0.0.1", "https://10.0.0.1"),
        ] {
            assert!(bypasses(list, server), "{list:?} names {server}");
        }
    }

    #[test]
    fn what_is_no_exception_goes_through_the_proxy() {
        for (list, server) in [
            ("", "https://api.internal"),
            (" , ", "https://api.internal"),
            ("internal.example", "https://api.internal"),
            ("nal", "https://api.internal"),
            (".api.internal", "https://api.internal"),
            ("*.api.internal", "https://api.internal"),
            ("api.internal:443", "https://api.internal:6443"),
            ("10.0.0.1:443", "https://10.0.0.1:6443"),
            ("10.0.0.0/8", "https://11.0.0.1"),
            ("10.0.0.0/33", "https://10.0.0.1"),
            ("10.0.0.0/8", "https://ten.internal"),
            ("2001:db8::/32", "https://10.0.0.1"),
            (":6443", "https://10.0.0.1:6443"),
            ("https://api.internal", "https://api.internal"),
            ("localhost.internal", "https://10.0.0.1"),
        ] {
            assert!(!bypasses(list, server), "{list:?} names {server}");
        }
    }

    fn proxy(variables: &[(&str, &str)], server: &str) -> Result<Option<String>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        of_environment(&server.parse().unwrap(), &variable)
            .map(|uri| uri.map(|uri| uri.to_string()))
    }

    #[test]
    fn the_variable_is_that_of_the_servers_scheme_and_may_lack_its_own() {
        let both = [("HTTP_PROXY", "http://a.test"), ("https_proxy", "b.test:1")];
        let found = |server| proxy(&both, server).unwrap();
        assert_eq!(found("http://api.test").as_deref(), Some("http://a.test/"));
        assert_eq!(
            found("https://api.test").as_deref(),
            Some("http://b.test:1/")
        );
        let only = [("HTTP_PROXY", "http://a.test"), ("HTTPS_PROXY", "")];
        assert_eq!(proxy(&only, "https://api.test"), Ok(None));
        let nonsense = [("HTTPS_PROXY", "::nonsense::")];
        assert_eq!(proxy(&nonsense, "https://api.test"), Ok(None));
        let socks = [("HTTPS_PROXY", "socks5h://b.test")];
        let found = proxy(&socks, "https://api.test").unwrap();
        assert_eq!(found.as_deref(), Some("socks5://b.test:1080/"));
        let other = [("HTTPS_PROXY", "ftp://user:hunter2@b.test")];
        let refused = proxy(&other, "https://api.test").expect_err("refused");
        assert!(refused.contains("`HTTPS_PROXY`") && !refused.contains("hunter2"));
    }

    #[test]
    fn a_named_proxy_needs_a_scheme() {
        assert!(named("http://proxy.test:3128").is_ok());
        assert!(named("socks5://proxy.test:1080").is_ok());
        for url in ["proxy.test:3128", "ftp://proxy.test", "", "http://"] {
            assert!(named(url).is_err(), "{url}");
        }
    }
}
