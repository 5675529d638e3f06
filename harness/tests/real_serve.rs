//! Fake clouds on real ports: the product's own clients through relay and wiremock, what each state of an endpoint does
//! to them, and `kmiplab serve` as its users meet it.
//!
//! Nothing here sleeps: a test waits for an answer, a line, a closed socket or the end of a process.
#![cfg(unix)]

#[cfg(test)]
mod real_serve {
    mod alone;
    mod clients;
    mod endpoints;
    mod exact;
    mod laboratory;
    mod program;
}
