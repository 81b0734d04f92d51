//! The only place that talks to the API server: connect, discover, observe, write, watch, stream.

mod connect;
mod discovery;
mod error;
mod live;
mod observe;
mod request;
mod watch;
mod write;

pub(crate) use connect::{ConnectError, Target};
pub(crate) use discovery::{Resource, Served};
#[cfg(test)]
pub(crate) use error::RefusalCause;
pub(crate) use error::{Refusal, RequestError};
pub(crate) use live::{Live, Seen};
pub(crate) use request::{Cluster, Notice};
pub(crate) use watch::{WatchScope, Watched};
pub(crate) use write::Force;
