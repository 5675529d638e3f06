//! What the targets share: files in memory, and what must be true of any answer.
//!
//! A target is a file below `fuzz_targets/` that gives arbitrary bytes to one reader of the proxy and states what must
//! hold whatever they are. It panics where that does not hold; nothing else is a finding but a crash, a hang, or memory
//! without bound.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip_proxy::env::{Access, Files};
use kmip_proxy::operator::{Notice, Operator};
use kmip_proxy::ttlv::{Item, Reader, TtlvError, Value, Writer};

/// The data directory.
pub const DBPATH: &str = "/db";

/// The folder of credentials and keys in it.
pub const FOLDER: &str = "/db/cloudProviderCredentials";

/// Files in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<PathBuf, Vec<u8>>>);

impl Memory {
    /// Puts a file there.
    pub fn put(&self, path: impl Into<PathBuf>, content: &[u8]) {
        self.files().insert(path.into(), content.to_vec());
    }

    /// Every file.
    pub fn files(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.files().keys().filter(|path| path.parent() == Some(directory)).cloned().collect())
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        self.put(path, content);
        Ok(())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let content = self.files().remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.put(to, &content);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files().remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Hears everything, and forgets it.
#[derive(Debug)]
pub struct Deaf;

impl Operator for Deaf {
    fn tell(&self, notice: &Notice) {
        assert!(!notice.headline.contains('\n'), "a headline of several lines");
    }
}

/// Reads an item to its last leaf and writes it again.
pub fn rewrite(item: &Item<'_>, writer: &mut Writer<'_>) -> Result<(), TtlvError> {
    let tag = item.tag;
    match &item.value {
        Value::Structure(inside) => {
            let mut inside: Reader<'_> = inside.clone();
            let open = writer.open(tag);
            while let Some(item) = inside.next_item()? {
                rewrite(&item, writer)?;
            }
            writer.close(open);
        }
        Value::Integer(value) => writer.integer(tag, *value),
        Value::LongInteger(value) => writer.long_integer(tag, *value),
        Value::BigInteger(value) => writer.big_integer(tag, value),
        Value::Enumeration(value) => writer.enumeration(tag, *value),
        Value::Boolean(value) => writer.boolean(tag, *value),
        Value::TextString(value) => writer.text_string(tag, value),
        Value::ByteString(value) => writer.byte_string(tag, value),
        Value::DateTime(value) => writer.date_time(tag, *value),
        Value::Interval(value) => writer.interval(tag, *value),
    }
    Ok(())
}

/// Any answer is one well-formed item, whose rewriting changes nothing.
pub fn is_an_answer(bytes: &[u8]) {
    let item = Reader::only_item(bytes).expect("an answer is one item");
    assert_eq!(item.tag, kmip_proxy::kmip::tag::RESPONSE_MESSAGE);
    let mut again = Vec::new();
    rewrite(&item, &mut Writer::new(&mut again)).expect("an answer is well formed");
    assert_eq!(again, bytes);
}
