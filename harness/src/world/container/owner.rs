//! Whose a container is: the machine, the process, and when that process began.
//!
//! A process that is killed cannot clean up. The next start of the laboratory looks whether the owners of what it finds
//! still run, and clears away what nobody owns any more.
//!
//! Invariant: where it cannot be known, an owner runs.

use std::fs;
use std::process;

/// This process, as the value of a label: `machine/process/beginning`.
pub fn me() -> String {
    let me = process::id();
    format!("{}/{me}/{}", machine(), beginning(me).unwrap_or_default())
}

/// Whether an owner was a process of this machine that does not run any more.
pub fn is_gone(owner: &str) -> bool {
    let parts: Vec<_> = owner.split('/').collect();
    let [on, process, began] = parts[..] else { return false };
    let Ok(process) = process.parse() else { return false };
    if on != machine() || began.is_empty() || beginning(process::id()).is_none() {
        return false;
    }
    beginning(process).as_deref() != Some(began)
}

/// This start of this machine, as processes are numbered here: containers number theirs anew.
fn machine() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbers = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), numbers.display())
}

/// When a process began, in ticks since the machine did: process numbers are used again, this is not.
fn beginning(process: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; the beginning is the twentieth field after it.
    status.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_runs_is_not_gone() {
        assert!(!is_gone(&me()));
    }

    #[test]
    fn who_has_ended_is_gone() {
        let mut child = process::Command::new("true").spawn().expect("true");
        let owner = format!("{}/{}/{}", machine(), child.id(), "1");
        child.wait().expect("it ends");
        assert!(is_gone(&owner));
    }

    #[test]
    fn another_process_of_the_same_number_is_not_the_owner() {
        assert!(is_gone(&format!("{}/{}/1", machine(), process::id())));
    }

    #[test]
    fn other_machines_and_other_words_are_left_alone() {
        assert!(!is_gone("another-machine/1/1"));
        assert!(!is_gone(&format!("{}/4194305/", machine())));
        assert!(!is_gone("kmiplab"));
    }
}
