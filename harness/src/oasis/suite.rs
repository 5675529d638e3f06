//! Many cases: which files there are, and one after another played.
//!
//! Cases share a server that somebody else started, and are played in order. Where the proxy is started for each case,
//! they are played side by side.
//!
//! Invariant: the results are in the order of the files, and there are as many.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmip_proxy::env::Env;

use super::play::{Played, play};
use super::read::{self, Conversation};
use super::target::Target;
use super::verdict::Verdict;
use super::xml::Mistake;

/// A file, read.
#[derive(Clone, Debug)]
pub struct Case {
    /// The path below the folder, without `.xml`.
    pub name: String,
    /// The conversation, or why there is none.
    pub conversation: Result<Conversation, Mistake>,
}

/// How to play.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether what the server does not claim is left out.
    pub believe_claims: bool,
}

impl Case {
    /// The protocol version, where the file could be read: that of the first request.
    pub fn version(&self) -> String {
        match &self.conversation {
            Ok(conversation) => format!("{}.{}", conversation.version.0, conversation.version.1),
            Err(_) => "?".to_owned(),
        }
    }

    /// The file's name with hyphens for underscores, as the standard spells it.
    fn standard(&self) -> String {
        self.name.rsplit('/').next().unwrap_or_default().replace('_', "-")
    }

    /// The profile: what stands before the first number, or before `M` or `O`, for mandatory and optional.
    pub fn profile(&self) -> String {
        let name = self.standard();
        let begins = |part: &&str| {
            let digits = part.starts_with(|letter: char| letter.is_ascii_digit());
            // Suite B has the strength in its name.
            !(matches!(*part, "M" | "O") || digits && !matches!(*part, "128" | "192"))
        };
        let parts: Vec<&str> = name.split('-').take_while(begins).collect();
        match parts.first() {
            Some(&"TC") | None => "TC".to_owned(),
            Some(_) => parts.join("-"),
        }
    }

    /// Whether it is a use case rather than a profile's case.
    fn is_use_case(&self) -> bool {
        self.profile() == "TC"
    }

    /// The names that globs are matched against.
    pub fn names(&self) -> Vec<String> {
        vec![format!("{}/{}", self.version(), self.standard()), self.name.clone()]
    }
}

/// Reads every XML file at a path: that file, or all below that folder, in the order of their names.
pub fn find(env: &Env, path: &Path) -> io::Result<Vec<Case>> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(env, path, &mut files)?
    } else {
        files.push(path.to_owned())
    }
    files.sort();
    let base = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let case = |file: PathBuf| {
        let name = file.strip_prefix(base).unwrap_or(&file).with_extension("");
        let conversation = read::read(&env.files.read(&file)?);
        Ok(Case { name: name.to_string_lossy().replace('\\', "/"), conversation })
    };
    files.into_iter().map(case).collect()
}

fn collect(env: &Env, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in env.files.list(folder)? {
        if path.is_dir() {
            collect(env, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml")) {
            files.push(path);
        }
    }
    Ok(())
}

/// Plays cases. `told` is called with each as it ends.
pub fn run(env: &Env, cases: &[Case], target: &Target, options: Options, told: &(dyn Fn(&Case) + Sync)) -> Vec<Played> {
    let workers = if target.is_shared() { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Played>>> = cases.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((case, result)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(index).zip(results.get(index))
                } {
                    let played = one(env, case, target, options);
                    told(case);
                    if let Ok(mut result) = result.lock() {
                        *result = Some(played);
                    }
                }
            });
        }
    });
    let lost = || Played::without(Verdict::Error, "it was not played");
    results.into_iter().map(|result| result.into_inner().ok().flatten().unwrap_or_else(lost)).collect()
}

fn one(env: &Env, case: &Case, target: &Target, options: Options) -> Played {
    let conversation = match &case.conversation {
        Ok(conversation) => conversation,
        Err(mistake) => return Played::without(Verdict::NotReadable, mistake.to_string()),
    };
    let running = match target.start(env) {
        Ok(running) => running,
        Err(error) => return Played::without(Verdict::Error, error),
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let claims = options.believe_claims;
            runtime.block_on(play(env, conversation, &running.address, claims, case.is_use_case()))
        }
        Err(error) => Played::without(Verdict::Error, format!("no runtime: {error}")),
    }
}
