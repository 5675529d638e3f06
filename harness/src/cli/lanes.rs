//! What the command line says of lanes: which ones, and what those with real programs have to work with.
//!
//! Our own programs stand beside this one. Under `cargo run` they are built first, so that nobody tests the proxy of
//! yesterday; elsewhere they are taken as they are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::{exit, interrupt, say};
use crate::scenario::Provider;
use crate::trace::Lane;
use crate::world::container::image::Source;
use crate::world::process::foreign::Address;
use crate::world::{Means, Programs};

/// What `--lane` names: one lane, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// One by its name.
    One(Lane),
    /// Every one.
    All,
}

impl ValueEnum for Lanes {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Lanes; 6] = [
            Lanes::One(Lane::Sim),
            Lanes::One(Lane::Bridge),
            Lanes::One(Lane::Process),
            Lanes::One(Lane::Driver),
            Lanes::One(Lane::Container),
            Lanes::All,
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Lanes::One(lane) => PossibleValue::new(lane.as_str()).help(lane.meaning()),
            Lanes::All => PossibleValue::new("all").help("Every lane that there is"),
        })
    }
}

impl Lanes {
    /// Whether the simulation is among them.
    pub(super) fn plays_sim(self) -> bool {
        matches!(self, Lanes::One(Lane::Sim) | Lanes::All)
    }

    /// The name, if it names one lane.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Lanes::One(lane) => Some(lane.as_str()),
            Lanes::All => None,
        }
    }

    /// The lanes with real programs.
    pub(super) fn real(self) -> Vec<Lane> {
        let asked = |lane: &Lane| *lane != Lane::Sim && (self == Lanes::All || self == Lanes::One(*lane));
        Lane::ALL.into_iter().filter(asked).collect()
    }
}

/// What lanes with real programs are told.
#[derive(Debug, Default, Args)]
pub(super) struct Real {
    /// Who stands where mongod stands in the lanes bridge and container: the path of a mongod, or image:NAME:TAG of an
    /// image that the container engine has; may be given several times
    #[arg(long, value_name = "PATH|image:NAME:TAG", value_parser = mongod)]
    mongod: Vec<String>,
    /// AWS KMS that somebody else runs (LocalStack, a moto server, `kmiplab serve aws`), in place of the laboratory's own, in
    /// the lane process: aws=http://127.0.0.1:4566. Keys are made there for every run
    #[arg(long, value_name = "PROVIDER=URL", value_parser = cloud)]
    cloud: Vec<(Provider, String)>,
}

/// Checks what names a mongod, and leaves it as it is.
fn mongod(text: &str) -> Result<String, String> {
    Source::parse(text).map(|_| text.to_owned())
}

fn cloud(text: &str) -> Result<(Provider, String), String> {
    let (provider, url) = text.split_once('=').ok_or("expected PROVIDER=URL, such as aws=http://127.0.0.1:4566")?;
    let provider: Provider = provider.parse().map_err(|error| format!("{error}"))?;
    match provider {
        Provider::Aws => {}
        Provider::Azure | Provider::Gcp => {
            return Err(format!(
                "only aws can be given by its address: a run makes its keys through the API of AWS KMS, and this version \
                 makes none through that of {provider}"
            ));
        }
        Provider::Local => return Err("the provider local has no cloud: name aws".to_owned()),
    }
    url.parse::<Address>()?;
    Ok((provider, url.to_owned()))
}

impl Real {
    /// What worlds are given. `lanes` are those that are going to be opened; for none, nothing is prepared. `named`:
    /// whether the user has named the scenarios.
    ///
    /// # Errors
    ///
    /// When something was chosen for a lane that is none of them.
    pub(super) fn means(&self, lanes: &[Lane], named: bool) -> Result<Means, u8> {
        if !self.cloud.is_empty() && !lanes.contains(&Lane::Process) {
            say("error: --cloud is for the lane process, which is not among those to play: add --lane process");
            return Err(exit::USAGE);
        }
        Ok(self.given(lanes, named))
    }

    fn given(&self, lanes: &[Lane], named: bool) -> Means {
        if lanes.is_empty() {
            return Means::default();
        }
        Means {
            programs: programs(),
            mongods: self.mongod.clone(),
            clouds: self.cloud.iter().cloned().collect(),
            named,
            interrupted: interrupt::flag("ending what was started"),
            ..Means::default()
        }
    }
}

