//! How revisions and journals become bytes: JSON, compressed, the same for the same value.

use std::io::{Read as _, Write as _};

use flate2::{
    Compression,
    read::{GzDecoder, MultiGzDecoder},
    write::GzEncoder,
};
use serde::{Serialize, de::DeserializeOwned};

/// `value` as compressed JSON; the same value is always the same bytes.
pub(super) fn compress(value: &impl Serialize) -> Vec<u8> {
    // As a whole: the encoder clears its buffer of 32 KiB at each write, and serde_json writes
    // every token by itself.
    let text = serde_json::to_vec(value).expect("revisions can be written as JSON");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(&text)
        .expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// What [`compress`] made `bytes` of.
pub(super) fn decompress<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut text = Vec::new();
    GzDecoder::new(bytes)
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| place_of(&error))
}

/// What [`compress`] made the pieces of `bytes` of, which were written one after the other (RFC
/// 1952, 2.2).
pub(super) fn decompress_pieces<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, String> {
    // Nothing is no piece; for the decoder it is one that was cut off.
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes)
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    serde_json::Deserializer::from_slice(&text)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| place_of(&error))
}

/// Where `error` is. Its text could show a part of what is stored, which may be secret.
fn place_of(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
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

    #[test]
    fn pieces_come_back_in_their_order() {
        let bytes = [compress(&[1, 2]), compress(&[3])].concat();
        assert_eq!(
            decompress_pieces::<Vec<u8>>(&bytes),
            Ok(vec![vec![1, 2], vec![3]])
        );
        assert_eq!(decompress_pieces::<Vec<u8>>(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_piece_that_was_cut_off_is_an_error() {
        let bytes = [compress(&[1, 2]), compress(&[3])].concat();
        assert!(decompress_pieces::<Vec<u8>>(&bytes[..bytes.len() - 9]).is_err());
    }
}
