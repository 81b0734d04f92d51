//! The shape of `src/`, checked on the source text: layers that only use lower ones, rooms of the
//! engine with their floors, and no circles among files.

mod circles;
mod layers;
mod module_tree;
mod paths;
mod rooms;
mod source_text;
