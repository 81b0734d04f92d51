//! One life of a run: begun, executed, rolled back where it fails, verified, recorded.

pub(super) mod assemble;
pub(super) mod begin;
pub(super) mod down;
pub(super) mod events;
pub(super) mod finish;
pub(super) mod halt;
pub(super) mod lifecycle;
pub(super) mod rollback;
pub(super) mod room;
pub(super) mod unfinished;
pub(super) mod verify;
