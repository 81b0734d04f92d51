//! `up` and `status` over a network that fails, and the proxy that makes it fail.

mod answers;
mod back;
mod connections;
mod kill;
mod record;
mod release;
mod silence;
mod watches;
