//! Who is asked to stand where mongod stands: the images of the matrix, what `--mongod` names, and what we make ourselves.
//!
//! Nothing here is pulled. An image that is not there is a peer all the same: its cells are not run, and say so.
//!
//! Invariant: what a program is comes from its own `--version`; its name decides nothing.

use std::path::{Path, PathBuf};

use super::home_made::REPOSITORY;

/// The matrix: what is asked for where `--mongod` names nothing.
pub const MATRIX: &[Asked] = &[
    Asked { image: "mongodb/mongodb-enterprise-server:8.0-ubuntu2204", why: "the current major version" },
    Asked { image: "mongodb/mongodb-enterprise-server:7.0-ubuntu2204", why: "since it `useLegacyProtocol` exists" },
    Asked {
        image: "mongodb/mongodb-enterprise-server:6.0-ubuntu2204",
        why: "the oldest that activates keys by default",
    },
    Asked { image: "percona/percona-server-mongodb:8.0.29-13", why: "strict: a key that is not active is refused" },
    Asked { image: "percona/percona-server-mongodb:7.0.40-22", why: "soft: a pre-active key is tolerated" },
    Asked { image: "percona/percona-server-mongodb:6.0.29-23", why: "soft, with the oldest releases still kept" },
];

/// The repositories of the matrix: whatever tag of theirs the engine has takes part.
const REPOSITORIES: [&str; 2] = ["mongodb/mongodb-enterprise-server", "percona/percona-server-mongodb"];

/// A row of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The image.
    pub image: &'static str,
    /// Why it is asked for.
    pub why: &'static str,
}

/// Where a program is to be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An image by its name and tag.
    Image(String),
    /// A program of this machine.
    Program(PathBuf),
}

/// Which kind of mongod a program is, as far as its options are concerned. No evidence: that is [`super::probe`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A persona, which speaks as the one speaks whom it is told to play.
    Persona,
    /// MongoDB Enterprise.
    Enterprise,
    /// Percona Server for MongoDB.
    Percona,
    /// Any other.
    Community,
}

impl Source {
    /// What `--mongod` names: a path, or `image:NAME:TAG`.
    pub fn parse(value: &str) -> Result<Self, String> {
        let Some(image) = value.strip_prefix("image:") else {
            return match value {
                "" => Err("it is empty; name a program, or image:NAME:TAG".to_owned()),
                path => Ok(Source::Program(PathBuf::from(path))),
            };
        };
        // A registry may have a port, so that the tag stands behind the last slash.
        let last = image.rsplit('/').next().unwrap_or(image);
        match last.split_once(':') {
            Some((name, tag)) if !name.is_empty() && !tag.is_empty() && !image.contains(['@', ' ']) => {
                Ok(Source::Image(image.to_owned()))
            }
            _ => Err(format!("write image:NAME:TAG, such as image:{}", MATRIX[0].image)),
        }
    }

    /// Its name in reports.
    pub fn name(&self) -> String {
        match self {
            Source::Image(name) => name.clone(),
            Source::Program(path) => path.display().to_string(),
        }
    }

    /// Whether it is one that we have made ourselves.
    pub fn is_home_made(&self) -> bool {
        matches!(self, Source::Image(name) if name.starts_with(&format!("{REPOSITORY}/")))
    }
}

/// The matrix, and whatever else of its repositories the engine has: the names of images, in order.
pub fn asked_for(there: &[String]) -> Vec<String> {
    let of_the_matrix =
        |name: &&String| REPOSITORIES.iter().any(|one| name.rsplit_once(':').is_some_and(|(n, _)| n == *one));
    let mut asked: Vec<String> = MATRIX.iter().map(|row| row.image.to_owned()).collect();
    asked.extend(
        there.iter().filter(of_the_matrix).filter(|name| MATRIX.iter().all(|row| row.image != **name)).cloned(),
    );
    asked
}

