//! The account of a run in a cloud that somebody else runs: keys made for the run, and everybody's credentials.
//!
//! Keys are called by the ARNs that the simulation of the same seed has for them (`known`), so that what is recorded can be
//! compared with it.
//!
//! Invariant: a key that was made for a run is scheduled for deletion when the run is over.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use kmip_proxy::keys::{FlagCredentials, SecretText};
use serde_json::{Value, json};

use super::kms::{Failed, Kms, TEST};
use super::way::Way;
use crate::clouds::Cloud;
use crate::scenario::{Credentials, EndpointState, KeyChange, Metadata, World};
use crate::world::cloud::Account;
use crate::world::machine::Machine;
use crate::world::process::record::Record;

/// The account.
pub(super) struct ForeignAccount {
    kms: Kms,
    /// What the run's own fake would be: what stands in files that no cloud reads.
    fake: Rc<dyn Account>,
    way: Arc<Mutex<Way>>,
    /// The ARNs that the cloud has given, by the names of the file.
    arns: BTreeMap<String, String>,
    /// The region that stands beside the credentials.
    region: RefCell<String>,
    /// Whether keys are left where they are, because nobody answers any more.
    silent: Cell<bool>,
}

impl ForeignAccount {
    /// Makes the keys of a world. `fake` is the account that the run would have in the laboratory's own cloud.
    /// `by_name`: whether the cloud takes requests under the names of the world's endpoints.
    pub(super) fn new(
        kms: Kms,
        by_name: bool,
        world: &World,
        fake: Rc<dyn Account>,
        record: &Record,
    ) -> Result<Self, String> {
        let way = Way {
            address: kms.address.clone(),
            by_name,
            trace: record.trace().clone(),
            known: BTreeMap::new(),
            states: BTreeMap::new(),
            gone: None,
        };
        let region = RefCell::new(kms.region.clone());
        let way = Arc::new(Mutex::new(way));
        let mut account = ForeignAccount { kms, fake, way, arns: BTreeMap::new(), region, silent: Cell::new(false) };
        for name in &world.kms.keys {
            let made = account.kms.make(&format!("kmiplab, for a run: {name}"));
            let arn = made.map_err(|failed| account.failed(&failed))?;
            account.arns.insert(name.clone(), arn.clone());
            let known = account.fake.key(name);
            record.rename(&arn, &known);
            // Some texts name the id alone.
            if let (Some((_, id)), Some((_, of))) = (arn.rsplit_once('/'), known.rsplit_once('/')) {
                record.rename(id, of);
            }
            account.way().known.insert(arn, known);
        }
        Ok(account)
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure as a text. Silence is more: nothing can be said of the product any more.
    fn failed(&self, failed: &Failed) -> String {
        let why = format!("the AWS at {}: {failed}", self.kms.address);
        if matches!(failed, Failed::Silent(_) | Failed::Senseless { .. }) {
            self.silent.set(true);
            self.way().gone = Some(why.clone());
        }
        why
    }
}

impl Account for ForeignAccount {
    fn services(&self) -> Arc<Mutex<dyn Cloud>> {
        self.way.clone()
    }

    fn key(&self, name: &str) -> String {
        self.arns.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn master_key(&self, name: &str) -> Value {
        json!({"provider": "aws", "region": self.kms.region, "key": self.key(name)})
    }

    fn wrap(&self, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, String> {
        self.kms.encrypt(&self.key(key), plaintext).map_err(|failed| self.failed(&failed))
    }

    fn change_key(&self, name: &str, change: KeyChange, _: SystemTime) -> Result<(), String> {
        let key = self.key(name);
        let operation = match change {
            KeyChange::Disable => "DisableKey",
            KeyChange::Enable => "EnableKey",
            KeyChange::Rotate => "RotateKeyOnDemand",
            KeyChange::CancelDeletion => "CancelKeyDeletion",
            KeyChange::ScheduleDeletion => {
                return self.kms.schedule_deletion(&key).map_err(|failed| self.failed(&failed));
            }
            // `unfit` turns these away.
            KeyChange::Deny | KeyChange::Allow | KeyChange::Restrict | KeyChange::Disconnect | KeyChange::Connect => {
                return Err("somebody else's cloud is not asked to do that".to_owned());
            }
        };
        self.kms.change(operation, &key).map_err(|failed| self.failed(&failed))
    }

    fn flags(&self, _: &dyn Machine) -> FlagCredentials {
        FlagCredentials {
            access_key_id: Some(TEST.to_owned()),
            secret_access_key: Some(SecretText::new(TEST.to_owned())),
            region: Some(self.region.borrow().clone()),
            ..FlagCredentials::default()
        }
    }

    fn metadata(&self, content: Metadata) -> Option<Value> {
        match content {
            Metadata::Absent | Metadata::RoleId => self.fake.metadata(content),
            Metadata::Current | Metadata::Outdated | Metadata::WithoutToken => Some(json!({
                "accessKeyId": TEST,
                "secretAccessKey": TEST,
                "roleId": "",
                "region": *self.region.borrow(),
            })),
        }
    }

    /// Nobody's credentials end there: `unfit` turns that away.
    fn expire(&self, _: SystemTime) {}

    /// The new ones are the old ones, and are written down where they belong all the same.
    fn renew(&self, _: &Credentials, _: SystemTime) {}

    fn set_region(&self, region: &str) {
        region.clone_into(&mut self.region.borrow_mut());
    }

    fn trust(&self, _: bool) -> Result<(), String> {
        Err("somebody else's cloud has no role of the laboratory's".to_owned())
    }

    fn set_fault(&self, endpoint: &str, state: &EndpointState) {
        self.way().states.insert(endpoint.to_owned(), state.clone());
    }

    fn gone(&self) -> Option<String> {
        self.way().gone.clone()
    }
}

impl Drop for ForeignAccount {
    fn drop(&mut self) {
        if self.silent.get() || self.way().gone.is_some() {
            return;
        }
        // One that waits for its deletion already stays as it is.
        let gone = |key: &String| matches!(self.kms.schedule_deletion(key), Err(Failed::Silent(_)));
        let _ = self.arns.values().any(gone);
    }
}
