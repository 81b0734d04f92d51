//! AI-IMUTIS: every figure of the platform, on what `deployctl render` prints; that the set is consistent in itself; that it comes up.

mod consistency;
mod deploy;
mod figures;
mod page;
mod rendered;
mod workloads;
