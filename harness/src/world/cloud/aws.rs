//! AWS in a world: KMS behind PrivateLink endpoints and the public one, and STS where a role is to be assumed.
//!
//! Invariant: a world without a role has no STS.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kmip_proxy::keys::{FlagCredentials, SecretText};
use serde_json::{Value, json};

use super::super::clock::WallClock;
use super::super::machine::Machine;
use super::{
    Account, CREATED_BEFORE, CloudEndpoint, ROLE_ID, TRUNCATED_AFTER, private_address, public_address, token_service,
};
use crate::clouds::Cloud;
use crate::clouds::aws::{Aws, Fault, Holder, IssuedCredentials};
use crate::scenario::{
    self, Credentials, CredentialsKind, EndpointState, KeyChange, Metadata, PRIVATE, REPLICA, World,
};
use crate::trace::Trace;
use crate::world::Entropy;

/// The IAM user whose keys the proxy is given.
const USER: &str = "mongodb-atlas";

/// The role that it may have to assume first.
const ROLE: &str = "atlas-kms";

/// The role's external id, as its trust policy asks for.
const EXTERNAL_ID: &str = "kmiplab-external-id";

/// The name of the token service's host.
const STS: &str = "sts";

/// The error code of a service that fails without a scenario saying how.
const INTERNAL: &str = "KMSInternalException";

/// How long a renewed session lasts: the usual hour.
const SESSION: Duration = Duration::from_secs(60 * 60);

/// A private endpoint has the PrivateLink name, the public one the service's own.
pub(super) fn endpoints(world: &World) -> Vec<CloudEndpoint> {
    let region = &world.aws.region;
    let kms = world.kms.endpoints.iter().enumerate().map(|(index, endpoint)| {
        let (server, class, address) = if endpoint.private {
            // AWS gives out ids that begin with `vpce-`.
            let id = endpoint.name.strip_prefix(PRIVATE).unwrap_or(&endpoint.name);
            let server = format!("vpce-{id}-lab.kms.{region}.vpce.amazonaws.com");
            (server, "private", private_address(index + 1))
        } else {
            (format!("kms.{region}.amazonaws.com"), "public", public_address(index + 1))
        };
        CloudEndpoint {
            name: endpoint.name.clone(),
            // With a second region the proxy goes where the metadata file says, without being given endpoints.
            flag: world.aws.replica.is_none().then(|| format!("{class}:https://{server}")),
            server,
            by_name: true,
            address,
            private: endpoint.private,
            service: "kms",
        }
    });
    let replica = world.aws.replica.as_ref().map(|region| CloudEndpoint {
        name: REPLICA.to_owned(),
        server: format!("kms.{region}.amazonaws.com"),
        by_name: true,
        address: public_address(100),
        private: false,
        service: "kms",
        flag: None,
    });
    let role = world.credentials.kind == CredentialsKind::Role;
    let sts = role.then(|| token_service(STS, &format!("sts.{region}.amazonaws.com")));
    kms.chain(replica).chain(sts).collect()
}

/// The account of a world.
pub(super) struct AwsAccount {
    aws: Arc<Mutex<Aws>>,
    /// What the proxy is given now.
    current: RefCell<Current>,
    /// What was valid once, and is not any more.
    outdated: Option<IssuedCredentials>,
    kind: CredentialsKind,
    /// Whether the role trusts the proxy's user.
    trusted: Cell<bool>,
    region: String,
    arns: BTreeMap<String, String>,
}

/// The credentials that are valid now, as an operator would copy them.
#[derive(Clone, Debug)]
struct Current {
    issued: IssuedCredentials,
    role_arn: Option<String>,
    /// The region that stands beside them.
    region: String,
}

impl AwsAccount {
    pub(super) fn new(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace) -> Self {
        let region = world.aws.region.clone();
        let created = clock.at(Duration::ZERO) - CREATED_BEFORE;
        let mut aws = Aws::new(&region, entropy.key("aws"), created, trace.clone());
        if let Some(replica) = &world.aws.replica {
            aws.add_region(replica);
        }
        let arns: BTreeMap<String, String> =
            world.kms.keys.iter().map(|name| (name.clone(), add_key(&mut aws, name))).collect();
        if let Some(days) = world.aws.rotation_period {
            for name in &world.kms.keys {
                aws.enable_automatic_rotation(name, days, created)
                    .expect("the scenario's keys and period were checked");
            }
        }
        let now = clock.at(Duration::ZERO);
        let outdated = (world.credentials.metadata == Metadata::Outdated).then(|| {
            let outdated = issue(&mut aws, &world.credentials, now, &region).issued;
            end(&mut aws, world.credentials.kind, &outdated, now);
            outdated
        });
        let current = issue(&mut aws, &world.credentials, now, &region);
        AwsAccount {
            aws: Arc::new(Mutex::new(aws)),
            current: RefCell::new(current),
            outdated,
            kind: world.credentials.kind,
            trusted: Cell::new(true),
            region,
            arns,
        }
    }

