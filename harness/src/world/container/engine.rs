//! The container engine: whether there is one, what images it has, and what of ours it still holds.
//!
//! It is asked in this order: does it answer, are its containers on this machine's network, is the image there. Nothing
//! is pulled, ever: whoever wants an image in the lane pulls it first, and knows what was pulled.
//!
//! Invariant: a question has an answer within [`PATIENCE`], be it that there is none.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use testcontainers::bollard::errors::Error as BollardError;
use testcontainers::bollard::query_parameters::{
    CreateImageOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, WaitContainerOptionsBuilder,
};
use testcontainers::bollard::{API_DEFAULT_VERSION, Docker, body_full};
use testcontainers::core::client::{ClientError, docker_client_instance};

use super::owner;
use super::threads::Threads;

/// How long the engine may take for an answer. Importing an image is given [`IMPORT`].
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long the engine may take to import an image.
pub const IMPORT: Duration = Duration::from_secs(120);

/// The label of every container of ours; its value says whose it is.
pub const OWNER: &str = "kmiplab.owner";

/// An engine that has answered.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    threads: Threads,
    /// Its name and version.
    pub name: String,
}

/// What an engine knows of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The name under which it was asked for.
    pub name: String,
    /// `sha256:…` of its configuration, which names its layers. It is started by this, which cannot be pulled.
    pub id: String,
    /// The digests under which registries have it. None of those that were made here.
    pub digests: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// As whom its program runs; empty for root.
    pub user: String,
    /// What it starts.
    pub entrypoint: Vec<String>,
}

/// Why an engine does not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers.
    #[error("no engine: {0}; start one, or set DOCKER_HOST")]
    None(String),
    /// It answers, and its containers have another network than this machine.
    #[error("no engine that shares this machine's network: {0}")]
    Elsewhere(String),
    /// It does not answer any more, or not in time.
    #[error("the engine does not {what}: {why}")]
    Lost {
        /// What it was asked for.
        what: String,
        /// What came instead.
        why: String,
    },
    /// It says no.
    #[error("the engine refuses to {what}: {why}")]
    Refused {
        /// What it was asked for.
        what: String,
        /// Its words.
        why: String,
    },
}

impl Engine {
    /// The engine of this machine: that of `DOCKER_HOST`, or the one at the usual place.
    pub fn reach(threads: &Threads) -> Result<Self, EngineError> {
        let docker = threads.ask(PATIENCE, docker_client_instance());
        let docker = docker.map_err(|error| EngineError::None(error.to_string()))?;
        let docker = docker.map_err(|error| match error {
            // Its own text says no more than that it is about an engine.
            ClientError::Init(error) => EngineError::None(chain(&error)),
            error => EngineError::None(chain(&error)),
        });
        Self::greet(docker?, threads)
    }

    /// The engine behind a socket.
    pub fn at(socket: &str, threads: &Threads) -> Result<Self, EngineError> {
        let docker = Docker::connect_with_unix(socket, PATIENCE.as_secs(), API_DEFAULT_VERSION);
        Self::greet(docker.map_err(|error| EngineError::None(chain(&error)))?, threads)
    }

    /// Whether it answers, and is one whose containers can reach a proxy on this machine's loopback.
    fn greet(docker: Docker, threads: &Threads) -> Result<Self, EngineError> {
        let mut engine = Engine { docker, threads: threads.clone(), name: String::new() };
        let asked = engine.docker.clone();
        let info = engine.ask("answer", async move { asked.info().await });
        let info = info.map_err(|error| EngineError::None(error.why().to_owned()))?;
        let system = info.operating_system.unwrap_or_default();
        let options = info.security_options.unwrap_or_default();
        if let Some(why) = elsewhere(&system, info.os_type.as_deref().unwrap_or("linux"), &options) {
            return Err(EngineError::Elsewhere(why));
        }
        let version = info.server_version.unwrap_or_else(|| "of unknown version".to_owned());
        engine.name = format!("Docker {version} on {system}");
        Ok(engine)
    }

