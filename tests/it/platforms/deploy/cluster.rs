//! The sandbox that all platforms share. It is not that of the other tests: the definitions of all
//! platforms would make each look at everything in it twice as long.

use std::{collections::BTreeSet, sync::LazyLock};

use super::super::platform::platforms;
use crate::support::{Sandbox, api::Api, refusal};

/// A sandbox with everything that the platforms need.
pub(super) struct Cluster {
    pub(super) sandbox: Sandbox,
    pub(super) api: Api,
}

/// The one of this run.
pub(super) fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
        let sets: BTreeSet<&str> = platforms()
            .flat_map(|platform| platform.data.crds.iter().map(String::as_str))
            .collect();
        let sets: Vec<&str> = sets.into_iter().collect();
        let sandbox = Sandbox::start("platforms", &sets.join(","));
        refusal::refuse_in(&sandbox);
        let api = Api::of(&sandbox.kubeconfig);
        Cluster { sandbox, api }
    });
    &CLUSTER
}
