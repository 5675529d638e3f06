//! The operations over a dbpath in memory and a provider that does what the test says.

mod attributes;
mod batches;
mod ciphers;
mod failures;
mod lifecycle;
mod locate;
mod new_objects;
mod objects;
mod owners;
mod profiles;
mod questions;
mod replays;
mod templates;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;

use super::*;
use crate::env::{Access, BoxFuture, Clock, Crypto, Files};
use crate::keys::{
    CredentialSource, LayoutError, ManagedObject, MasterKey, ObjectName, ObjectType, Secret, SnapshotLayout,
};
use crate::kms::{Call, Description, KmsError, Wrapped};
use crate::operator::Notice;

use wire::{Answered, Ask, Item};

/// When every test takes place.
const NOW: i64 = 1_800_000_000;
/// A key that stands in every dbpath, active, with material of 32 bytes.
const KEY: &str = "0f4b2c6e-5d0a-4e1b-9d3f-2a7c8e9b1d00";
const FOLDER: &str = "/db/cloudProviderCredentials";
const CMK: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
const METADATA: &str = r#"{"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "sesame", "region": "eu-west-1"}"#;

/// Operations with everything around them at hand.
struct Bench {
    disk: Arc<Disk>,
    kms: Arc<Vault>,
    told: Arc<Told>,
    operations: Operations,
}

impl Bench {
    /// A dbpath with one key, its metadata, and a provider that opens it.
    fn new() -> Self {
        let (disk, kms, told) = (Arc::new(Disk::default()), Arc::new(Vault::default()), Arc::new(Told::default()));
        let layout = SnapshotLayout::new(disk.clone(), "/db".into(), Provider::Aws, CredentialSource::default());
        let operations = Operations {
            env: Env { files: disk.clone(), clock: Arc::new(Still), crypto: Arc::new(Counted::default()), ..Env::os() },
            layout: Arc::new(layout),
            kms: kms.clone(),
            provider: Provider::Aws,
            kms_key: None,
            deadline: Duration::from_secs(4),
            operator: told.clone(),
            own_objects: false,
            client: None,
        };
        let bench = Bench { disk, kms, told, operations };
        bench.disk.put(&format!("{KEY}.aws.metadata"), METADATA);
        let mut object = ManagedObject::new(KEY.to_owned(), ObjectType::SymmetricKey, NOW - 60);
        object.algorithm = Some(3);
        object.length_bits = Some(256);
        object.usage_mask = 12;
        object.activation_date = Some(NOW - 30);
        object.names = ObjectName::texts(["master"]);
        bench.store(object, Some(&[7; 32]));
        bench
    }

    /// Stores a key, wrapped as the provider of the test wraps.
    fn store(&self, object: ManagedObject, material: Option<&[u8]>) {
        let key = WrappedKey {
            object,
            master_key: MasterKey::Aws { region: "eu-west-1".to_owned(), key: CMK.to_owned() },
            encryption_context: BTreeMap::new(),
            credentials_of: None,
            wrapped: material.map(wrapped),
        };
        self.operations.layout.store(&key).unwrap();
    }

    async fn ask(&self, ask: Ask) -> Answered {
        Answered::read(&self.operations.answer(&ask.bytes()).await)
    }

    /// The answer to one item in KMIP 1.4.
    async fn one(&self, item: Item) -> wire::Answer {
        let mut answered = self.ask(Ask::of(item)).await;
        assert_eq!((answered.version, answered.items.len()), ((1, 4), 1));
        answered.items.remove(0)
    }

    /// The files of the dbpath, by name.
    fn names(&self) -> Vec<String> {
        let files = self.disk.0.lock().unwrap();
        files.content.keys().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }
}

fn wrapped(material: &[u8]) -> Vec<u8> {
    material.iter().map(|byte| !byte).chain(*b"wrapped").collect()
}

/// Files in memory.
#[derive(Debug, Default)]
struct Disk(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    content: BTreeMap<PathBuf, Vec<u8>>,
    /// What fails from now on.
    broken: Option<Broken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Read,
    List,
    Write,
    Sync,
    Rename,
}

