//! Microsoft Entra ID: tenants, their applications, client secrets, and whose a token is.
//!
//! Invariant: a client secret leaves this file only in [`IssuedCredentials`], when it is issued.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::RESOURCE;
use super::errors::{Error, Refusal};
use super::tokens::{self, LIFETIME};
use crate::clouds::seeds::{Seed, Stream, UNRESERVED};

/// A client secret as the tenant hands it out, with everything that stands beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedCredentials {
    /// The directory (tenant) id.
    pub tenant_id: String,
    /// The application (client) id.
    pub client_id: String,
    /// The secret's value, 40 characters.
    pub client_secret: String,
    /// The secret's id, by which it is expired and revoked; not secret.
    pub secret_id: String,
}

impl fmt::Debug for IssuedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedCredentials(appid={}, secret id {})", self.client_id, self.secret_id)
    }
}

/// An application as Key Vault sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal {
    /// The name by which a world knows it.
    pub(super) name: String,
    pub(super) client_id: String,
    /// The id of its service principal.
    pub(super) object_id: String,
    pub(super) tenant: String,
}

impl Principal {
    /// How refusals speak of a caller.
    pub(super) fn caller(&self) -> String {
        format!("appid={};oid={};iss={}", self.client_id, self.object_id, tokens::issuer(&self.tenant))
    }
}

struct Secret {
    id: String,
    value: String,
    expires: Option<SystemTime>,
}

struct Application {
    principal: Principal,
    secrets: Vec<Secret>,
}

/// Everybody whom the tenants know.
pub(super) struct Directory {
    seed: Seed,
    home: String,
    /// Applications by client id, by tenant.
    tenants: BTreeMap<String, BTreeMap<String, Application>>,
    /// How many secrets each application has been given, so that the next one is new.
    issued: BTreeMap<String, u32>,
    /// What tokens draw from, by client id.
    token_sources: BTreeMap<String, Stream>,
}

impl Directory {
    pub(super) fn new(seed: &Seed) -> Self {
        let home = seed.stream("tenant").uuid();
        Directory {
            seed: seed.clone(),
            tenants: BTreeMap::from([(home.clone(), BTreeMap::new())]),
            home,
            issued: BTreeMap::new(),
            token_sources: BTreeMap::new(),
        }
    }

    /// The tenant to which the vaults belong.
    pub(super) fn home(&self) -> &str {
        &self.home
    }

    /// Adds another tenant, or finds the one of that name.
    pub(super) fn add_tenant(&mut self, name: &str) -> String {
        let id = self.seed.stream(&format!("tenant/{name}")).uuid();
        self.tenants.entry(id.clone()).or_default();
        id
    }

    pub(super) fn has_tenant(&self, tenant: &str) -> bool {
        self.tenants.contains_key(tenant)
    }

    /// Gives an application one more secret. With the first one the application comes into being.
    pub(super) fn issue_secret(&mut self, tenant: &str, name: &str, expires: Option<SystemTime>) -> IssuedCredentials {
        let mut source = self.seed.stream(&format!("application/{tenant}/{name}"));
        let (client_id, object_id) = (source.uuid(), source.uuid());
        let count = self.issued.entry(client_id.clone()).or_default();
        *count += 1;
        let mut source = self.seed.stream(&format!("secret/{client_id}/{count}"));
        // The shape is that of Entra: three characters, a mark in their midst, and 34 more.
        let value = format!("{}8Q~{}", source.text(3, UNRESERVED), source.text(34, UNRESERVED));
        let secret = Secret { id: source.uuid(), value, expires };
        let issued = IssuedCredentials {
            tenant_id: tenant.to_owned(),
            client_id: client_id.clone(),
            client_secret: secret.value.clone(),
            secret_id: secret.id.clone(),
        };
        let principal =
            Principal { name: name.to_owned(), client_id: client_id.clone(), object_id, tenant: tenant.to_owned() };
        let applications = self.tenants.entry(tenant.to_owned()).or_default();
        let application =
            applications.entry(client_id).or_insert_with(|| Application { principal, secrets: Vec::new() });
        application.secrets.push(secret);
        issued
    }

