//! What every expression can name and call.

use std::sync::{Arc, LazyLock};

use cel::Env;

/// Names that every expression can use: the whole object, three of its parts, and the time.
pub(super) const VARIABLES: [&str; 5] = ["object", "metadata", "spec", "status", "now"];

/// What every expression can call: the standard library.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));
