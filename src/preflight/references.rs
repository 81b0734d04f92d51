//! What objects refer to and is not there, down to the key and the port.

mod judge;
mod remedy;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use judge::{Lacking, Referrer, Surroundings, lacking};
pub(crate) use remedy::remedies;
pub(crate) use words::{doubtful, finding, listed};
