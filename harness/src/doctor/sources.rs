//! The sources of difference, as one table: what kind of difference it is, what most likely makes it, what to look at.
//!
//! `{host}` stands for the host that the diagnosis names.
//!
//! Invariant: a kind has exactly one row, and every diagnosis ends in a row of this table.

use crate::trace::Stream;

/// A kind of difference between two runs of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It stands on the host that the canaries plant.
    OwnCode,
    /// TLS drew more often in one run.
    TlsDraws,
    /// A host made more certificate keys in one run.
    CertificateDraws,
    /// A host asked for random bytes more often in one run.
    ByteDraws,
    /// The network was given more messages in one run.
    LatencyDraws,
    /// The AWS SDK drew more often in one run.
    SdkDraws,
    /// A named stream of the seed was asked for more often in one run.
    NamedDraws,
    /// The same event comes at another moment.
    Moment,
    /// Two events change places.
    Order,
    /// One run has events that the other lacks.
    OneSided,
    /// A ClientHello or ServerHello differs, and nobody drew more often.
    Hello,
    /// What differs belongs to the certificates of a handshake.
    Certificate,
    /// What differs is encrypted, under keys that are equal.
    Encrypted,
    /// The invocation id of a request of the AWS SDK differs.
    InvocationId,
    /// A date differs.
    Date,
    /// An identifier differs: of a key, a customer's key, or an access key.
    Identifier,
    /// Key material differs.
    Material,
    /// A message differs in its plaintext.
    Content,
    /// A text differs that a program wrote.
    Text,
    /// Anything else that an event says differs.
    Fact,
    /// The digests differ, and nothing that was kept does.
    Unseen,
}

/// A row of the table.
#[derive(Debug)]
pub struct Source {
    /// The kind of difference.
    pub kind: Kind,
    /// What most likely makes it.
    pub likely: &'static str,
    /// What to look at.
    pub look: &'static str,
}

/// The host that the canaries plant.
pub(super) const SABOTEUR: &str = "saboteur";

/// Every source.
pub const SOURCES: &[Source] = &[
    Source {
        kind: Kind::OwnCode,
        likely: "the own code of host `{host}`: it asks for something that no seed owns",
        look: "what it records: a clock, RandomState, an address in memory, a thread, the environment",
    },
    Source {
        kind: Kind::TlsDraws,
        likely: "the TLS randomness of host `{host}`",
        look: "a handshake that only one run makes: a session cache, a ticket, a configuration or a connection that \
               outlived the run before; a task of that host that another thread polls",
    },
    Source {
        kind: Kind::CertificateDraws,
        likely: "the certificate keys of host `{host}`",
        look: "whether it makes a certificate in one run and finds one in the other: files, caches, statics",
    },
    Source {
        kind: Kind::ByteDraws,
        likely: "the random bytes of host `{host}`: identifiers, serial numbers, nonces",
        look: "who asks its `env.crypto.random`, and on what condition that no seed owns",
    },
    Source {
        kind: Kind::LatencyDraws,
        likely: "the latency of the simulated network (stream `network`): one run sent more messages",
        look: "messages without an event of their own: connections that bypass `env.network`, closings, retries, a \
               task that only one run has",
    },
    Source {
        kind: Kind::SdkDraws,
        likely: "fastrand: the AWS SDK draws jitter and ids from it",
        look: "a request or retry that only one run makes, other users of fastrand on this thread, and whether it is \
               seeded at the beginning of the run",
    },
    Source {
        kind: Kind::NamedDraws,
        likely: "a stream of the seed that is asked for on a condition that no seed owns",
        look: "who asks `Entropy` for that name",
    },
    Source {
        kind: Kind::Moment,
        likely: "a timer or a latency: the `network` stream, a deadline, or a tick",
        look: "sleeps and timeouts before the event whose length no seed owns; a message or a task too many that took \
               a tick",
    },
    Source {
        kind: Kind::Order,
        likely: "order: iteration over a hash map or an unsorted directory, or tasks spawned outside their host",
        look: "where host `{host}` does these one after the other: BTreeMap for HashMap, `env.spawn` for tokio::spawn, \
               `biased;` in select",
    },
    Source {
        kind: Kind::OneSided,
        likely: "something of host `{host}` that outlives a run: a cache, a static, a token bucket, a file",
        look: "why it does something in one run that it need not do in the other",
    },
    Source {
        kind: Kind::Hello,
        likely: "the TLS randomness of host `{host}`, from a source that its ledger does not count",
        look: "its rustls configuration: a provider other than `env.crypto`'s, or a stream that was not seeded for \
               this run",
    },
    Source {
        kind: Kind::Certificate,
        likely: "certificates of host `{host}`: their keys, serial numbers or dates",
        look: "where it makes or reads its certificate: rcgen with a key, serial or date of its own, ECDSA signatures \
               with a random nonce",
    },
    Source {
        kind: Kind::Encrypted,
        likely: "what host `{host}` wrote: both runs have the same TLS keys, so that the plaintext differs",
        look: "the message that it sends here: dates, identifiers, the order of members, rewritten bytes",
    },
    Source {
        kind: Kind::InvocationId,
        likely: "the AWS SDK's invocation id: random bytes of host `proxy`, or fastrand where the SDK is left to itself",
        look: "the invocation id generator that the SDK's client is given, and whether fastrand is seeded at the \
               beginning of the run",
    },
    Source {
        kind: Kind::Date,
        likely: "a clock that the seed does not own",
        look: "who dates this message: everything asks `env.clock`, the SDK its time source, hyper no Date header",
    },
    Source {
        kind: Kind::Identifier,
        likely: "an identifier from fastrand, or from random bytes that no ledger counts",
        look: "where it is made: the SDK's uuids, the cloud's access key ids, the proxy's Unique Identifiers",
    },
    Source {
        kind: Kind::Material,
        likely: "key material: random bytes that no ledger counts, or bytes that were changed on the way",
        look: "where the key is made, wrapped and opened",
    },
    Source {
        kind: Kind::Content,
        likely: "what host `{host}` says or is told: the plaintext of the message differs",
        look: "who writes those bytes, and whoever could change them on the way",
    },
    Source {
        kind: Kind::Text,
        likely: "a text of host `{host}` with something in it that no seed owns",
        look: "what is printed into it: a time, an address in memory, a thread, an unsorted list",
    },
    Source {
        kind: Kind::Fact,
        likely: "a decision of host `{host}` that no seed owns",
        look: "where the fields that differ come from",
    },
    Source {
        kind: Kind::Unseen,
        likely: "a secret: all that was kept is equal, so that the difference was struck out",
        look: "where secrets are made: keys, credentials, session tokens",
    },
];

