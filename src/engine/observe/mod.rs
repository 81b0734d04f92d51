//! What is there, and what was: looks at the cluster and reads the history. Decides nothing.

pub(super) mod claims;
pub(super) mod desired_state;
pub(super) mod history;
pub(super) mod objects;
pub(super) mod orphans;
pub(super) mod storage_versions;
pub(super) mod unconfirmed_writes;
pub(super) mod undefined;
pub(super) mod webhooks;