    fn aws(&self) -> MutexGuard<'_, Aws> {
        self.aws.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account for AwsAccount {
    fn services(&self) -> Arc<Mutex<dyn Cloud>> {
        self.aws.clone()
    }

    /// Its ARN.
    fn key(&self, name: &str) -> String {
        self.arns.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn master_key(&self, name: &str) -> Value {
        json!({"provider": "aws", "region": self.region, "key": self.key(name)})
    }

    fn wrap(&self, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, String> {
        self.aws().encrypt_directly(key, plaintext, &BTreeMap::new()).map_err(|why| why.to_string())
    }

    fn change_key(&self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), String> {
        self.aws().change_key(name, change, at).map_err(|why| why.to_string())
    }

    fn flags(&self, _: &dyn Machine) -> FlagCredentials {
        let current = self.current.borrow();
        FlagCredentials {
            access_key_id: Some(current.issued.access_key_id.clone()),
            secret_access_key: Some(SecretText::new(current.issued.secret_access_key.clone())),
            session_token: current.issued.session_token.clone().map(SecretText::new),
            region: Some(current.region.clone()),
            role_arn: current.role_arn.clone(),
            external_id: current.role_arn.as_ref().map(|_| EXTERNAL_ID.to_owned()),
            ..FlagCredentials::default()
        }
    }

    fn metadata(&self, content: Metadata) -> Option<Value> {
        if content == Metadata::Absent {
            return None;
        }
        if content == Metadata::RoleId {
            return Some(json!({"accessKeyId": "", "secretAccessKey": "", "roleId": ROLE_ID, "region": self.region}));
        }
        let current = self.current.borrow();
        let issued = self.outdated.as_ref().filter(|_| content == Metadata::Outdated).unwrap_or(&current.issued);
        let mut metadata = json!({
            "accessKeyId": issued.access_key_id,
            "secretAccessKey": issued.secret_access_key,
            "roleId": "",
            "region": current.region,
        });
        if let Some(token) = issued.session_token.as_ref().filter(|_| content != Metadata::WithoutToken) {
            metadata["sessionToken"] = json!(token);
        }
        if let Some(arn) = &current.role_arn {
            metadata["roleArn"] = json!(arn);
            metadata["externalId"] = json!(EXTERNAL_ID);
        }
        Some(metadata)
    }

    fn expire(&self, now: SystemTime) {
        end(&mut self.aws(), self.kind, &self.current.borrow().issued, now);
    }

    fn renew(&self, credentials: &Credentials, now: SystemTime) {
        // Renewed ones last as long as sessions usually do, not as the first ones did.
        let renewed = Credentials { expires: None, ..credentials.clone() };
        let region = self.current.borrow().region.clone();
        let issued = issue(&mut self.aws(), &renewed, now, &region);
        self.current.replace(issued);
        // New keys for the user are no reason for the role to trust it; where there is no role, none does.
        let _ = self.trust(self.trusted.get());
    }

    fn set_region(&self, region: &str) {
        region.clone_into(&mut self.current.borrow_mut().region);
    }

    /// Where nobody assumes a role there is none, and nothing to change.
    fn trust(&self, trusted: bool) -> Result<(), String> {
        self.trusted.set(trusted);
        let trusts: &[&str] = if trusted { &[USER] } else { &[] };
        self.aws().set_role_trust(ROLE, trusts, Some(EXTERNAL_ID)).map_err(|why| why.to_string())
    }

    fn set_fault(&self, endpoint: &str, state: &EndpointState) {
        let mut aws = self.aws();
        aws.clear_faults(Some(endpoint));
        aws.set_endpoint_policy(endpoint, *state != EndpointState::Denying);
        let fault = match state {
            EndpointState::Throttling => Fault::Throttle,
            EndpointState::Failing(code) => Fault::from_name(code.as_deref().unwrap_or(INTERNAL))
                .expect("a file can name only codes of the fake's table: a test compares them"),
            EndpointState::Garbling => Fault::Garbage,
            EndpointState::Truncating => Fault::Cut { after_bytes: TRUNCATED_AFTER },
            EndpointState::Slow(by) => Fault::Slow(*by),
            _ => return,
        };
        aws.inject(fault, Some(endpoint), None);
    }
}

/// Makes a key, in all regions if its name says so.
fn add_key(aws: &mut Aws, name: &str) -> String {
    if scenario::Aws::is_multi_region(name) { aws.add_multi_region_key(name) } else { aws.add_key(name) }
}

/// The account stops accepting what it has issued.
fn end(aws: &mut Aws, kind: CredentialsKind, issued: &IssuedCredentials, now: SystemTime) {
    let id = &issued.access_key_id;
    // What was revoked before is not there any more, and stays so.
    let _ = match kind {
        CredentialsKind::Session => aws.expire(id, now),
        CredentialsKind::User | CredentialsKind::Role => aws.revoke(id),
    };
}

fn issue(aws: &mut Aws, credentials: &Credentials, now: SystemTime, region: &str) -> Current {
    let region = region.to_owned();
    match credentials.kind {
        CredentialsKind::User => Current { issued: aws.add_user(USER), role_arn: None, region },
        CredentialsKind::Session => {
            let expires = now + credentials.expires.unwrap_or(SESSION);
            // The session's user must exist before the session.
            let _ = aws.add_user(USER);
            Current { issued: aws.add_session(Holder::User(USER), Some(expires)), role_arn: None, region }
        }
        CredentialsKind::Role => {
            let issued = aws.add_user(USER);
            aws.deny(USER, "kms:*", "*");
            let arn = aws.add_role(ROLE, &[USER], Some(EXTERNAL_ID));
            Current { issued, role_arn: Some(arn), region }
        }
    }
}
