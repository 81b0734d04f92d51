//! AI-IMUTIS: what is particular to it, beside what `tests/it/platforms.rs` asks of every platform;
//! and that every phase of it may fail, in many ways, and what was there before is there again.

mod figures;
mod missing;
mod own;
mod page;
mod references;
mod rollback;
