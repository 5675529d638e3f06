//! Asks a running mongod through MongoDB's own driver: who it is, and for the documents that it was given.
//!
//! Invariant: what it answers is handed on as it is; [`super::probe`] decides what follows.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};
use mongodb::{Client, Collection};
use serde_json::Value;

use super::threads::Threads;

/// How long all questions together may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many documents are written.
const DOCUMENTS: i64 = 100;

/// What a mongod says of itself. What it does not answer is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// `buildInfo`.
    pub build_info: Option<Value>,
    /// `getCmdLineOpts`.
    pub options: Option<Value>,
    /// `hello`.
    pub hello: Option<Value>,
    /// `serverStatus`.
    pub server_status: Option<Value>,
}

/// Why documents were not read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// They are not what was written, or not there.
    #[error("{0}")]
    Lost(String),
    /// Nobody has answered: nothing can be said of them.
    #[error("{0}")]
    Unanswered(String),
}

/// Asks the mongod on a port of this machine who it is, or says why nobody can be asked.
pub fn who(threads: &Threads, port: u16) -> Result<Told, String> {
    within(threads, async move {
        let database = client(port)?.database("admin");
        let ask = async |command: &str| {
            let answer = database.run_command(doc! { command: 1 }).await.ok()?;
            serde_json::to_value(&answer).ok()
        };
        let hello = database.run_command(doc! { "hello": 1 }).await.map_err(|error| error.to_string())?;
        Ok(Told {
            hello: serde_json::to_value(&hello).ok(),
            build_info: ask("buildInfo").await,
            options: ask("getCmdLineOpts").await,
            server_status: ask("serverStatus").await,
        })
    })
}

/// Writes documents that a later start must still have. They name the run.
pub fn write(threads: &Threads, port: u16, run: &str) -> Result<(), String> {
    let run = run.to_owned();
    within(threads, async move {
        let documents = (0..DOCUMENTS).map(|number| document(&run, number));
        collection(port)?.insert_many(documents).await.map(drop).map_err(|error| error.to_string())
    })
}

/// Reads the documents back, and says what is wrong with them if something is.
pub fn read(threads: &Threads, port: u16, run: &str) -> Result<(), Unread> {
    let run = run.to_owned();
    let lost = within(threads, async move {
        let collection = collection(port)?;
        for number in 0..DOCUMENTS {
            let found = collection.find_one(doc! { "_id": format!("{run}/{number}") }).await;
            match found.map_err(|error| error.to_string())? {
                Some(found) if found == document(&run, number) => {}
                Some(_) => return Ok(Some(format!("document {number} is not what was written"))),
                None => return Ok(Some(format!("document {number} of {DOCUMENTS} is gone"))),
            }
        }
        Ok(None)
    });
    match lost {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(Unread::Lost(what)),
        Err(why) => Err(Unread::Unanswered(why)),
    }
}

fn document(run: &str, number: i64) -> Document {
    doc! { "_id": format!("{run}/{number}"), "number": number, "text": "written before the restart" }
}

fn collection(port: u16) -> Result<Collection<Document>, String> {
    Ok(client(port)?.database("kmiplab").collection("documents"))
}

fn client(port: u16) -> Result<Client, String> {
    let options = ClientOptions::builder()
        .hosts(vec![ServerAddress::Tcp { host: "127.0.0.1".to_owned(), port: Some(port) }])
        .direct_connection(true)
        .server_selection_timeout(PATIENCE / 3)
        .connect_timeout(PATIENCE / 3)
        .build();
    Client::with_options(options).map_err(|error| error.to_string())
}

fn within<T: Send + 'static>(
    threads: &Threads,
    question: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    threads.ask(PATIENCE, question).map_err(|error| error.to_string())?
}