    /// An image that is there, or nothing.
    pub fn image(&self, name: &str) -> Result<Option<Image>, EngineError> {
        let (docker, wanted) = (self.docker.clone(), name.to_owned());
        let told = self.ask(&format!("tell of the image {name}"), async move {
            match docker.inspect_image(&wanted).await {
                Err(BollardError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
                other => other.map(Some),
            }
        })?;
        let Some(image) = told else { return Ok(None) };
        let config = image.config.unwrap_or_default();
        Ok(Some(Image {
            name: name.to_owned(),
            id: image.id.unwrap_or_default(),
            digests: image.repo_digests.unwrap_or_default(),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            user: config.user.unwrap_or_default(),
            entrypoint: config.entrypoint.unwrap_or_default(),
        }))
    }

    /// The names of all images that it has, in order.
    pub fn images(&self) -> Result<Vec<String>, EngineError> {
        let docker = self.docker.clone();
        let options = ListImagesOptionsBuilder::new().build();
        let listed = self.ask("list its images", async move { docker.list_images(Some(options)).await })?;
        let mut names: Vec<_> = listed.into_iter().flat_map(|image| image.repo_tags).collect();
        names.retain(|name| !name.starts_with("<none>"));
        names.sort();
        Ok(names)
    }

    /// Makes an image of a file system in a tar archive. `changes` are instructions as in a Dockerfile.
    pub fn import(&self, name: &str, archive: Vec<u8>, changes: Vec<String>) -> Result<(), EngineError> {
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(repository).tag(tag).changes(changes).build();
        let docker = self.docker.clone();
        self.ask_for(&format!("import the image {name}"), IMPORT, async move {
            let mut told = docker.create_image(Some(options), Some(body_full(archive.into())), None);
            while let Some(step) = told.next().await {
                step?;
            }
            Ok(())
        })
    }

    /// The containers of ours that it holds, running or not: id and owner.
    pub fn ours(&self) -> Result<Vec<(String, String)>, EngineError> {
        let filters = [("label".to_owned(), vec![OWNER.to_owned()])].into_iter().collect();
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let docker = self.docker.clone();
        let listed = self.ask("list its containers", async move { docker.list_containers(Some(options)).await })?;
        let owned = |container: testcontainers::bollard::models::ContainerSummary| {
            Some((container.id?, container.labels?.remove(OWNER)?))
        };
        Ok(listed.into_iter().filter_map(owned).collect())
    }

    /// Removes containers whose owner was of this machine and does not run any more; how many there were.
    pub fn sweep(&self) -> Result<usize, EngineError> {
        let left: Vec<_> = self.ours()?.into_iter().filter(|(_, owner)| owner::is_gone(owner)).collect();
        left.iter().try_for_each(|(id, _)| self.remove(id))?;
        Ok(left.len())
    }

    /// Removes a container, running or not, with the volumes that it made. One that is not there is removed.
    pub fn remove(&self, id: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let (docker, wanted) = (self.docker.clone(), id.to_owned());
        self.ask(&format!("remove the container {id}"), async move {
            match docker.remove_container(&wanted, Some(options)).await {
                // Gone, or on its way out at somebody else's request.
                Err(BollardError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
                other => other,
            }
        })
    }

    /// Sends a signal to a container's program. One that has ended needs none.
    pub fn signal(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let (docker, wanted) = (self.docker.clone(), id.to_owned());
        self.ask(&format!("send {signal} to the container {id}"), async move {
            match docker.kill_container(&wanted, Some(options)).await {
                Err(BollardError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
                other => other,
            }
        })
    }

    /// How a container's program has ended. Waits for it: the log is over a moment before the program is.
    pub fn exit_code(&self, id: &str) -> Result<i64, EngineError> {
        let (docker, wanted) = (self.docker.clone(), id.to_owned());
        self.ask(&format!("tell how the container {id} ended"), async move {
            let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
            match docker.wait_container(&wanted, Some(options)).next().await {
                Some(Ok(ended)) => Ok(ended.status_code),
                Some(Err(BollardError::DockerContainerWaitError { code, .. })) => Ok(code),
                Some(Err(error)) => Err(error),
                None => Err(BollardError::RequestTimeoutError),
            }
        })
    }

    /// Removes an image, unless a container needs it. One that is not there is removed.
    pub fn remove_image(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveImageOptionsBuilder::new().build();
        let (docker, wanted) = (self.docker.clone(), name.to_owned());
        self.ask(&format!("remove the image {name}"), async move {
            match docker.remove_image(&wanted, Some(options), None).await {
                Err(BollardError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
                other => other.map(drop),
            }
        })
    }

    /// Its threads, on which whatever else is asked of containers may be asked, too.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    fn ask<T: Send + 'static>(
        &self,
        what: &str,
        question: impl Future<Output = Result<T, BollardError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.ask_for(what, PATIENCE, question)
    }

    fn ask_for<T: Send + 'static>(
        &self,
        what: &str,
        patience: Duration,
        question: impl Future<Output = Result<T, BollardError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let lost = |why: String| EngineError::Lost { what: what.to_owned(), why };
        match self.threads.ask(patience, question) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(
                BollardError::DockerResponseServerError { message, .. }
                | BollardError::DockerStreamError { error: message },
            )) => Err(EngineError::Refused { what: what.to_owned(), why: message.trim().to_owned() }),
            Ok(Err(error)) => Err(lost(chain(&error))),
            Err(unanswered) => Err(lost(unanswered.to_string())),
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.name)
    }
}

