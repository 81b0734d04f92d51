//! The sandbox itself: its commands, and what is played in it.

mod commands;
mod faults;
mod metrics;
mod operators;
mod played;
mod pods;
mod starting;
mod volumes;
mod webhooks;
