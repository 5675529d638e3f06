//! Scenario files: read with spans, checked for meaning, and turned into what worlds play.

mod model;

pub use model::*;