    /// The application of that name in the home tenant.
    pub(super) fn named(&self, name: &str) -> Option<&Principal> {
        let applications = self.tenants.get(&self.home)?.values();
        applications.map(|application| &application.principal).find(|principal| principal.name == name)
    }

    /// Forgets an application of the home tenant; tells whether there was one.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let client_id = self.named(name).map(|principal| principal.client_id.clone());
        let applications = self.tenants.get_mut(&self.home);
        client_id.zip(applications).and_then(|(id, applications)| applications.remove(&id)).is_some()
    }

    /// Sets the end of a secret; tells whether there is one of that id.
    pub(super) fn expire(&mut self, secret_id: &str, at: SystemTime) -> bool {
        let secret = self.secrets_mut().flatten().find(|secret| secret.id == secret_id);
        secret.map(|secret| secret.expires = Some(at)).is_some()
    }

    /// Forgets a secret; tells whether there was one of that id.
    pub(super) fn revoke(&mut self, secret_id: &str) -> bool {
        self.secrets_mut().any(|secrets| {
            let before = secrets.len();
            secrets.retain(|secret| secret.id != secret_id);
            secrets.len() < before
        })
    }

    fn secrets_mut(&mut self) -> impl Iterator<Item = &mut Vec<Secret>> {
        let applications = self.tenants.values_mut().flat_map(BTreeMap::values_mut);
        applications.map(|application| &mut application.secrets)
    }

    /// Whose secret this is, unless there is no such application, no such secret, or its time is over.
    pub(super) fn authenticate(
        &self,
        tenant: &str,
        client_id: &str,
        secret: &str,
        now: SystemTime,
    ) -> Result<Principal, Refusal> {
        let values = [("client", client_id), ("tenant", tenant)];
        let refused = |error: Error| Refusal::new(error, &values);
        let applications = self.tenants.get(tenant).ok_or_else(|| refused(Error::TenantNotFound))?;
        let application = applications.get(client_id).ok_or_else(|| refused(Error::ApplicationNotFound))?;
        let known = application.secrets.iter().find(|known| known.value == secret);
        let known = known.ok_or_else(|| refused(Error::SecretInvalid))?;
        match known.expires {
            Some(expires) if now >= expires => Err(refused(Error::SecretExpired)),
            _ => Ok(application.principal.clone()),
        }
    }

    /// Makes a token for a resource.
    pub(super) fn issue_token(&mut self, principal: &Principal, audience: &str, now: SystemTime) -> String {
        self.issue_token_until(principal, audience, now + LIFETIME, now)
    }

    /// The same with an end of its own.
    pub(super) fn issue_token_until(
        &mut self,
        principal: &Principal,
        audience: &str,
        expires: SystemTime,
        now: SystemTime,
    ) -> String {
        let Directory { seed, token_sources, .. } = self;
        let client_id = &principal.client_id;
        let source =
            token_sources.entry(client_id.clone()).or_insert_with(|| seed.stream(&format!("tokens/{client_id}")));
        tokens::issue(seed, source, principal, audience, expires, now)
    }

    /// Whose token this is, for a vault of the home tenant. Each way in which it can be no good has its own refusal, in
    /// the order signature, issuer, audience, lifetime. (The order is `Evidence::Inferred`.)
    pub(super) fn verify(&self, token: &str, now: SystemTime) -> Result<Principal, Refusal> {
        let claims = tokens::read(&self.seed, token).ok_or(Error::SignatureUnknown)?;
        let expected = tokens::issuer(&self.home);
        if claims.issuer != expected {
            return Err(Refusal::new(Error::InvalidIssuer, &[("expected", &expected), ("found", &claims.issuer)]));
        }
        if claims.audience != RESOURCE {
            return Err(Refusal::new(Error::InvalidAudience, &[("found", &claims.audience)]));
        }
        let now = tokens::seconds(now);
        if now >= claims.expires || now < claims.not_before {
            return Err(Error::TokenExpired.into());
        }
        let known = self.tenants.get(&self.home).and_then(|applications| applications.get(&claims.client_id));
        // A token outlives its application: nobody asks the directory before the token's time is over.
        let name = known.map_or_else(|| claims.client_id.clone(), |known| known.principal.name.clone());
        Ok(Principal { name, client_id: claims.client_id, object_id: claims.object_id, tenant: claims.tenant })
    }
}
