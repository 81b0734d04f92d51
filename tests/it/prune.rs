//! What left the plan leaves the cluster, by the rules of what may be deleted.

mod handed_over;
mod orphans;
mod unwanted;

use crate::support::{manifests, project, running};
