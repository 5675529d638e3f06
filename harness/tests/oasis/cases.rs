//! The standard's cases against the real proxy.
//!
//! The files are not ours to ship: they are read from `KMIPLAB_OASIS`, or from `shared/data/oasis` beside the
//! repository, and the test says so where they are absent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::kmiplab;

/// The standard's files, where they are at hand.
fn corpus() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("KMIPLAB_OASIS") {
        let folder = PathBuf::from(named);
        assert!(folder.is_dir(), "KMIPLAB_OASIS names no folder: {}", folder.display());
        return Some(folder);
    }
    let beside = crate::support::root().join("../shared/data/oasis");
    beside.is_dir().then_some(beside)
}

/// Cases that must pass: Symmetric Key Lifecycle, Symmetric Key Foundry with AES and 3DES, and the basic use cases.
const REQUIRED: [&str; 16] = [
    "SKLC-",
    "SKFF-M-1-",
    "SKFF-M-2-",
    "SKFF-M-3-",
    "SKFF-M-4-",
    "SKFF-M-5-",
    "SKFF-M-6-",
    "SKFF-M-7-",
    "SKFF-M-8-",
    "SKFF-M-9-",
    "SKFF-M-10-",
    "SKFF-M-11-",
    "SKFF-M-12-",
    "SKFF-O-4-",
    "SKFF-O-5-",
    "SKFF-O-6-",
];
const REQUIRED_USE_CASES: [&str; 5] = ["TC-311-", "TC-312-", "TC-313-", "TC-314-", "TC-315-"];

#[test]
fn real_proxy_comes_through_the_standards_cases_as_expected() {
    let Some(folder) = corpus() else {
        println!("skipped: the OASIS test cases are neither in KMIPLAB_OASIS nor in ../shared/data/oasis");
        return;
    };
    let folder = folder.to_str().expect("the path is UTF-8");
    let expectations = "harness/oasis/expectations.toml";
    let asked = ["oasis", folder, "--target", "proxy", "--expect", expectations, "--filter", "v1.[0-3]/*"];
    let (code, out, told) = kmiplab(&[&asked[..], &["--message-format", "json"]].concat());
    assert_eq!((code, told.as_str()), (Some(0), ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    let cases = report["cases"].as_array().expect("it has cases");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases {
        let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        let key = format!("{:<4} {:<13} {}", text("version"), text("profile"), text("verdict"));
        let key = match case["either_way"].as_bool() {
            Some(true) => format!("{:<4} {:<13} either way", text("version"), text("profile")),
            _ => key.replace("pass-with-variations", "pass"),
        };
        *counts.entry(key).or_default() += 1;
        let name = text("name").replace('_', "-");
        let name = name.rsplit('/').next().unwrap_or_default();
        let required = REQUIRED.iter().chain(&REQUIRED_USE_CASES).any(|required| name.starts_with(required));
        assert!(text("verdict").starts_with("pass") || !required, "{name} must pass: {case:#}");
    }
    let table: String = counts.iter().map(|(key, count)| format!("{key:<34} {count}\n")).collect();
    insta::with_settings!({ snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("cases", table);
    });
}

#[test]
fn real_proxy_answers_conversations_of_our_own_in_the_style_of_1_4_as_the_standard_says() {
    let asked = ["oasis", "harness/oasis/conversations", "--target", "proxy", "--message-format", "json"];
    let (code, out, told) = kmiplab(&asked);
    assert_eq!((code, told.as_str()), (Some(0), ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    let cases = report["cases"].as_array().expect("it has cases");
    let passed =
        |case: &&serde_json::Value| case["verdict"].as_str().is_some_and(|verdict| verdict.starts_with("pass"));
    assert_eq!((cases.len(), cases.iter().filter(passed).count()), (3, 3), "{out}");
    assert!(cases.iter().all(|case| case["version"] == "1.4"), "{out}");
}
