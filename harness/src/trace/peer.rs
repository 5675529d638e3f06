//! Where a run was played, and who stood where mongod stands.
//!
//! A lane is a kind of world. A tier says how strong the evidence is, and is found by asking the program itself, never by
//! what somebody has configured.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Everything in a simulated network, mongod played by a persona.
    Sim,
    /// A real client on loopback, through a gateway into the simulation.
    Bridge,
    /// Real programs on loopback: the proxy, fake clouds on real ports, a persona.
    Process,
    /// As process, with a MongoDB driver and a community mongod in place of the persona.
    Driver,
    /// As process, with a mongod in a container, or a mongod of this machine.
    Container,
}

impl Lane {
    /// Every lane, in the order of documents.
    pub const ALL: [Lane; 5] = [Lane::Sim, Lane::Bridge, Lane::Process, Lane::Driver, Lane::Container];

    /// The spelling on the command line and in `report.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Sim => "sim",
            Lane::Bridge => "bridge",
            Lane::Process => "process",
            Lane::Driver => "driver",
            Lane::Container => "container",
        }
    }

    /// How much longer than the files say a start may take here, because it is another program that is started: the times
    /// of a file are those of a persona, which has no engine to make a container and no journal to read.
    pub fn allowance(self) -> Duration {
        if self == Lane::Container { Duration::from_secs(30) } else { Duration::ZERO }
    }

    /// What stands where, in one line for help texts.
    pub fn meaning(self) -> &'static str {
        match self {
            Lane::Sim => "Simulated network, mocked clouds, played mongod",
            Lane::Bridge => "A real client through a gateway into the simulation",
            Lane::Process => "Real programs on loopback, played mongod",
            Lane::Driver => "Real programs on loopback, a MongoDB driver with a community mongod",
            Lane::Container => "A mongod in a container, or the one named by --mongod",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How strong the evidence of a cell is: who stood on the other side of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Our client on a simulated network.
    Simulated,
    /// Our client on real sockets.
    Persona,
    /// A MongoDB driver with libmongocrypt and a community mongod.
    RealDriver,
    /// Percona Server for MongoDB with encryption switched on.
    RealPsmdb,
    /// MongoDB Enterprise with encryption switched on.
    RealEnterprise,
}

impl Tier {
    /// Every tier, from the weakest evidence to the strongest.
    pub const ALL: [Tier; 5] =
        [Tier::Simulated, Tier::Persona, Tier::RealDriver, Tier::RealPsmdb, Tier::RealEnterprise];

    /// The spelling in `report.json` and in the forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Simulated => "simulated",
            Tier::Persona => "persona",
            Tier::RealDriver => "real-driver",
            Tier::RealPsmdb => "real-psmdb",
            Tier::RealEnterprise => "real-enterprise",
        }
    }

    /// Whether the other side was a real `mongod --enableEncryption`.
    pub fn is_real_mongod(self) -> bool {
        matches!(self, Tier::RealPsmdb | Tier::RealEnterprise)
    }
}

/// Who stood where mongod stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// A persona, or a program with its version.
    pub name: String,
    /// How strong the evidence is.
    pub tier: Tier,
    /// What the tier rests on: what the program answered when it was asked, one fact a line.
    pub proof: Vec<String>,
}
