//! The recorded differences and the pages of findings belong together: no entry without its page, no page that nobody
//! needs.

mod support;

use std::collections::BTreeMap;
use std::fs;

use kmiplab::transcript::{PAGES, Recorded};

/// What each page must have, in this order.
const HEADINGS: [&str; 4] = ["## What differs", "## In which lanes", "## Why", "## What we do about it"];

fn recorded() -> Recorded {
    Recorded::within(&support::root().join("scenarios")).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// Every page by the name that entries have for it, with its text.
fn pages() -> BTreeMap<String, String> {
    let folder = support::root().join(PAGES);
    let files =
        fs::read_dir(&folder).expect("the folder of findings is there").map(|entry| entry.expect("it is read").path());
    let named = files.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name != "README.md").then_some((format!("{PAGES}{name}"), text))
    });
    named.collect()
}

#[test]
fn every_entry_has_its_page_and_every_page_an_entry_unless_it_is_mended() {
    let (recorded, pages) = (recorded(), pages());
    for page in recorded.pages() {
        assert!(pages.contains_key(page), "{page} is named in scenarios/differences.toml and is not there");
    }
    for (page, text) in &pages {
        let mended = text.lines().any(|line| line.starts_with("Mended:"));
        let needed = recorded.pages().contains(page.as_str());
        assert!(mended != needed, "{page} is either named by an entry or says `Mended:`");
    }
}

#[test]
fn every_page_has_its_headings_in_order_and_is_listed() {
    let list = fs::read_to_string(support::root().join(PAGES).join("README.md")).expect("findings have a README");
    for (page, text) in pages() {
        assert!(text.starts_with("# "), "{page} begins with what differs");
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(found, HEADINGS, "{page}");
        let name = page.trim_start_matches(PAGES);
        assert!(list.contains(&format!("]({name})")), "{page} is not listed in README.md");
    }
}

#[test]
fn every_entry_is_for_a_scenario_that_there_is() {
    assert_eq!(recorded().without_scenario(&support::all_cells()), Vec::<String>::new());
}

#[test]
fn no_entry_excuses_whatever_the_other_lane_may_answer() {
    let text = fs::read_to_string(support::root().join("scenarios/differences.toml")).expect("it is there");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let open = line.contains("/ *\"") || line.contains(": * /");
        assert!(!open, "say what was seen, so that a wrong answer is none of it: {line}");
    }
}
