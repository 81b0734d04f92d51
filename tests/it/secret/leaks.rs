//! Looking for values in everything that the cluster stores, however it is packed.

use std::{collections::BTreeSet, io::Read as _};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::support::dump::{Scope, objects};

/// Deep enough for base64 of gzip of JSON with base64 of JSON in it.
const DEEPEST: usize = 8;

/// What a leak of `release` in `namespace` could get into: objects there, where revisions are
/// stored, in the cluster's own namespaces and outside of namespaces.
///
/// Revisions of other releases are left out, and so are the namespaces of other tests.
pub(super) fn reachable(namespace: &str, release: &str) -> Vec<Value> {
    let namespaces = [namespace, "deployctl-system", "default", "kube-system"];
    let mut objects = objects(&Scope::namespaces(&namespaces).and_cluster_objects(""));
    let is_others = |object: &Value| {
        let of = &object["metadata"]["labels"]["deployctl.dev/release"];
        of.is_string() && of != release
    };
    objects.retain(|object| !is_others(object));
    objects
}

/// Which of `objects` hold `value`: `KIND/NAMESPACE/NAME`, or `revision NAMESPACE/NAME` for stored
/// revisions.
pub(super) fn places(objects: &[Value], value: &str) -> BTreeSet<String> {
    objects
        .iter()
        .filter(|object| json_holds(object, value, 0))
        .map(place)
        .collect()
}

fn place(item: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (namespace, name) = (
        text(&item["metadata"]["namespace"]),
        text(&item["metadata"]["name"]),
    );
    if item["type"] == "deployctl.dev/revision" && namespace == "deployctl-system" {
        return format!("revision {namespace}/{name}");
    }
    format!("{}/{namespace}/{name}", text(&item["kind"]))
}

/// Whether `value` is in `bytes`: as it is, in base64, compressed, or any of these in the others.
pub(super) fn holds(bytes: &[u8], value: &str) -> bool {
    bytes_hold(bytes, value, 0)
}

fn bytes_hold(bytes: &[u8], value: &str, depth: usize) -> bool {
    if depth > DEEPEST {
        return false;
    }
    if plainly_holds(bytes, value) {
        return true;
    }
    let mut unpacked = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b])
        && MultiGzDecoder::new(bytes)
            .read_to_end(&mut unpacked)
            .is_ok()
        && bytes_hold(&unpacked, value, depth + 1)
    {
        return true;
    }
    // A journal is one document after the other.
    let mut documents = serde_json::Deserializer::from_slice(bytes)
        .into_iter::<Value>()
        .map_while(Result::ok);
    documents.any(|json| json_holds(&json, value, depth + 1))
}

/// As it is, or in base64, wherever in a longer text the value begins: each of the three alignments
/// has an inner part of its own.
fn plainly_holds(bytes: &[u8], value: &str) -> bool {
    let find = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let encoded = (0..3).map(|padding| {
        let text = STANDARD.encode([&vec![b' '; padding], value.as_bytes()].concat());
        let text = text.trim_end_matches('=');
        // The first and the last characters depend on the neighbours.
        text[padding + usize::from(padding > 0)..text.len() - 1].to_owned()
    });
    find(value.as_bytes()) || encoded.into_iter().any(|needle| find(needle.as_bytes()))
}

fn json_holds(json: &Value, value: &str, depth: usize) -> bool {
    match json {
        Value::String(text) => {
            let decoded = STANDARD
                .decode(text)
                .or_else(|_| URL_SAFE_NO_PAD.decode(text));
            plainly_holds(text.as_bytes(), value)
                || decoded.is_ok_and(|bytes| bytes_hold(&bytes, value, depth + 1))
                || (text.starts_with(['{', '[']) && bytes_hold(text.as_bytes(), value, depth + 1))
        }
        Value::Array(items) => items.iter().any(|item| json_holds(item, value, depth)),
        Value::Object(entries) => entries.iter().any(|(key, item)| {
            plainly_holds(key.as_bytes(), value) || json_holds(item, value, depth)
        }),
        _ => false,
    }
}

#[test]
fn values_are_found_however_they_are_packed() {
    use std::io::Write as _;
    let value = "sentinel4711";
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("it is written");
        encoder.finish().expect("it ends")
    };
    let secret = format!(
        r#"{{"data": {{"url": "{}"}}}}"#,
        STANDARD.encode(format!("https://x:{value}@y"))
    );
    let packed = [
        format!("password={value}").into_bytes(),
        STANDARD.encode(value).into_bytes(),
        secret.clone().into_bytes(),
        gzip(secret.as_bytes()),
        format!(
            r#"{{"chunk": "{}"}}"#,
            STANDARD.encode(gzip(secret.as_bytes()))
        )
        .into_bytes(),
        [gzip(b"[1]"), gzip(secret.as_bytes())].concat(),
        (0..3)
            .map(|padding| STANDARD.encode(format!("{}{value}tail", "x".repeat(padding))))
            .collect::<String>()
            .into_bytes(),
    ];
    for bytes in packed {
        assert!(holds(&bytes, value), "{}", String::from_utf8_lossy(&bytes));
        assert!(!holds(&bytes, "sentinal4711"));
    }
}
