//! Google Cloud in a world: Cloud KMS behind Private Service Connect and its public endpoint, and the OAuth 2.0 token
//! service.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kmip_proxy::keys::FlagCredentials;
use serde_json::{Value, json};

use super::super::clock::WallClock;
use super::super::machine::Machine;
use super::{
    Account, CREATED_BEFORE, CloudEndpoint, ROLE_ID, TRUNCATED_AFTER, private_address, public_address, token_service,
};
use crate::clouds::Cloud;
use crate::clouds::gcp::{Fault, Gcp, IssuedKey, KEY_RING, PROJECT};
use crate::scenario::{Credentials, EndpointState, KeyChange, Metadata, PRIVATE, World};
use crate::trace::Trace;
use crate::world::Entropy;

/// Where the key ring is.
const LOCATION: &str = "us-east1";

/// The service account whose key the proxy is given.
const ACCOUNT: &str = "mongodb-atlas";

/// The file with that key, where the command line names it.
const KEY_FILE: &str = "service-account.json";

/// A private endpoint has the name that Private Service Connect gives it, the public one the service's own.
pub(super) fn endpoints(world: &World) -> Vec<CloudEndpoint> {
    let kms = world.kms.endpoints.iter().enumerate().map(|(index, endpoint)| {
        let (server, class, address) = if endpoint.private {
            // Names of such endpoints are letters and digits alone.
            let name = endpoint.name.strip_prefix(PRIVATE).unwrap_or(&endpoint.name).replace('-', "");
            (format!("cloudkms-{name}.p.googleapis.com"), "private", private_address(index + 1))
        } else {
            ("cloudkms.googleapis.com".to_owned(), "public", public_address(index + 1))
        };
        CloudEndpoint {
            name: endpoint.name.clone(),
            flag: Some(format!("{class}:https://{server}")),
            server,
            by_name: true,
            address,
            private: endpoint.private,
            service: "kms",
        }
    });
    kms.chain([token_service("oauth2", "oauth2.googleapis.com")]).collect()
}

/// The account of a world.
pub(super) struct GcpAccount {
    gcp: Arc<Mutex<Gcp>>,
    /// What the proxy is given now.
    current: RefCell<IssuedKey>,
    /// What was valid once, and is not any more.
    outdated: Option<IssuedKey>,
    /// The resource names of the keys, by their names.
    keys: BTreeMap<String, String>,
}

impl GcpAccount {
    pub(super) fn new(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace) -> Self {
        let created = clock.at(Duration::ZERO) - CREATED_BEFORE;
        let mut gcp = Gcp::new(LOCATION, entropy.key("gcp"), created, trace.clone());
        let keys = world.kms.keys.iter().map(|name| (name.clone(), gcp.add_key(name))).collect();
        let outdated = (world.credentials.metadata == Metadata::Outdated).then(|| {
            let outdated = gcp.add_account_key(ACCOUNT);
            // It was issued in the line above.
            let _ = gcp.revoke(&outdated.key_id);
            outdated
        });
        let current = RefCell::new(gcp.add_account_key(ACCOUNT));
        GcpAccount { gcp: Arc::new(Mutex::new(gcp)), current, outdated, keys }
    }

    fn gcp(&self) -> MutexGuard<'_, Gcp> {
        self.gcp.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account for GcpAccount {
    fn services(&self) -> Arc<Mutex<dyn Cloud>> {
        self.gcp.clone()
    }

    /// Its resource name.
    fn key(&self, name: &str) -> String {
        self.keys.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn master_key(&self, name: &str) -> Value {
        json!({"provider": "gcp", "projectId": PROJECT, "location": LOCATION, "keyRing": KEY_RING, "keyName": name})
    }

    fn wrap(&self, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, String> {
        self.gcp().encrypt_directly(key, plaintext, &[]).map_err(|why| why.to_string())
    }

    fn change_key(&self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), String> {
        self.gcp().change_key(name, change, at).map_err(|why| why.to_string())
    }

    fn flags(&self, machine: &dyn Machine) -> FlagCredentials {
        let path = machine.in_dbpath(KEY_FILE);
        machine.place(&path, self.current.borrow().json.as_bytes());
        FlagCredentials { gcp_key_file: Some(path), ..FlagCredentials::default() }
    }

    /// The field of `googleCloudKMS` in the Atlas API: the key file, as a text.
    fn metadata(&self, content: Metadata) -> Option<Value> {
        if content == Metadata::Absent {
            return None;
        }
        if content == Metadata::RoleId {
            return Some(json!({"roleId": ROLE_ID}));
        }
        let current = self.current.borrow();
        let issued = self.outdated.as_ref().filter(|_| content == Metadata::Outdated).unwrap_or(&current);
        Some(json!({"serviceAccountKey": issued.json}))
    }

    /// The key is deleted. Tokens that it has brought live on.
    fn expire(&self, _: SystemTime) {
        // What was deleted before is not there any more, and stays so.
        let _ = self.gcp().revoke(&self.current.borrow().key_id);
    }

    fn renew(&self, _: &Credentials, _: SystemTime) {
        let issued = self.gcp().add_account_key(ACCOUNT);
        self.current.replace(issued);
    }

    /// No region stands beside a service account.
    fn set_region(&self, _: &str) {}

    fn trust(&self, _: bool) -> Result<(), String> {
        Err("Google Cloud has no role that a service account assumes".to_owned())
    }

    fn set_fault(&self, endpoint: &str, state: &EndpointState) {
        let mut gcp = self.gcp();
        gcp.clear_faults(Some(endpoint));
        let fault = match state {
            EndpointState::Throttling => Fault::Throttle,
            EndpointState::Failing(_) => Fault::Internal,
            EndpointState::Garbling => Fault::Garbage,
            EndpointState::Truncating => Fault::Cut { after_bytes: TRUNCATED_AFTER },
            EndpointState::Slow(by) => Fault::Slow(*by),
            _ => return,
        };
        gcp.inject(fault, Some(endpoint), None);
    }
}
