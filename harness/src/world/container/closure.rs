//! What a program needs to run where nothing else is: its interpreter and its libraries.
//!
//! The program itself says whether it has an interpreter (PT_INTERP in its ELF header). If it has none it is static, and
//! needs nothing. Else the interpreter lists the libraries, as it would load them; that is all that `ldd` does, without
//! a shell, and without starting the program.
//!
//! Invariant: a library that is not found is an error, and never an image that does not start.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Why the libraries of a program are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClosureError {
    /// It is no program for Linux, of 64 bits.
    #[error("`{0}` is no ELF program of 64 bits")]
    NoProgram(PathBuf),
    /// Its interpreter does not run, or says that it cannot.
    #[error("the libraries of `{0}` are not known: {1}")]
    Unknown(PathBuf, String),
    /// A library is not on this machine.
    #[error("`{0}` needs {1}, which is not on this machine")]
    Missing(PathBuf, String),
}

/// The files that a program needs beside itself, by the paths under which it looks for them.
pub fn of(program: &Path, bytes: &[u8]) -> Result<Vec<PathBuf>, ClosureError> {
    let Some(interpreter) = interpreter(bytes).ok_or_else(|| ClosureError::NoProgram(program.to_owned()))? else {
        return Ok(Vec::new());
    };
    let unknown = |why: String| ClosureError::Unknown(program.to_owned(), why);
    let told = Command::new(&interpreter).arg("--list").arg(program).env_remove("LD_PRELOAD").output();
    let told = told.map_err(|error| unknown(format!("{}: {error}", interpreter.display())))?;
    if !told.status.success() {
        return Err(unknown(String::from_utf8_lossy(&told.stderr).trim().to_owned()));
    }
    let mut files = libraries(&String::from_utf8_lossy(&told.stdout))
        .map_err(|missing| ClosureError::Missing(program.to_owned(), missing))?;
    files.push(interpreter);
    files.sort();
    files.dedup();
    Ok(files)
}

/// The interpreter that a program names; within, nothing for a static one. Nothing at all for what is no program.
fn interpreter(bytes: &[u8]) -> Option<Option<PathBuf>> {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    // Magic, 64 bits, little endian.
    if bytes.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let table = usize::try_from(number(32, 8)?).ok()?;
    let (size, count) = (usize::try_from(number(54, 2)?).ok()?, usize::try_from(number(56, 2)?).ok()?);
    for entry in 0..count {
        let at = table.checked_add(entry.checked_mul(size)?)?;
        if number(at, 4)? != PT_INTERP {
            continue;
        }
        let offset = usize::try_from(number(at.checked_add(8)?, 8)?).ok()?;
        let length = usize::try_from(number(at.checked_add(32)?, 8)?).ok()?;
        let name = bytes.get(offset..offset.checked_add(length)?)?;
        let name = std::str::from_utf8(name).ok()?.trim_end_matches('\0');
        return Some(Some(PathBuf::from(name)));
    }
    Some(None)
}

/// The paths in what an interpreter lists: `name => path (address)`, or `path (address)`; or the name of one that is
/// missing.
fn libraries(listed: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for line in listed.lines().map(str::trim) {
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        let place = place.split(" (").next().unwrap_or(place).trim();
        if place == "not found" {
            return Err(name.to_owned());
        }
        // The rest is not from a disk, such as linux-vdso.so.1, or says that there is nothing.
        if place.starts_with('/') {
            found.push(PathBuf::from(place));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_as_they_are_listed() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected = ["/lib/x86_64-linux-gnu/libssl.so.3", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(libraries(listed), Ok(expected.to_vec()));
        assert_eq!(libraries("\tstatically linked\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_missing_library_is_named() {
        assert_eq!(libraries("\tlibssl.so.1.1 => not found\n"), Err("libssl.so.1.1".to_owned()));
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01", b"\x7fELF\x01\x01 of 32 bits"] {
            let error = of(Path::new("it"), bytes).expect_err("it is no program");
            assert_eq!(error, ClosureError::NoProgram("it".into()));
        }
        // Truncated where the table should be, or with numbers that overflow.
        let mut header = [0xff; 64];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert!(of(Path::new("it"), &header).is_err());
    }

    #[test]
    fn a_program_without_interpreter_needs_nothing() {
        let mut header = [0; 64];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert_eq!(of(Path::new("it"), &header), Ok(Vec::new()));
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn this_test_needs_libc_and_its_interpreter() {
        let me = std::env::current_exe().expect("this program");
        let files = of(&me, &std::fs::read(&me).expect("it can be read")).expect("it is a program");
        let has = |part: &str| files.iter().any(|file| file.to_string_lossy().contains(part));
        assert!(has("libc.so") && has("/ld-linux"), "{files:?}");
        assert!(files.iter().all(|file| file.is_file()), "{files:?}");
    }
}
