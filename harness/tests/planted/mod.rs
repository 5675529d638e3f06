//! The bugs, by where they sit: in answers, in key services, in networks and files.

pub(crate) mod answers;
pub(crate) mod key_services;
pub(crate) mod networks;
