//! AI-IMUTIS: every figure of the platform, on what `deployctl render` prints, and that the set is consistent in itself.

mod consistency;
mod figures;
mod page;
mod rendered;
mod workloads;
