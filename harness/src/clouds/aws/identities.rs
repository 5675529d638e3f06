//! Who may call: IAM users, roles, and the access keys that the account has given out.
//!
//! Invariant: an access key's secret and token leave this file only in [`IssuedCredentials`], when they are issued.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;

use super::errors::{Error, Refusal};
use super::sigv4::Authorization;
use crate::clouds::seeds::{BASE32, Seed, Stream};

/// Credentials as the account hands them out.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedCredentials {
    /// `AKIA…` for a user, `ASIA…` for a session.
    pub access_key_id: String,
    /// The secret access key, 40 characters.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for IssuedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedCredentials({})", shortened(&self.access_key_id))
    }
}

/// Whose temporary credentials a session holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// An IAM user's, by the user's name.
    User(&'a str),
    /// A role's, by the role's name.
    Role(&'a str),
}

/// Whoever stands behind an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal {
    /// The name by which policies know it: the user's, or the role's.
    pub(super) name: String,
    /// The ARN with which AWS speaks of it.
    pub(super) arn: String,
    /// The unique id in answers of STS: `AIDA…`, or `AROA…:session`.
    pub(super) id: String,
}

/// A role that can be assumed.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    /// User names or ARNs; `*` trusts everybody.
    pub(super) trusts: Vec<String>,
    pub(super) external_id: Option<String>,
    id: String,
}

struct AccessKey {
    secret: String,
    token: Option<String>,
    expires: Option<SystemTime>,
    principal: Principal,
}

/// Everybody whom the account knows.
pub(super) struct Identities {
    account: String,
    seed: Seed,
    access_keys: BTreeMap<String, AccessKey>,
    /// Roles by ARN.
    roles: BTreeMap<String, Role>,
    /// How many credentials each holder has been given, so that the next ones are new.
    issued: BTreeMap<String, u32>,
}

impl Identities {
    pub(super) fn new(account: &str, seed: &Seed) -> Self {
        Identities {
            account: account.to_owned(),
            seed: seed.clone(),
            access_keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            issued: BTreeMap::new(),
        }
    }

    pub(super) fn add_role(&mut self, name: &str, trusts: &[&str], external_id: Option<&str>) -> String {
        let arn = self.role_arn(name);
        let role = Role {
            name: name.to_owned(),
            trusts: trusts.iter().map(|&trusted| trusted.to_owned()).collect(),
            external_id: external_id.map(str::to_owned),
            id: format!("AROA{}", self.seed.stream(&format!("role/{name}")).text(17, BASE32)),
        };
        self.roles.insert(arn.clone(), role);
        arn
    }

    /// Changes whom a role trusts; tells whether there is such a role.
    pub(super) fn set_trust(&mut self, name: &str, trusts: &[&str], external_id: Option<&str>) -> bool {
        let arn = self.role_arn(name);
        let known = self.roles.contains_key(&arn);
        if known {
            self.add_role(name, trusts, external_id);
        }
        known
    }

    /// Forgets a role and everything that was issued in its name; tells whether there was one.
    pub(super) fn remove_role(&mut self, name: &str) -> bool {
        let sessions = format!("{}/", self.assumed(name, "").arn.trim_end_matches('/'));
        self.access_keys.retain(|_, key| !key.principal.arn.starts_with(&sessions));
        self.roles.remove(&self.role_arn(name)).is_some()
    }

