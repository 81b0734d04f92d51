//! AI-IMUTIS: every figure of the platform, on what `deployctl render` prints; that the set is
//! consistent in itself; that it comes up; that every phase of it may fail, and what was there
//! before is there again.

mod consistency;
mod deploy;
mod figures;
mod page;
mod rendered;
mod rollback;
mod workloads;
