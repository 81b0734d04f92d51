//! The shape of `src/`, checked on the source text: layers that only use lower ones, rooms of the
//! engine with their floors, no circles among files, and a word at the top of each.

mod circles;
mod heads;
mod layers;
mod module_tree;
mod paths;
mod rooms;
mod source_text;
mod structs;