impl Kind {
    /// The kind of difference that draws from a stream make, and the host or name that they belong to.
    pub(super) fn of_draws(stream: &Stream) -> (Kind, &str) {
        match stream {
            Stream::Tls(host) => (Kind::TlsDraws, host),
            Stream::CertificateKeys(host) => (Kind::CertificateDraws, host),
            Stream::Bytes(host) => (Kind::ByteDraws, host),
            Stream::Latency => (Kind::LatencyDraws, "lab"),
            Stream::Sdk => (Kind::SdkDraws, "proxy"),
            Stream::Named(_) => (Kind::NamedDraws, "lab"),
        }
    }

    /// Its row.
    pub fn source(self) -> &'static Source {
        SOURCES.iter().find(|source| source.kind == self).expect("a test compares the table with the kinds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        // The compiler asks for a new kind here, and the count for its row.
        let next = |kind: Kind| match kind {
            Kind::OwnCode => Some(Kind::TlsDraws),
            Kind::TlsDraws => Some(Kind::CertificateDraws),
            Kind::CertificateDraws => Some(Kind::ByteDraws),
            Kind::ByteDraws => Some(Kind::LatencyDraws),
            Kind::LatencyDraws => Some(Kind::SdkDraws),
            Kind::SdkDraws => Some(Kind::NamedDraws),
            Kind::NamedDraws => Some(Kind::Moment),
            Kind::Moment => Some(Kind::Order),
            Kind::Order => Some(Kind::OneSided),
            Kind::OneSided => Some(Kind::Hello),
            Kind::Hello => Some(Kind::Certificate),
            Kind::Certificate => Some(Kind::Encrypted),
            Kind::Encrypted => Some(Kind::InvocationId),
            Kind::InvocationId => Some(Kind::Date),
            Kind::Date => Some(Kind::Identifier),
            Kind::Identifier => Some(Kind::Material),
            Kind::Material => Some(Kind::Content),
            Kind::Content => Some(Kind::Text),
            Kind::Text => Some(Kind::Fact),
            Kind::Fact => Some(Kind::Unseen),
            Kind::Unseen => None,
        };
        let kinds: Vec<Kind> = std::iter::successors(Some(Kind::OwnCode), |kind| next(*kind)).collect();
        let rows: Vec<Kind> = SOURCES.iter().map(|source| source.kind).collect();
        assert_eq!(rows, kinds);
    }
}
