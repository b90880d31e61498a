//! One module per promise.
#![allow(clippy::unwrap_used)]

mod own_rows;
