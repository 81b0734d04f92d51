//! The lock of a release: who gets it, who loses it, and what is written without it.

mod again;
mod contest;
mod foreign;
mod lost;
mod seen;
mod unlock;
