//! Managed objects, their states and attributes, and the snapshot layout on disk.
//!
//! [`ManagedObject`] is what KMIP knows of a key, [`WrappedKey`] adds the wrapped material, and a [`Layout`] keeps
//! them on disk together with the credentials that open them. [`SnapshotLayout`] is ours.
//!
//! Invariant: this room never talks to a cloud, and it never holds an unwrapped key.

mod credential_source;
mod credentials;
mod document;
mod google_key;
mod identifier;
mod import;
mod key_file;
mod layout;
mod layout_error;
mod master_key;
mod object;
mod object_attributes;
mod provider;
mod region;
mod secret;
mod snapshot;
mod state;
mod vault_key;
mod wrapped_key;

#[cfg(test)]
mod cloud_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod layout_tests;

pub use credential_source::{CredentialOrigin, CredentialSource, FlagCredentials, ResolvedCredentials};
pub use credentials::{
    AwsCredentials, AwsRole, AzureCredentials, AzureEnvironment, Credentials, GcpCredentials, LocalCredentials,
};
pub(crate) use document::shown_field;
pub use identifier::new_identifier;
pub use import::{Import, ImportError, import};
pub use layout::{Admission, Change, Found, KeyFiles, Layout, Listing, Wrapping};
pub use layout_error::{LayoutError, LayoutErrorKind, UpdateError};
pub use master_key::MasterKey;
pub use object::{ManagedObject, MaterialDigest, ObjectName, ObjectType, OtherAttribute, Protection, Revocation};
pub use provider::{Provider, UnknownProvider};
pub(crate) use region::is_multi_region;
pub use region::normalise as normalise_region;
pub use secret::{Secret, SecretText};
pub use snapshot::SnapshotLayout;
pub use state::{Event, Refused, State};
pub use vault_key::VaultKey;
pub use wrapped_key::WrappedKey;
