//! Every phase of AI-IMUTIS fails, in a first install and in an upgrade with a new image: each time
//! everything is as it was before, but for what is kept on purpose.

mod edit;
mod install;
mod release;
mod upgrade;