impl EngineError {
    /// What came instead of an answer.
    pub fn why(&self) -> &str {
        match self {
            EngineError::None(why) | EngineError::Elsewhere(why) => why,
            EngineError::Lost { why, .. } | EngineError::Refused { why, .. } => why,
        }
    }
}

/// Why containers of an engine cannot reach a proxy on this machine's loopback, where that can be known.
fn elsewhere(system: &str, os: &str, security: &[String]) -> Option<String> {
    if os != "linux" {
        return Some(format!("its containers are those of {os}"));
    }
    if system.contains("Docker Desktop") {
        return Some(format!("{system} runs containers in a machine of its own"));
    }
    if security.iter().any(|option| option.contains("rootless")) {
        return Some("it is rootless, and its host network is not this machine's".to_owned());
    }
    None
}

/// An error with all its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_not_there_is_no_engine() {
        let error = Engine::at("/nowhere/docker.sock", &Threads::new().expect("threads")).expect_err("nobody is there");
        assert_eq!(
            error.to_string(),
            "no engine: Socket not found: /nowhere/docker.sock; start one, or set DOCKER_HOST"
        );
    }

    #[test]
    fn a_socket_that_nobody_listens_to_is_no_engine() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("docker.sock");
        drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
        let error =
            Engine::at(socket.to_str().expect("UTF-8"), &Threads::new().expect("threads")).expect_err("nobody listens");
        assert!(matches!(&error, EngineError::None(why) if why.contains("Connection refused")), "{error}");
    }

    #[test]
    fn a_socket_that_hangs_up_is_no_engine() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("docker.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let server = std::thread::spawn(move || drop(listener.accept()));
        let error =
            Engine::at(socket.to_str().expect("UTF-8"), &Threads::new().expect("threads")).expect_err("it hangs up");
        assert!(matches!(&error, EngineError::None(_)), "{error}");
        server.join().expect("it has hung up");
    }

    #[test]
    fn engines_with_another_network_are_told_apart() {
        let rootless = ["name=seccomp,profile=default".to_owned(), "name=rootless".to_owned()];
        assert_eq!(elsewhere("Debian GNU/Linux 12 (bookworm)", "linux", &rootless[..1]), None);
        assert!(elsewhere("Debian GNU/Linux 12 (bookworm)", "linux", &rootless).is_some());
        assert!(elsewhere("Docker Desktop", "linux", &[]).is_some());
        assert!(elsewhere("Windows Server", "windows", &[]).is_some());
    }

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("inner\n  words"))), "outer: inner words");
    }
}
