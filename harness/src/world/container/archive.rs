//! The file system of an image as a tar archive: folders and files in the format ustar (POSIX.1-1988).
//!
//! Invariant: the same entries give the same bytes. No date, no owner and no umask of this machine gets in.

/// The size of a record; everything is padded to it.
const RECORD: usize = 512;

/// An archive that is being written.
#[derive(Debug, Default)]
pub struct Archive(Vec<u8>);

/// A path that does not fit into an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path `{0}` does not fit into an image")]
pub struct TooLong(String);

impl Archive {
    /// Adds a folder. Paths are absolute; modes are the low nine bits, and the sticky one.
    pub fn folder(&mut self, path: &str, mode: u32, owner: u32) -> Result<(), TooLong> {
        self.entry(&format!("{}/", path.trim_end_matches('/')), b'5', mode, owner, &[])
    }

    /// Adds a file, of root.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<(), TooLong> {
        self.entry(path, b'0', mode, 0, content)
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * RECORD, 0);
        self.0
    }

    fn entry(&mut self, path: &str, kind: u8, mode: u32, owner: u32, content: &[u8]) -> Result<(), TooLong> {
        let name = path.trim_start_matches('/');
        let (prefix, rest) = split(name).ok_or_else(|| TooLong(path.to_owned()))?;
        let mut header = [0; RECORD];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, rest.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, format!("{owner:07o}").as_bytes());
        put(116, b"0000000");
        put(124, format!("{:011o}", content.len()).as_bytes());
        put(136, b"00000000000");
        // The checksum counts its own place as spaces.
        put(148, b"        ");
        put(156, &[kind]);
        put(257, b"ustar\x0000");
        put(345, prefix.as_bytes());
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(content);
        let padded = self.0.len().next_multiple_of(RECORD);
        self.0.resize(padded, 0);
        Ok(())
    }
}

/// A path in the two places that an entry has for it: 155 bytes and 100.
fn split(name: &str) -> Option<(&str, &str)> {
    if name.len() <= 100 {
        return Some(("", name));
    }
    let at = name.match_indices('/').map(|(at, _)| at).find(|at| name.len() - at - 1 <= 100 && at + 1 < name.len())?;
    (at <= 155).then(|| (&name[..at], &name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What `tar` makes of an archive.
    fn listed(archive: Vec<u8>) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("it.tar");
        std::fs::write(&path, archive).expect("it can be written");
        let tar = Command::new("tar").arg("--numeric-owner").arg("-tvf").arg(&path).stdin(Stdio::null()).output();
        let Ok(tar) = tar else { return String::new() };
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        // Without the dates, which `tar` writes in the machine's time zone.
        let lines = String::from_utf8(tar.stdout).expect("text");
        let words = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            [words[0], words[1], words[2], words[5]].join(" ")
        };
        lines.lines().map(|line| words(line) + "\n").collect()
    }

    #[test]
    fn another_tar_reads_it() {
        let long = format!("/{}/{}/libc.so.6", "a".repeat(90), "b".repeat(60));
        let mut archive = Archive::default();
        archive.folder("/tmp", 0o1777, 0).expect("it fits");
        archive.folder("/data/db/", 0o755, 1001).expect("it fits");
        archive.file("/usr/bin/program", 0o755, &[7; 513]).expect("it fits");
        archive.file(&long, 0o644, b"").expect("it fits");
        let listed = listed(archive.finish());
        if listed.is_empty() {
            println!("skipped: there is no `tar` here");
            return;
        }
        let expected = format!(
            "drwxrwxrwt 0/0 0 tmp/\ndrwxr-xr-x 1001/0 0 data/db/\n-rwxr-xr-x 0/0 513 usr/bin/program\n\
             -rw-r--r-- 0/0 0 {}\n",
            &long[1..]
        );
        assert_eq!(listed, expected);
    }

    #[test]
    fn a_name_that_fits_nowhere_is_an_error() {
        let name = format!("/{}", "x".repeat(101));
        assert_eq!(Archive::default().file(&name, 0o644, b""), Err(TooLong(name)));
        let path = format!("/{}/x", "y/".repeat(80) + &"z".repeat(100));
        assert!(Archive::default().file(&path, 0o644, b"").is_err());
    }
}
