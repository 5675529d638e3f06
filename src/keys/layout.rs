//! Where keys and credentials lie on disk, behind one trait.
//!
//! Atlas does not publish where its snapshots keep wrapped keys, so everything that depends on file names and formats
//! is an implementation of [`Layout`], with a label that reports and messages show.
//!
//! Invariant: `Found::NeverExisted` is said only where nothing at all stands under the identifier, for any provider;
//! trouble with a file is an error, never an absence.

use std::fmt::Debug;
use std::path::PathBuf;

use super::{LayoutError, MasterKey, Provider, ResolvedCredentials, UpdateError, WrappedKey};

/// A change to a stored key, which the state machine may refuse, or whoever makes it.
pub type Change<'a> = dyn FnMut(&mut WrappedKey) -> Result<(), UpdateError> + 'a;

/// Whether a new key may be stored after all.
pub type Admission<'a> = dyn FnMut() -> Result<(), UpdateError> + 'a;

/// The keys and credentials of one dbpath, for one provider.
pub trait Layout: Debug + Send + Sync {
    /// The label of the layout, such as `kmip-proxy/1`.
    fn label(&self) -> &'static str;

    /// Makes the place ready at start: the error names the dbpath where that does not exist.
    fn prepare(&self) -> Result<(), LayoutError>;

    /// What there is under an identifier. Any text is welcome: an impossible identifier never existed.
    fn find(&self, id: &str) -> Result<Found, LayoutError>;

    /// All keys of the provider, destroyed ones included, by identifier.
    fn list(&self) -> Result<Listing, LayoutError>;

    /// Writes a key, replacing what stood under its identifier. Once this has returned, the key survives a crash; only
    /// then may its identifier be given out.
    fn store(&self, key: &WrappedKey) -> Result<PathBuf, LayoutError>;

    /// Stores a key if it is admitted. Nobody else writes from then until it stands there, so that of two requests of one
    /// moment only one can take what only one may have.
    fn store_if(&self, key: &WrappedKey, admitted: &mut Admission<'_>) -> Result<PathBuf, UpdateError>;

    /// Reads, changes and writes a key in one step, so that two requests cannot undo each other's change.
    fn update(&self, id: &str, change: &mut Change<'_>) -> Result<WrappedKey, UpdateError>;

    /// The credentials with which to ask the provider about a key.
    fn credentials(&self, id: &str, provider: Provider) -> Result<ResolvedCredentials, LayoutError>;

    /// How to wrap a new key: under the CMK that the flag names, else under that of the newest key.
    fn wrapping_for_new_keys(&self, kms_key: Option<&str>) -> Result<Wrapping, LayoutError>;

    /// The files of a key, whether or not they stand; `None` for an impossible identifier.
    fn files_of(&self, id: &str) -> Option<KeyFiles>;
}

/// What there is under an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A key, perhaps a destroyed one.
    Present(Box<WrappedKey>),
    /// Nothing, for no provider: no file, no link that leads nowhere, no copy under a longer name.
    NeverExisted,
    /// Credentials metadata stand there without the wrapped key.
    MetadataWithoutKey {
        /// The metadata file.
        path: PathBuf,
    },
    /// The key belongs to another provider than the configured one.
    OtherProvider {
        /// The provider that it belongs to.
        provider: Provider,
        /// The file that says so.
        path: PathBuf,
    },
}

/// The keys of a dbpath, and everything that stands beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The keys, by identifier.
    pub keys: Vec<WrappedKey>,
    /// The key files that cannot be read, with the identifiers in their names.
    pub problems: Vec<(String, LayoutError)>,
    /// The identifiers of metadata files without a key file that no key borrows.
    pub without_key: Vec<String>,
    /// The keys of other providers, each with its file, which is also one of the others.
    pub of_others: Vec<(WrappedKey, PathBuf)>,
    /// Whatever else stands there: files of other providers, copies under other names.
    pub others: Vec<PathBuf>,
}

/// How a new key is wrapped.
#[derive(Clone, Debug)]
pub struct Wrapping {
    /// The customer's key.
    pub master_key: MasterKey,
    /// With what to call the provider.
    pub credentials: ResolvedCredentials,
    /// Whose metadata file the new key borrows: goes into [`WrappedKey::credentials_of`].
    pub credentials_of: Option<String>,
}

/// The files of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    /// The credentials metadata.
    pub metadata: PathBuf,
    /// The wrapped key.
    pub key: PathBuf,
}
