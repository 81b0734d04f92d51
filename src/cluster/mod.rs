//! The only place that talks to the API server: connect, discover, observe, write, watch, stream.

mod bearer;
mod boot_time;
mod connect;
mod discovery;
mod error;
mod fence;
mod known;
mod kubeconfig;
mod live;
mod log;
mod login;
mod observe;
mod parallel;
mod permitted;
mod proxy;
mod redact;
mod refusal;
mod refusal_cause;
mod request;
mod watch;
mod write;

pub(crate) use boot_time::BootTime;
pub(crate) use connect::{ConnectError, Target};
pub(crate) use discovery::{Resource, Served};
pub(crate) use error::RequestError;
pub(crate) use fence::Fence;
pub(crate) use live::{Live, Seen};
pub(crate) use permitted::{ListScope, Listing, Tolerated};
pub(crate) use refusal::Refusal;
pub(crate) use refusal_cause::RefusalCause;
pub(crate) use request::{Cluster, Notice};
pub(crate) use watch::{Heard, WatchScope, Watched};
pub(crate) use write::{Applied, DeleteOptions, Deleted, Force, Propagation};
