//! The integration tests: one binary that drives the built program as a user would.

mod readiness;
