//! The clouds' side of the proxy against a small world in memory: no socket, no file, no clock that runs by itself.

mod aws;
mod azure;
mod codes;
mod failover;
mod gcp;
mod gcp_refusals;
mod tls;
pub(crate) mod world;
