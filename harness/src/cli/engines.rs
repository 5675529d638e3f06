//! What `deploy/` and `docs/campaigns.md` tell people to type is what this program understands.
//!
//! The YAML is read for its shape only, in the small part of the language that the files keep to: nothing here depends
//! on a YAML parser. Command lines go through the program's own parser, with 1 in place of what a shell would fill in.

use clap::Parser as _;

use super::{Command, Verb};
use crate::campaign::Shard;

/// Every file that people are told to use.
const FILES: [(&str, &str); 5] = [
    ("deploy/Dockerfile", include_str!("../../../deploy/Dockerfile")),
    ("deploy/kubernetes-campaign.yaml", include_str!("../../../deploy/kubernetes-campaign.yaml")),
    ("deploy/github-actions-campaign.yml", include_str!("../../../deploy/github-actions-campaign.yml")),
    ("deploy/slurm-campaign.sh", include_str!("../../../deploy/slurm-campaign.sh")),
    ("docs/campaigns.md", include_str!("../../../docs/campaigns.md")),
];

fn file(name: &str) -> &'static str {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text).unwrap()
}

/// A line with 1 in place of `$((…))`, `${{ … }}` and `$NAME`.
fn filled(line: &str) -> String {
    let mut text = line.to_owned();
    for (open, close) in [("$((", "))"), ("${{", "}}")] {
        while let Some((before, rest)) = text.split_once(open) {
            let (_, after) = rest.split_once(close).unwrap_or_else(|| panic!("`{open}` without an end: {line}"));
            text = format!("{before}1{after}");
        }
    }
    while let Some((before, rest)) = text.split_once('$') {
        text = format!("{before}1{}", rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'));
    }
    text
}

/// The words of every command line of the program in a text, comments included.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches(['#', ' ', '-']).trim_start_matches("run: ");
        let Some((program, _)) = line.split_once(' ') else { continue };
        if program.rsplit('/').next() == Some("kmiplab") {
            lines.push(filled(line).split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect());
        }
    }
    lines
}

/// The part that each `run` of a text plays, and how many `report --merge` there are.
fn parts_and_merges(name: &str) -> (Vec<Shard>, usize) {
    let (mut shards, mut merges) = (Vec::new(), 0);
    for words in command_lines(file(name)) {
        let command = Command::try_parse_from(&words).unwrap_or_else(|error| panic!("{name}: {words:?}: {error}"));
        match command.verb {
            Verb::Run(arguments) => shards.extend(arguments.shard),
            Verb::Report(arguments) => merges += usize::from(!arguments.merge.is_empty()),
            _ => {}
        }
    }
    (shards, merges)
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    for (name, shards, merges) in [
        ("deploy/kubernetes-campaign.yaml", 1, 1),
        ("deploy/github-actions-campaign.yml", 1, 1),
        ("deploy/slurm-campaign.sh", 1, 1),
        ("docs/campaigns.md", 4, 2),
    ] {
        let found = parts_and_merges(name);
        assert_eq!((found.0.len(), found.1), (shards, merges), "{name}");
    }
}

#[test]
fn each_engine_starts_as_many_parts_as_its_command_names() {
    let parts = |name| parts_and_merges(name).0[0].of();
    let kubernetes = "deploy/kubernetes-campaign.yaml";
    assert!(file(kubernetes).contains("completionMode: Indexed\n"));
    assert!(file(kubernetes).contains(&format!("\n  completions: {}\n", parts(kubernetes))));
    let actions = "deploy/github-actions-campaign.yml";
    let matrix: Vec<String> = (1..=parts(actions)).map(|number| number.to_string()).collect();
    assert!(file(actions).contains(&format!("shard: [{}]\n", matrix.join(", "))));
    let slurm = "deploy/slurm-campaign.sh";
    assert!(file(slurm).contains(&format!("\n#SBATCH --array=1-{}\n", parts(slurm))));
}

#[test]
fn the_image_says_where_its_commit_comes_from_and_brings_the_scenarios() {
    let image = file("deploy/Dockerfile");
    for line in ["ENV KMIPLAB_COMMIT=${COMMIT}", "COPY --from=builder /kmiplab/scenarios /kmiplab/scenarios"] {
        assert!(image.lines().any(|there| there == line), "{line}");
    }
    assert!(file("docs/campaigns.md").contains("docker build -f deploy/Dockerfile"));
}

/// What is wrong with the shape of a YAML file, as far as our files go: mappings, lists, scalars and `|` blocks, two
/// spaces deeper in each level.
fn misshapen(text: &str) -> Option<String> {
    let mut block: Option<usize> = None;
    // The keys of each open mapping, by its indentation.
    let mut open: Vec<(usize, Vec<String>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |why: &str| Some(format!("line {}: {why}: {line}", index + 1));
        let content = line.trim_start_matches(' ');
        let mut indent = line.len() - content.len();
        if block.is_some_and(|block| content.is_empty() || indent > block) {
            continue;
        }
        block = None;
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if content == "---" {
            open.clear();
            continue;
        }
        if line.contains('\t') || indent % 2 != 0 {
            return wrong("tabs, or an odd indentation");
        }
        let mut rest = content;
        if let Some(item) = rest.strip_prefix("- ") {
            open.retain(|(depth, _)| *depth <= indent);
            rest = item;
            block = (rest == "|").then_some(indent);
            indent += 2;
            if !item.contains(": ") {
                continue;
            }
        }
        let Some((key, value)) = rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, ""))) else {
            return wrong("neither a key nor an item");
        };
        if value == "|" {
            block = Some(indent);
        }
        if value.matches('"').count() % 2 != 0 || value.matches(['[', '{']).count() != value.matches([']', '}']).count()
        {
            return wrong("a quote or a bracket without its end");
        }
        open.retain(|(depth, _)| *depth <= indent);
        match open.last_mut() {
            Some((depth, keys)) if *depth == indent => {
                if keys.iter().any(|known| known == key) {
                    return wrong("the same key twice");
                }
                keys.push(key.to_owned());
            }
            Some((depth, _)) if indent > *depth + 4 => return wrong("too deep"),
            None if indent > 0 => return wrong("deeper than anything above"),
            _ => open.push((indent, vec![key.to_owned()])),
        }
    }
    None
}

#[test]
fn the_yaml_has_the_shape_of_yaml() {
    for name in ["deploy/kubernetes-campaign.yaml", "deploy/github-actions-campaign.yml"] {
        assert_eq!(misshapen(file(name)), None, "{name}");
    }
    for wrong in ["a:\n\tb: 1\n", "a:\n   b: 1\n", "a: 1\na: 2\n", "a\n", "a: [1\n", "a: \"1\n", "  a: 1\n"] {
        assert!(misshapen(wrong).is_some(), "{wrong:?} was taken");
    }
}
