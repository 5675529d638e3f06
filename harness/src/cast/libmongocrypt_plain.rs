//! A MongoDB driver with libmongocrypt that holds its master key itself while it needs it.
//!
//! The key is 96 random bytes that the application registers as Secret Data and activates; then, and whenever it needs
//! it again, it gets the key back, and encrypts data keys with it by itself. A key that the application was given is got
//! and neither activated nor asked for its state.
//!
//! Invariant: a data key is never encrypted with bytes that did not come from the server.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::Secret;

use super::libmongocrypt::{Application, KEY_LENGTH, Manner, Trouble, messages, play};
use super::{Database, Exit, Held, Persona, Settings, Stage};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "libmongocrypt-plain",
    description: "MongoDB driver with libmongocrypt, KMIP 1.0, Secret Data made by the application and registered",
    evidence: "bytes captured from libmongocrypt 1.21.0 under pymongocrypt; behaviour from the public sources of \
               libmongocrypt and PyMongo; the driver's limit of 20 s is connectTimeoutMS here, and how often the \
               application needs its key is keyStatePollingSeconds",
    held: Held::SecretData,
    play: begin,
};

fn begin(stage: Stage, settings: Settings, dbpath: PathBuf) -> BoxFuture<'static, Exit> {
    Box::pin(play(Plain, stage, settings, dbpath))
}

struct Plain;

impl Manner for Plain {
    async fn make(
        &self,
        application: &Application,
        identifier: Option<&str>,
        _opened: Option<Secret>,
    ) -> Result<Database, Trouble> {
        let identifier = match identifier {
            Some(identifier) => identifier.to_owned(),
            None => register(application).await?,
        };
        let key = get(application, &identifier).await?;
        if key.expose().len() != KEY_LENGTH {
            // This wording was not seen.
            return Err(Trouble::new(format!("the master key has {} bytes instead of 96", key.expose().len())));
        }
        let vault = application.keep(&identifier, &key, None)?;
        application.used(&identifier, &key);
        Ok(vault)
    }

    async fn open(&self, application: &Application, vault: &Database) -> Result<Secret, Trouble> {
        get(application, &vault.key_identifier).await
    }
}

/// Makes a key, hands it over and activates it. If activating fails, the key stays behind, and nobody knows it.
async fn register(application: &Application) -> Result<String, Trouble> {
    let key = application.draw("new master key")?;
    let identifier = messages::identifier(&application.ask(&messages::register(key.expose())).await?)?;
    // The next Get has to be judged by this, whatever becomes of the vault.
    application.made(&identifier, &key);
    messages::identifier(&application.ask(&messages::activate(&identifier)).await?)?;
    Ok(identifier)
}

async fn get(application: &Application, identifier: &str) -> Result<Secret, Trouble> {
    messages::secret_data(&application.ask(&messages::get(identifier)).await?)
}
