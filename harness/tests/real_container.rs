//! The container engine and programs in containers, with the images that are made here: without a registry, and without
//! a real `mongod --enableEncryption`. Where no engine answers, each test says so and does nothing.

#[cfg(test)] // Functions beside the tests may expect of the machine what tests may.
#[path = "real_container/lane.rs"]
mod real_lane;
#[path = "real_container/lifecycle.rs"]
mod real_lifecycle;
#[path = "real_container/support.rs"]
mod support;
