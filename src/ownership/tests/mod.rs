mod proof;
mod properties;
pub(super) mod recorded;
mod restoration;
mod server;