    pub(super) fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.get(arn)
    }

    /// Gives a user one more access key.
    pub(super) fn issue_user(&mut self, name: &str) -> IssuedCredentials {
        let principal = self.user(name);
        self.issue(principal, None)
    }

    /// Gives out temporary credentials.
    pub(super) fn issue_session(
        &mut self,
        holder: Holder<'_>,
        session: &str,
        expires: Option<SystemTime>,
    ) -> (Principal, IssuedCredentials) {
        let principal = match holder {
            Holder::User(name) => self.user(name),
            Holder::Role(name) => self.assumed(name, session),
        };
        let issued = self.issue(principal.clone(), Some(expires));
        (principal, issued)
    }

    /// Sets the end of temporary credentials; tells whether there are such.
    pub(super) fn expire(&mut self, access_key_id: &str, at: SystemTime) -> bool {
        let session = self.access_keys.get_mut(access_key_id).filter(|key| key.token.is_some());
        session.map(|key| key.expires = Some(at)).is_some()
    }

    /// Forgets an access key; tells whether there was one.
    pub(super) fn revoke(&mut self, access_key_id: &str) -> bool {
        self.access_keys.remove(access_key_id).is_some()
    }

    /// Finds out who sent a request, and refuses what is not signed by its sender.
    pub(super) fn authenticate(
        &self,
        authorization: &Authorization,
        request: &Request<Bytes>,
        region: &str,
        service: &str,
        now: SystemTime,
    ) -> Result<Principal, Refusal> {
        let key = self.access_keys.get(&authorization.access_key_id).ok_or(Error::UnrecognizedClient)?;
        let token = request.headers().get("x-amz-security-token").map(|value| value.as_bytes());
        if token != key.token.as_deref().map(str::as_bytes) {
            return Err(Error::UnrecognizedClient.into());
        }
        if key.expires.is_some_and(|expires| now >= expires) {
            return Err(Error::ExpiredToken.into());
        }
        authorization.verify(request, &key.secret, region, service, now)?;
        Ok(key.principal.clone())
    }

    fn user(&self, name: &str) -> Principal {
        Principal {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::{}:user/{name}", self.account),
            id: format!("AIDA{}", self.seed.stream(&format!("user/{name}")).text(17, BASE32)),
        }
    }

    fn assumed(&self, name: &str, session: &str) -> Principal {
        let id = match self.roles.get(&self.role_arn(name)) {
            Some(role) => role.id.clone(),
            None => format!("AROA{}", self.seed.stream(&format!("role/{name}")).text(17, BASE32)),
        };
        Principal {
            name: name.to_owned(),
            arn: format!("arn:aws:sts::{}:assumed-role/{name}/{session}", self.account),
            id: format!("{id}:{session}"),
        }
    }

    fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// `session` holds the end of temporary credentials, and is `None` for those that have no token.
    fn issue(&mut self, principal: Principal, session: Option<Option<SystemTime>>) -> IssuedCredentials {
        let count = self.issued.entry(principal.arn.clone()).or_default();
        *count += 1;
        let mut stream = self.seed.stream(&format!("credentials/{}/{count}", principal.arn));
        let issued = draw(&mut stream, session.is_some());
        let key = AccessKey {
            secret: issued.secret_access_key.clone(),
            token: issued.session_token.clone(),
            expires: session.flatten(),
            principal,
        };
        self.access_keys.insert(issued.access_key_id.clone(), key);
        issued
    }

    /// Who holds an access key, whether or not it is good.
    pub(super) fn holder(&self, access_key_id: &str) -> Option<&Principal> {
        self.access_keys.get(access_key_id).map(|key| &key.principal)
    }

    /// Takes over credentials that were made elsewhere: everybody's, or those of a capture.
    pub(super) fn adopt(&mut self, user: &str, credentials: &IssuedCredentials) {
        let key = AccessKey {
            secret: credentials.secret_access_key.clone(),
            token: credentials.session_token.clone(),
            expires: None,
            principal: self.user(user),
        };
        self.access_keys.insert(credentials.access_key_id.clone(), key);
    }
}

/// An access key id as a trace may show it.
pub(super) fn shortened(access_key_id: &str) -> String {
    match (access_key_id.get(..4), access_key_id.get(access_key_id.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if access_key_id.len() > 8 => format!("{head}…{tail}"),
        _ => "…".to_owned(),
    }
}

/// The shapes are those of AWS: four letters and 16 more, 40 characters, and a token that begins as AWS' do.
fn draw(stream: &mut Stream, temporary: bool) -> IssuedCredentials {
    let prefix = if temporary { "ASIA" } else { "AKIA" };
    IssuedCredentials {
        access_key_id: format!("{prefix}{}", stream.text(16, BASE32)),
        secret_access_key: STANDARD.encode(stream.bytes::<30>()),
        session_token: temporary.then(|| format!("IQoJb3JpZ2luX2Vj{}", STANDARD.encode(stream.bytes::<192>()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_key_ids_are_shortened_beyond_recognition() {
        assert_eq!(shortened("AKIAIOSFODNN7EXAMPLE"), "AKIA…MPLE");
        assert_eq!(shortened("test"), "…");
        assert_eq!(shortened("ÄÄÄÄÄÄÄÄÄÄ"), "ÄÄ…ÄÄ");
        assert_eq!(shortened("xÄÄÄÄÄÄÄÄÄx"), "…", "cut in the middle of a character");
    }

    #[test]
    fn the_same_user_gets_new_credentials_each_time_and_the_same_ones_in_the_next_run() {
        let mut first = Identities::new("111122223333", &Seed::new([1; 32]));
        let mut again = Identities::new("111122223333", &Seed::new([1; 32]));
        again.issue_user("somebody else");
        let issued = [first.issue_user("atlas"), first.issue_user("atlas")];
        assert_ne!(issued[0], issued[1]);
        assert_eq!(issued, [again.issue_user("atlas"), again.issue_user("atlas")]);
        assert_eq!(issued[0].access_key_id.len(), 20);
        assert_eq!(issued[0].secret_access_key.len(), 40);
        assert!(!format!("{:?}", issued[0]).contains(&issued[0].secret_access_key));
    }
}