/// The programs beside this one, built first where this one is run by cargo; none where they do not build.
fn programs() -> Option<Programs> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    if !build(folder) {
        say("error: kmipProxyStandalone and mongod-persona do not build, and those of yesterday are not played with");
        return None;
    }
    Programs::within(folder).ok()
}

/// Builds them as this one was built. Whether they are as the sources are, as far as can be told.
fn build(folder: &Path) -> bool {
    // Under a test runner, which sets the same variables, they were built with the tests.
    if std::env::var_os("NEXTEST").is_some() {
        return true;
    }
    let (Some(cargo), Some(home)) = (std::env::var_os("CARGO"), std::env::var_os("CARGO_MANIFEST_DIR")) else {
        return true;
    };
    let mut command = Command::new(cargo);
    command.current_dir(PathBuf::from(home));
    // What cargo has set for us is not for it: ring's build script watches it, and everything above ring would be
    // compiled anew, now and at the next `cargo run`.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command.args(["build", "--quiet", "--package", "kmip-proxy", "--package", "kmiplab"]);
    command.args(["--bin", "kmipProxyStandalone", "--bin", "mongod-persona"]);
    command.args(as_built(folder));
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What cargo leaves in its target folder.
const MARK: &str = "CACHEDIR.TAG";

/// The flags with which cargo builds into a folder: `target/PROFILE`, or `target/TRIPLE/PROFILE`.
fn as_built(folder: &Path) -> Vec<OsString> {
    let mut flags = Vec::new();
    if let Some(profile) = folder.file_name().filter(|name| *name != "debug") {
        flags.extend([OsString::from("--profile"), profile.to_owned()]);
    }
    // Cargo marks its target folder, so that what stands between that and the profile is named for a machine.
    let above = folder.parent().filter(|above| above.parent().is_some_and(|target| target.join(MARK).exists()));
    if let Some(triple) = above.and_then(Path::file_name) {
        flags.extend([OsString::from("--target"), triple.to_owned()]);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_a_provider_and_a_url() {
        assert_eq!(cloud("aws=http://127.0.0.1:4566"), Ok((Provider::Aws, "http://127.0.0.1:4566".to_owned())));
        let table = [
            ("aws", "expected PROVIDER=URL"),
            ("local=http://127.0.0.1:1", "the provider local has no cloud"),
            ("oracle=http://127.0.0.1:1", "unknown provider `oracle`"),
            ("azure=http://127.0.0.1:4567", "only aws can be given by its address"),
            ("gcp=http://127.0.0.1:4568", "only aws can be given by its address"),
            ("aws=127.0.0.1:4566", "`127.0.0.1:4566` is no URL"),
            (
                "aws=https://127.0.0.1:4566",
                "`https://127.0.0.1:4566` is https, and this version speaks plain HTTP alone",
            ),
        ];
        for (wrong, begins) in table {
            let told = cloud(wrong).unwrap_err();
            assert!(told.starts_with(begins), "{wrong}: {told}");
        }
    }

    #[test]
    fn the_programs_are_built_into_the_folder_of_this_one() {
        let target = tempfile::tempdir().expect("a folder");
        std::fs::write(target.path().join("CACHEDIR.TAG"), "").expect("the mark");
        assert!(as_built(&target.path().join("debug")).is_empty());
        assert_eq!(as_built(&target.path().join("release")), ["--profile", "release"]);
        let foreign = target.path().join("aarch64-apple-darwin/debug");
        assert_eq!(as_built(&foreign), ["--target", "aarch64-apple-darwin"]);
        let unmarked = tempfile::tempdir().expect("a folder");
        assert!(as_built(&unmarked.path().join("target/debug")).is_empty(), "a folder that was there before cargo");
    }

    #[test]
    fn all_lanes_are_the_simulation_and_every_other() {
        assert!(Lanes::All.plays_sim());
        assert_eq!(Lanes::All.real().len() + 1, Lane::ALL.len());
        assert_eq!(Lanes::One(Lane::Process).real(), [Lane::Process]);
        assert_eq!(Lanes::One(Lane::Sim).real(), []);
        assert_eq!(Lanes::value_variants().len(), Lane::ALL.len() + 1);
    }
}
