use std::io::{Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Serialize, de::DeserializeOwned};

/// `value` as compressed JSON; the same value is always the same bytes.
pub(super) fn compress(value: &impl Serialize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, value).expect("revisions can be written as JSON");
    encoder.flush().expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// What [`compress`] made `bytes` of.
pub(super) fn decompress<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut text).map_err(|error| error.to_string())?;
    // The text of a JSON error could show a part of what is stored, which may be secret.
    serde_json::from_slice(&text).map_err(|error| format!("line {}, column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_compressed_comes_back_and_is_always_the_same_bytes() {
        let value = json!({"a": [1, 2, 3]});
        assert_eq!(compress(&value), compress(&value));
        assert_eq!(decompress::<Value>(&compress(&value)), Ok(value));
    }
}
