//! How an endpoint of a cloud treats the connections that reach it, in every world that has sockets.
//!
//! Invariant: what a phase means is the same in all worlds; only the means differ.

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// As it should.
    #[default]
    Serve,
    /// It cuts connections in a phase.
    Cut(Phase),
    /// From a phase on it is silent, and the connection stands.
    Silent(Phase),
    /// It shows a certificate that has expired.
    ShowExpired,
    /// It shows a certificate for another name.
    ShowMisnamed,
}

/// The phases of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Right after it was accepted.
    BeforeHandshake,
    /// When TLS stands and the request has not been answered.
    AfterHandshake,
    /// In the middle of the answer's body.
    MidAnswer,
}

impl Phase {
    /// All of them, for the seed to draw from.
    pub const ALL: [Phase; 3] = [Phase::BeforeHandshake, Phase::AfterHandshake, Phase::MidAnswer];

    /// As reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::BeforeHandshake => "before the handshake",
            Phase::AfterHandshake => "after the handshake",
            Phase::MidAnswer => "in mid-answer",
        }
    }

    /// The phase that a seed has drawn for an endpoint.
    pub fn drawn(entropy: &super::Entropy, endpoint: &str) -> Phase {
        Phase::ALL[entropy.pick(&format!("phase/{endpoint}"), Phase::ALL.len())]
    }
}