/// The kind, by what a program says of itself for `--version`.
pub fn kind(version: &str) -> Kind {
    let text = version.to_ascii_lowercase();
    if text.contains("persona") {
        Kind::Persona
    } else if text.contains("\"enterprise\"") || text.contains("modules: enterprise") {
        Kind::Enterprise
    } else if text.contains("percona") || text.contains("psmdb") || has_build(&text) {
        Kind::Percona
    } else {
        Kind::Community
    }
}

/// Whether the version is one of Percona's, such as `8.0.4-2`: MongoDB's have a word behind the dash, if they have one.
fn has_build(text: &str) -> bool {
    let version = text.split_once("db version v").map_or("", |(_, rest)| rest);
    let version = version.split_whitespace().next().unwrap_or_default();
    version.split_once('-').is_some_and(|(_, build)| !build.is_empty() && build.chars().all(|c| c.is_ascii_digit()))
}

/// Where `cargo xtask clients` puts the community mongod, from the folder of our own programs.
pub fn community_beside(programs: &Path) -> Option<PathBuf> {
    let target = programs.ancestors().find(|folder| folder.join("real-clients").is_dir())?;
    let path = target.join("real-clients/mongod/fiftyone/db/bin/mongod");
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mongod_names_a_path_or_an_image_with_its_tag() {
        let image = |name: &str| Ok(Source::Image(name.to_owned()));
        assert_eq!(
            Source::parse("image:percona/percona-server-mongodb:8.0.29-13"),
            image("percona/percona-server-mongodb:8.0.29-13")
        );
        assert_eq!(Source::parse("image:localhost:5000/mongod:8"), image("localhost:5000/mongod:8"));
        assert_eq!(Source::parse("/usr/bin/mongod"), Ok(Source::Program("/usr/bin/mongod".into())));
        for wrong in [
            "",
            "image:",
            "image:mongod",
            "image:localhost:5000/mongod",
            "image:mongod:",
            "image::8",
            "image:a@sha256:00",
        ] {
            assert!(Source::parse(wrong).is_err(), "{wrong}");
        }
        let error = "write image:NAME:TAG, such as image:mongodb/mongodb-enterprise-server:8.0-ubuntu2204";
        assert_eq!(Source::parse("image:mongod"), Err(error.to_owned()));
    }

    #[test]
    fn other_tags_that_are_there_take_part() {
        let there = ["mongo:8", "percona/percona-server-mongodb:8.0.29-13", "percona/percona-server-mongodb:8.0.4-2"];
        let asked = asked_for(&there.map(str::to_owned));
        assert_eq!(asked.len(), MATRIX.len() + 1);
        assert_eq!(asked.last().map(String::as_str), Some("percona/percona-server-mongodb:8.0.4-2"));
    }

    #[test]
    fn a_kind_is_what_the_program_says() {
        let enterprise = "db version v8.0.4\nBuild Info: {\n  \"modules\": [\n    \"enterprise\"\n  ],\n}";
        let community = "db version v6.0.5\nBuild Info: {\n    \"modules\": [],\n}";
        assert_eq!(kind(enterprise), Kind::Enterprise);
        assert_eq!(kind("db version v8.0.4-2\nBuild Info: {}"), Kind::Percona);
        assert_eq!(kind(community), Kind::Community);
        assert_eq!(kind("db version v8.1.0-rc2\nBuild Info: {}"), Kind::Community);
        assert_eq!(kind(&format!("mongod-persona {}", crate::persona::VERSION)), Kind::Persona);
        assert_eq!(kind("db version v8.0.4 persona\n \"modules\": [\"enterprise\"]"), Kind::Persona);
        assert_eq!(kind(""), Kind::Community);
    }

    #[test]
    fn home_made_images_are_told_from_others() {
        assert!(Source::Image("kmip-conformance/mongod-persona:psmdb-8".into()).is_home_made());
        assert!(!Source::Image("mongodb/mongodb-enterprise-server:8.0-ubuntu2204".into()).is_home_made());
        assert!(MATRIX.iter().all(|row| Source::parse(&format!("image:{}", row.image)).is_ok() && !row.why.is_empty()));
    }
}
