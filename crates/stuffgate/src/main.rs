//! The stuffgate binary.
fn main() {}
