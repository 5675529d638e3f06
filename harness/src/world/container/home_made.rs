//! Images that the laboratory makes itself, without a registry: of a program, and what it needs to run.
//!
//! Two are made: the persona, from `mongod-persona` beside this program, and the negative control, a community mongod
//! where `cargo xtask clients` has set one up. Either may be static or not: what it needs is listed by its own
//! interpreter ([`super::closure`]). The engine imports the files as one layer; no builder takes part.
//!
//! Invariant: no such image bears the name of somebody else's, and each carries the SHA-256 of the program in it, so that
//! a program that has changed makes a new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::archive::{Archive, TooLong};
use super::closure::{self, ClosureError};
use super::engine::{Engine, EngineError};

/// Under what all of them are named.
pub const REPOSITORY: &str = "kmip-conformance";

/// The label with the digest of the program.
const PROGRAM: &str = "kmiplab.program";

/// An image to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeMade {
    /// Its name, `kmip-conformance/…:…`.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Labels beside our own.
    pub labels: Vec<(&'static str, &'static str)>,
}

/// Why it could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The program, or a library of it, cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Read(PathBuf, std::io::Error),
    /// What it needs is not known, or not here.
    #[error(transparent)]
    Closure(#[from] ClosureError),
    /// A path is too long for an archive.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The engine does not take it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl HomeMade {
    /// The personas as an image: which one is played is an option of each start.
    pub fn persona(program: &Path) -> Self {
        HomeMade {
            name: format!("{REPOSITORY}/mongod-persona:{}", crate::persona::VERSION),
            program: program.to_owned(),
            labels: vec![("persona", "true"), ("not-mongod", "true")],
        }
    }

    /// The negative control: a real mongod that cannot encrypt its files.
    pub fn control(program: &Path) -> Self {
        HomeMade {
            name: format!("{REPOSITORY}/control-community-mongod:6.0.5"),
            program: program.to_owned(),
            labels: vec![("control", "true")],
        }
    }

    /// Makes it, unless the engine has it already with this very program.
    pub fn make(&self, engine: &Engine) -> Result<(), MakeError> {
        let bytes = read(&self.program)?;
        let digest = sha256(&bytes);
        let old = engine.image(&self.name)?;
        if old.as_ref().is_some_and(|image| image.labels.get(PROGRAM) == Some(&digest)) {
            return Ok(());
        }
        engine.import(&self.name, self.files(&bytes)?, self.changes(&digest))?;
        if let Some(old) = old {
            // Somebody else's run may still hold it; then it stays, without a name.
            let _ = engine.remove_image(&old.id);
        }
        Ok(())
    }

    /// The files, as an archive.
    fn files(&self, program: &[u8]) -> Result<Vec<u8>, MakeError> {
        let libraries = closure::of(&self.program, program)?;
        let mut archive = Archive::default();
        let mut folders: BTreeSet<String> =
            ["/dev", "/etc", "/proc", "/sys", "/usr/bin", "/data"].into_iter().map(str::to_owned).collect();
        let above = libraries.iter().flat_map(|library| library.ancestors().skip(1));
        folders.extend(above.filter(|path| path.parent().is_some()).map(|path| path.display().to_string()));
        for folder in &folders {
            archive.folder(folder, 0o755, 0)?;
        }
        archive.folder("/tmp", 0o1777, 0)?;
        archive.folder("/data/db", 0o755, USER)?;
        archive.file("/etc/passwd", 0o644, b"root:x:0:0::/:/\nmongodb:x:1001:0::/data/db:/\n")?;
        archive.file("/etc/group", 0o644, b"root:x:0:\n")?;
        archive.file("/etc/nsswitch.conf", 0o644, b"hosts: files dns\n")?;
        for library in libraries {
            archive.file(&library.display().to_string(), 0o755, &read(&library)?)?;
        }
        archive.file(&self.inside(), 0o755, program)?;
        Ok(archive.finish())
    }

    /// How it is started, as instructions of a Dockerfile.
    fn changes(&self, digest: &str) -> Vec<String> {
        let mut changes = vec![format!("ENTRYPOINT [\"{}\"]", self.inside()), format!("USER {USER}:0")];
        changes.push(format!("LABEL \"{PROGRAM}\"=\"{digest}\""));
        changes.extend(self.labels.iter().map(|(name, value)| format!("LABEL \"{name}\"=\"{value}\"")));
        changes
    }

    fn inside(&self) -> String {
        let name = self.program.file_name().unwrap_or_default();
        format!("/usr/bin/{}", name.to_string_lossy())
    }
}

/// As whom the program runs: as Percona's image does.
const USER: u32 = 1001;

/// `sha256:…` of some bytes.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", crate::trace::hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref()))
}

fn read(path: &Path) -> Result<Vec<u8>, MakeError> {
    fs::read(path).map_err(|error| MakeError::Read(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persona_is_labelled_as_one_and_named_as_nobody_else() {
        let it = HomeMade::persona(Path::new("/x/mongod-persona"));
        assert_eq!(it.name, "kmip-conformance/mongod-persona:0.0.0-persona");
        let expected = [
            r#"ENTRYPOINT ["/usr/bin/mongod-persona"]"#,
            "USER 1001:0",
            r#"LABEL "kmiplab.program"="sha256:00""#,
            r#"LABEL "persona"="true""#,
            r#"LABEL "not-mongod"="true""#,
        ];
        assert_eq!(it.changes("sha256:00"), expected);
    }

    #[test]
    fn the_control_bears_no_mark_of_a_persona() {
        let it = HomeMade::control(Path::new("/x/mongod"));
        assert_eq!(it.name, "kmip-conformance/control-community-mongod:6.0.5");
        assert!(it.changes("sha256:00").iter().all(|change| !change.contains("persona")));
    }

    #[test]
    fn an_image_holds_the_program_and_all_that_it_needs() {
        let me = std::env::current_exe().expect("this program");
        let it = HomeMade::control(&me);
        let program = fs::read(&me).expect("it can be read");
        let archive = it.files(&program).expect("it can be made");
        let has =
            |name: &str| archive.chunks(512).any(|record| record.starts_with(name.trim_start_matches('/').as_bytes()));
        assert!(has(&it.inside()) && has("etc/passwd"));
        for library in closure::of(&me, &program).expect("it is a program") {
            assert!(has(&library.display().to_string()), "{} is missing", library.display());
        }
    }
}
