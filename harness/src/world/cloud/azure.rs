//! Azure in a world: one vault behind Private Link and its public endpoint, and the token service of Microsoft Entra ID.
//!
//! All endpoints of a vault have the vault's own name. The public one is found by it, private ones are dialed at their
//! addresses, as a proxy outside of the private DNS zone does it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kmip_proxy::keys::{AzureEnvironment, FlagCredentials, SecretText};
use serde_json::{Value, json};

use super::super::clock::WallClock;
use super::super::machine::Machine;
use super::{
    Account, CREATED_BEFORE, CloudEndpoint, ROLE_ID, TRUNCATED_AFTER, private_address, public_address, token_service,
};
use crate::clouds::Cloud;
use crate::clouds::azure::{Azure, Fault, IssuedCredentials, LOGIN_HOST};
use crate::scenario::{Credentials, CredentialsKind, EndpointState, KeyChange, Metadata, World};
use crate::trace::Trace;
use crate::world::Entropy;

/// The vault's name.
const VAULT: &str = "kmiplab";

/// Where it is.
const REGION: &str = "eastus";

/// The application whose secret the proxy is given.
const APPLICATION: &str = "mongodb-atlas";

/// How long a renewed secret is good that has a last day: as long as the portal proposes.
const SECRET: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Every endpoint has the name of the vault.
pub(super) fn endpoints(world: &World) -> Vec<CloudEndpoint> {
    let server = Azure::vault_host(VAULT);
    let vault = world.kms.endpoints.iter().enumerate().map(|(index, endpoint)| {
        let (address, flag) = if endpoint.private {
            let address = private_address(index + 1);
            (address, format!("private:https://{server},dial={address}"))
        } else {
            (public_address(index + 1), format!("public:https://{server}"))
        };
        CloudEndpoint {
            name: endpoint.name.clone(),
            server: server.clone(),
            by_name: !endpoint.private,
            address,
            private: endpoint.private,
            service: "kms",
            flag: Some(flag),
        }
    });
    vault.chain([token_service("entra", LOGIN_HOST)]).collect()
}

/// The account of a world.
pub(super) struct AzureAccount {
    azure: Arc<Mutex<Azure>>,
    /// What the proxy is given now.
    current: RefCell<IssuedCredentials>,
    /// What was valid once, and is not any more.
    outdated: Option<IssuedCredentials>,
    kind: CredentialsKind,
    /// The versions of the keys at the start, by the keys' names: those that wrapped the snapshot.
    versions: BTreeMap<String, String>,
}

impl AzureAccount {
    pub(super) fn new(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace) -> Self {
        let now = clock.at(Duration::ZERO);
        let mut azure = Azure::new(REGION, VAULT, entropy.key("azure"), now - CREATED_BEFORE, trace.clone());
        let version = |kid: String| kid.rsplit('/').next().unwrap_or_default().to_owned();
        let versions = world.kms.keys.iter().map(|name| (name.clone(), version(azure.add_key(name)))).collect();
        let kind = world.credentials.kind;
        // The application comes into being with its first secret, which nobody here is given.
        let _ = azure.add_application(APPLICATION);
        let outdated = (world.credentials.metadata == Metadata::Outdated).then(|| {
            let outdated = issue(&mut azure, kind, now + SECRET);
            end(&mut azure, kind, &outdated, now);
            outdated
        });
        let expires = now + world.credentials.expires.unwrap_or(SECRET);
        let current = RefCell::new(issue(&mut azure, kind, expires));
        AzureAccount { azure: Arc::new(Mutex::new(azure)), current, outdated, kind, versions }
    }

    fn azure(&self) -> MutexGuard<'_, Azure> {
        self.azure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account for AzureAccount {
    fn services(&self) -> Arc<Mutex<dyn Cloud>> {
        self.azure.clone()
    }

    /// Its identifier without a version: the newest one wraps.
    fn key(&self, name: &str) -> String {
        format!("https://{}/keys/{name}", Azure::vault_host(VAULT))
    }

    fn master_key(&self, name: &str) -> Value {
        let (endpoint, version) = (Azure::vault_host(VAULT), self.versions.get(name));
        json!({"provider": "azure", "keyVaultEndpoint": endpoint, "keyName": name, "keyVersion": version})
    }

    fn wrap(&self, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, String> {
        let (_, wrapped) = self.azure().encrypt_directly(key, plaintext).map_err(|why| why.to_string())?;
        Ok(wrapped)
    }

    fn change_key(&self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), String> {
        self.azure().change_key(name, change, at).map_err(|why| why.to_string())
    }

    fn flags(&self, _: &dyn Machine) -> FlagCredentials {
        let current = self.current.borrow();
        FlagCredentials {
            azure_tenant_id: Some(current.tenant_id.clone()),
            azure_client_id: Some(current.client_id.clone()),
            azure_client_secret: Some(SecretText::new(current.client_secret.clone())),
            azure_environment: Some(AzureEnvironment::Public),
            ..FlagCredentials::default()
        }
    }

    /// The fields of `azureKeyVault` in the Atlas API.
    fn metadata(&self, content: Metadata) -> Option<Value> {
        if content == Metadata::Absent {
            return None;
        }
        let current = self.current.borrow();
        if content == Metadata::RoleId {
            return Some(json!({"azureEnvironment": "AZURE", "tenantID": current.tenant_id, "roleId": ROLE_ID}));
        }
        let issued = self.outdated.as_ref().filter(|_| content == Metadata::Outdated).unwrap_or(&current);
        Some(json!({
            "azureEnvironment": "AZURE",
            "clientID": issued.client_id,
            "tenantID": issued.tenant_id,
            "secret": issued.client_secret,
        }))
    }

    fn expire(&self, now: SystemTime) {
        end(&mut self.azure(), self.kind, &self.current.borrow(), now);
    }

    fn renew(&self, _: &Credentials, now: SystemTime) {
        let issued = issue(&mut self.azure(), self.kind, now + SECRET);
        self.current.replace(issued);
    }

    /// No region stands beside an application.
    fn set_region(&self, _: &str) {}

    fn trust(&self, _: bool) -> Result<(), String> {
        Err("Azure has no role that an application assumes".to_owned())
    }

    fn set_fault(&self, endpoint: &str, state: &EndpointState) {
        let mut azure = self.azure();
        azure.clear_faults(Some(endpoint));
        let fault = match state {
            EndpointState::Throttling => Fault::Throttle,
            EndpointState::Failing(_) => Fault::Internal,
            EndpointState::Garbling => Fault::Garbage,
            EndpointState::Truncating => Fault::Cut { after_bytes: TRUNCATED_AFTER },
            EndpointState::Slow(by) => Fault::Slow(*by),
            _ => return,
        };
        azure.inject(fault, Some(endpoint), None);
    }
}

/// A new secret; one of the kind `session` has a last day.
fn issue(azure: &mut Azure, kind: CredentialsKind, expires: SystemTime) -> IssuedCredentials {
    let expires = (kind == CredentialsKind::Session).then_some(expires);
    azure.add_secret(APPLICATION, expires).expect("the application was added at the start")
}

/// The tenant stops accepting a secret. Tokens that it has brought live on.
fn end(azure: &mut Azure, kind: CredentialsKind, issued: &IssuedCredentials, now: SystemTime) {
    // What was revoked before is not there any more, and stays so.
    let _ = match kind {
        CredentialsKind::Session => azure.expire(&issued.secret_id, now),
        CredentialsKind::User | CredentialsKind::Role => azure.revoke(&issued.secret_id),
    };
}
