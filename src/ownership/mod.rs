//! `managedFields`: what is ours, what others hold, and the values at the paths that we own.
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>

mod entry;
mod owned;

pub(crate) use entry::{apply_entry, give_up, is_interactive_kubectl};
pub(crate) use owned::owned_values;