impl Disk {
    fn put(&self, name: &str, content: &str) {
        self.0.lock().unwrap().content.insert(Path::new(FOLDER).join(name), content.as_bytes().to_vec());
    }

    fn take_away(&self, name: &str) {
        self.0.lock().unwrap().content.remove(&Path::new(FOLDER).join(name)).unwrap();
    }

    fn breaks(&self, broken: Broken) {
        self.0.lock().unwrap().broken = Some(broken);
    }

    fn unless<T>(&self, broken: Broken, work: impl FnOnce(&mut Content) -> io::Result<T>) -> io::Result<T> {
        let mut content = self.0.lock().unwrap();
        if content.broken == Some(broken) {
            return Err(io::Error::other("the disk is broken"));
        }
        work(&mut content)
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.unless(Broken::Read, |disk| disk.content.get(path).cloned().ok_or(io::ErrorKind::NotFound.into()))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.unless(Broken::List, |disk| {
            Ok(disk.content.keys().filter(|path| path.parent() == Some(directory)).cloned().collect())
        })
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        self.unless(Broken::Write, |disk| {
            disk.content.insert(path.to_owned(), content.to_vec());
            Ok(())
        })
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        self.unless(Broken::Sync, |_| Ok(()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.unless(Broken::Rename, |disk| {
            let content = disk.content.remove(from).ok_or(io::ErrorKind::NotFound)?;
            disk.content.insert(to.to_owned(), content);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().content.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A provider that notes its calls, and fails as it is told to.
#[derive(Debug, Default)]
struct Vault {
    fails: Mutex<Option<Class>>,
    calls: Mutex<Vec<String>>,
    regions: Mutex<Vec<String>>,
    silent: Mutex<bool>,
}

impl Vault {
    fn fails_with(&self, class: Class) {
        *self.fails.lock().unwrap() = Some(class);
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    async fn asked(&self, verb: &str, call: Call<'_>) -> Result<(), KmsError> {
        self.calls.lock().unwrap().push(format!("{verb} {} by {}", call.key_id, call.cmk));
        self.regions.lock().unwrap().extend(call.region.map(str::to_owned));
        // A provider is far away: others are served meanwhile.
        tokio::task::yield_now().await;
        let silent = *self.silent.lock().unwrap();
        if silent {
            std::future::pending::<()>().await;
        }
        match *self.fails.lock().unwrap() {
            Some(class) => Err(KmsError::new(class, Provider::Aws, call.cmk)),
            None => Ok(()),
        }
    }
}

impl Kms for Vault {
    fn provider(&self) -> Provider {
        Provider::Aws
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Wrapped, KmsError>> {
        Box::pin(async move {
            self.asked("wrap", call).await?;
            // Every provider is taken for one that has versions: only Azure's are kept.
            Ok(Wrapped { ciphertext: wrapped(plaintext.expose()), key_version: Some("9f".to_owned()) })
        })
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move {
            self.asked("unwrap", call).await?;
            let invalid = || KmsError::new(Class::CiphertextInvalid, Provider::Aws, call.cmk);
            let material = ciphertext.strip_suffix(b"wrapped").ok_or_else(invalid)?;
            Ok(Secret::new(material.iter().map(|byte| !byte).collect()))
        })
    }

    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        Box::pin(async move { Err(KmsError::new(Class::CloudInternal, Provider::Aws, call.cmk)) })
    }
}

/// A clock that stands.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs())
    }
}

/// Random bytes that are the number of the draw.
#[derive(Debug, Default)]
struct Counted(Mutex<u8>);

impl Crypto for Counted {
    fn provider(&self) -> Arc<CryptoProvider> {
        Env::os().crypto.provider()
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        Env::os().crypto.new_certificate_key()
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut drawn = self.0.lock().unwrap();
        *drawn += 1;
        buffer.fill(*drawn);
        Ok(())
    }
}

/// What the operator was told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<Notice>>);

impl Told {
    fn classes(&self) -> Vec<Class> {
        self.0.lock().unwrap().iter().filter_map(|notice| notice.class).collect()
    }
}

impl Operator for Told {
    fn tell(&self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}
