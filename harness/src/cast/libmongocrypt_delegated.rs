//! A MongoDB driver with libmongocrypt whose master key never leaves the server.
//!
//! The application has the server make a key, activates it, and has it encrypt its data key; the vault keeps the
//! initialisation vector and the ciphertext. Whenever it needs the data key again, it has the server decrypt it. Under a
//! key that it was given, it encrypts without activating it.
//!
//! What the trace calls made and used under an identifier is the data key, 96 bytes: the master key nobody sees.
//!
//! Invariant: the data key leaves the application in requests to encrypt it, and nowhere else.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::Secret;

use super::libmongocrypt::{Application, Manner, Trouble, messages, play};
use super::{Database, Exit, Held, Persona, Settings, Stage};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "libmongocrypt-delegated",
    description: "MongoDB driver with libmongocrypt, KMIP 1.2 and 1.0, data keys encrypted and decrypted by the server",
    evidence: "bytes captured from libmongocrypt 1.21.0 under pymongocrypt; behaviour from the public sources of \
               libmongocrypt and PyMongo; the driver's limit of 20 s is connectTimeoutMS here, and how often the \
               application needs its key is keyStatePollingSeconds",
    held: Held::WrappingKey,
    play: begin,
};

fn begin(stage: Stage, settings: Settings, dbpath: PathBuf) -> BoxFuture<'static, Exit> {
    Box::pin(play(Delegated, stage, settings, dbpath))
}

struct Delegated;

impl Manner for Delegated {
    async fn make(
        &self,
        application: &Application,
        identifier: Option<&str>,
        opened: Option<Secret>,
    ) -> Result<Database, Trouble> {
        // Wrapping anew changes the master key; the data key stays, or nobody could read the data any more.
        let data_key = match opened {
            Some(data_key) => data_key,
            None => application.draw("new data key")?,
        };
        let identifier = match identifier {
            Some(identifier) => identifier.to_owned(),
            None => create(application).await?,
        };
        let answer = application.ask(&messages::encrypt(&identifier, data_key.expose())).await?;
        let vault = application.keep(&identifier, &data_key, Some(&messages::encrypted(&answer)?))?;
        application.made(&identifier, &data_key);
        Ok(vault)
    }

    async fn open(&self, application: &Application, vault: &Database) -> Result<Secret, Trouble> {
        let Some(wrapped) = vault.wrapped() else {
            return Err(Trouble::new("the key vault holds no data key that the server has encrypted"));
        };
        messages::decrypted(&application.ask(&messages::decrypt(&vault.key_identifier, &wrapped)).await?)
    }
}

/// Has the server make a key, and activates it. If that fails, the key stays behind, and nobody knows it.
async fn create(application: &Application) -> Result<String, Trouble> {
    let identifier = messages::identifier(&application.ask(&messages::create()).await?)?;
    messages::identifier(&application.ask(&messages::activate(&identifier)).await?)?;
    Ok(identifier)
}
