//! The operators of the CRD sets, played: what they say of an object, and what they make for it.
//!
//! An operator is a row for each of its kinds in `table/`: two pure functions of the object, one
//! for its status and one for the objects that are made. Everything else is the same for all of
//! them and stands here: which kinds are served (`served.rs`), watching (`watch.rs`), and writing
//! (`player.rs`).

mod kind;
mod player;
mod served;
mod status;
mod subject;
mod table;
mod watch;

pub(super) use watch::play_served;
