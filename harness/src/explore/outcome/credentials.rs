//! Credentials: what the account has given out, whether it still accepts them, and what a metadata file holds.
//!
//! Invariant: whoever renews credentials does not take back older ones; only `expire` and time do.

use std::time::Duration;

use super::Moment;
use super::sure::Sure;
use crate::scenario::{CredentialsKind, GivenBy, Metadata, Provider, World};

/// How long a renewed session lasts.
const SESSION: Duration = Duration::from_secs(60 * 60);

/// A role's session is surely over after so much time, whatever the proxy keeps.
const ROLE_SESSION: Duration = Duration::from_secs(90 * 60);

/// What stands in a metadata file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Credentials, by their number.
    Issued(usize),
    /// Something that nobody accepts.
    Useless,
}

/// A metadata file, or one that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MetadataFile {
    /// What it holds; `None` where there is none.
    pub(super) content: Option<Content>,
    /// Nobody may read it.
    pub(super) forbidden: bool,
    /// What it was before somebody touched it.
    pub(super) before: Option<Content>,
}

impl MetadataFile {
    pub(super) fn of(content: Option<Content>) -> Self {
        MetadataFile { content, forbidden: false, before: None }
    }
}

/// Who may call AWS, and when.
pub(super) struct Access<'a> {
    world: &'a World,
    issued: Vec<Issued>,
    /// Whether the role trusts the proxy's user.
    trusted: bool,
    /// Whether the proxy holds a session of the role.
    session: Sure,
}

struct Issued {
    revoked: bool,
    ends: Option<Moment>,
}

impl<'a> Access<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let start = Moment { earliest: Duration::ZERO, latest: Duration::ZERO };
        let credentials = &world.credentials;
        let ends =
            (credentials.kind == CredentialsKind::Session).then(|| start.after(credentials.expires.unwrap_or(SESSION)));
        Access { world, issued: vec![Issued { revoked: false, ends }], trusted: true, session: Sure::No }
    }

    /// What a metadata file holds at the start.
    pub(super) fn at_start(world: &World) -> Option<Content> {
        match world.credentials.metadata {
            // A key file has no credentials: its metadata names it.
            _ if world.snapshot.provider == Provider::Local => Some(Content::Issued(0)),
            Metadata::Current => Some(Content::Issued(0)),
            Metadata::Outdated | Metadata::RoleId | Metadata::WithoutToken => Some(Content::Useless),
            Metadata::Absent => None,
        }
    }

    /// The number of the credentials that an operator would write now.
    pub(super) fn current(&self) -> usize {
        self.issued.len() - 1
    }

    pub(super) fn by_flags(&self) -> bool {
        self.world.credentials.given_by == GivenBy::Flags
    }

    pub(super) fn trust(&mut self, trusted: bool) {
        self.trusted = trusted;
    }

    pub(super) fn expire(&mut self, now: Moment) {
        let session = self.world.credentials.kind == CredentialsKind::Session;
        if let Some(current) = self.issued.last_mut() {
            if session { current.ends = Some(now) } else { current.revoked = true }
        }
    }

    pub(super) fn renew(&mut self, now: Moment) {
        let session = self.world.credentials.kind == CredentialsKind::Session;
        self.issued.push(Issued { revoked: false, ends: session.then(|| now.after(SESSION)) });
    }

    /// The proxy forgets the role's session.
    pub(super) fn sessions_end(&mut self) {
        self.session = Sure::No;
    }

    /// The proxy may forget it.
    pub(super) fn sessions_may_end(&mut self) {
        self.session = if self.session == Sure::No { Sure::No } else { Sure::Perhaps };
    }

    /// Somebody may ask for a key, for which the proxy assumes the role.
    pub(super) fn session_may_begin(&mut self) {
        if self.trusted && self.issued.iter().any(|issued| !issued.revoked) {
            self.session = Sure::Perhaps;
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        if time >= ROLE_SESSION {
            self.session = Sure::No;
        }
    }

    /// Whether a metadata file, or the flags where they decide, are good for a call.
    pub(super) fn usable(&self, metadata: &[MetadataFile], provider: Provider, now: Moment) -> Sure {
        if provider == Provider::Aws && self.by_flags() {
            return self.accepted(self.current(), now);
        }
        // The files that were there are those of the world's provider.
        let other = provider == Provider::Aws && self.world.snapshot.provider == Provider::Local;
        let one = |file: &MetadataFile| match (file.content, provider) {
            _ if file.forbidden || other => Sure::No,
            (Some(Content::Issued(_)), Provider::Local) => Sure::Yes,
            (Some(Content::Issued(number)), _) => self.accepted(number, now),
            (Some(Content::Useless) | None, _) => Sure::No,
        };
        let found: Vec<Sure> = metadata.iter().map(one).collect();
        match found.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) => *first,
            _ => Sure::Perhaps,
        }
    }

    /// Whether AWS accepts credentials.
    fn accepted(&self, number: usize, now: Moment) -> Sure {
        let Some(issued) = self.issued.get(number) else { return Sure::No };
        let ended = issued.ends.map_or(Sure::No, |end| now.reaches(end));
        let by_themselves = Sure::from(!issued.revoked).and(ended.not());
        if self.world.credentials.kind != CredentialsKind::Role {
            return by_themselves;
        }
        match by_themselves.and(Sure::from(self.trusted)) {
            Sure::Yes => Sure::Yes,
            // What was assumed before lasts as long as its session.
            _ if self.session == Sure::No => Sure::No,
            _ => Sure::Perhaps,
        }
    }
}
