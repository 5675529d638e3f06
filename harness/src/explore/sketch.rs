//! A scenario as plain data that can be drawn, shrunk and written.
//!
//! Reading takes a loaded scenario apart; writing gives the canonical form of a scenario file. Between the two a sketch
//! may be anything: whether it makes sense is for `scenario::load` to say.
//!
//! Invariant: a sketch is played only as the scenario that is loaded from its own text, so that what is explored is
//! exactly what `kmiplab run` plays.

use std::time::Duration;

use toml::Value;
use toml::de::{DeTable, DeValue};

use crate::scenario::{self, Outcome, Provider, Scenario, ScenarioError, When};

/// The longest line of a file whose timeline is a list.
const LONGEST_LINE: usize = 120;

/// For editors: where the schema is, seen from a family's folder.
const SCHEMA: &str = "#:schema ../scenario-1.schema.json";

/// A scenario as its file says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// What happens, in one line.
    pub title: String,
    /// Why it is worth playing, in one line.
    pub why: String,
    /// How long to play, in whole milliseconds.
    pub end: Duration,
    /// What the epilogue must find.
    pub outcome: Outcome,
    /// Seeds that are always played.
    pub seeds: Vec<u64>,
    /// With which provider it is played: a sketch is one scenario, also where its file has several.
    pub provider: Provider,
    /// What differs from the defaults of the world, in the order of the file: dotted keys below `world`, and values.
    pub world: Vec<(String, Value)>,
    /// What happens, in order of time.
    pub lines: Vec<Line>,
}

/// One event of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When.
    pub at: When,
    /// The verb.
    pub verb: String,
    /// What it is done to.
    pub argument: String,
    /// What stands beside the verb, in the order of the file.
    pub options: Vec<(String, String)>,
    /// What must follow, in the order of the file.
    pub then: Vec<(String, String)>,
}

impl Sketch {
    /// Reads the text of a scenario file.
    ///
    /// # Errors
    ///
    /// What `scenario::load` finds wrong with it.
    pub fn read(path: &str, family: &str, text: &str) -> Result<Sketch, ScenarioError> {
        scenario::load(path, family, text.as_bytes()).map(|scenario| Sketch::of(&scenario))
    }

    /// Takes a scenario apart. Comments are lost.
    pub fn of(scenario: &Scenario) -> Sketch {
        let document = DeTable::parse(&scenario.source).expect("a loaded scenario has been parsed before");
        let document = document.get_ref();
        let mut world = Vec::new();
        if let Some(DeValue::Table(table)) = document.get("world").map(|value| value.get_ref()) {
            settings("", table, &mut world);
        }
        let timeline = document.get("timeline").map(|value| value.get_ref());
        let tables: &[_] = if let Some(DeValue::Array(lines)) = timeline { lines } else { &[] };
        let lines = scenario.timeline.iter().zip(tables).filter_map(|(event, line)| {
            let DeValue::Table(table) = line.get_ref() else { return None };
            let mut line = Line {
                at: event.at.clone(),
                verb: event.verb.to_owned(),
                argument: String::new(),
                options: Vec::new(),
                then: Vec::new(),
            };
            for (key, value) in in_order(table) {
                match value {
                    _ if key == "at" => {}
                    DeValue::Table(then) => {
                        line.then =
                            in_order(then).into_iter().map(|(key, value)| (key.to_owned(), text(value))).collect();
                    }
                    _ if key == event.verb => line.argument = text(value),
                    _ => line.options.push((key.to_owned(), text(value))),
                }
            }
            Some(line)
        });
        Sketch {
            title: scenario.title.clone(),
            why: scenario.why.clone(),
            end: scenario.end,
            outcome: scenario.outcome,
            seeds: scenario.seeds.clone(),
            provider: scenario.world.provider,
            world,
            lines: lines.collect(),
        }
    }

    /// The text of a scenario file: a line for each event if no line is too long, else a table for each.
    pub fn write(&self) -> String {
        let mut text = format!("{SCHEMA}\n");
        let mut say = |key: &str, value: String| text.push_str(&format!("{key} = {value}\n"));
        say("format", quoted(&format!("{}.{}", scenario::FORMAT.0, scenario::FORMAT.1)));
        say("title", quoted(&self.title));
        say("why", quoted(&self.why));
        say("end", quoted(&scenario::written(self.end)));
        say("final", quoted(self.outcome.as_str()));
        if !self.seeds.is_empty() {
            let seeds: Vec<_> = self.seeds.iter().map(|seed| quoted(&format!("{seed:#x}"))).collect();
            say("seeds", format!("[{}]", seeds.join(", ")));
        }
        if self.provider != Provider::Aws {
            say("provider", format!("[{}]", quoted(self.provider.as_str())));
        }
        if !self.world.is_empty() {
            text.push('\n');
            text.push_str(&written_world(&self.world));
        }
        text.push('\n');
        let compact: Vec<_> = self.lines.iter().map(Line::compact).collect();
        if compact.iter().all(|line| line.chars().count() <= LONGEST_LINE) {
            text.push_str(&format!(
                "timeline = [\n{}]\n",
                compact.iter().map(|line| format!("{line}\n")).collect::<String>()
            ));
        } else {
            let tables: Vec<_> = self.lines.iter().map(Line::table).collect();
            text.push_str(&tables.join("\n"));
        }
        text
    }

    /// Loads the text of this sketch.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn load(&self, path: &str) -> Result<Scenario, ScenarioError> {
        scenario::load(path, "explore", self.write().as_bytes())
    }

    /// A setting of the world, if it is not left at its default.
    pub fn setting(&self, key: &str) -> Option<&Value> {
        self.world.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl Line {
    /// A line of one verb, at a moment.
    pub fn new(at: Duration, verb: &str, argument: &str) -> Line {
        let (verb, argument) = (verb.to_owned(), argument.to_owned());
        Line { at: When::At(at), verb, argument, options: Vec::new(), then: Vec::new() }
    }

    /// What happens, without the moment: `reject = "private-a"`.
    pub fn words(&self) -> Vec<String> {
        let pairs =
            [(&self.verb, &self.argument)].into_iter().chain(self.options.iter().map(|(key, value)| (key, value)));
        pairs.map(|(key, value)| format!("{key} = {}", quoted(value))).collect()
    }

    fn at(&self) -> String {
        match self.at {
            When::At(at) => scenario::written(at),
            When::Between(first, last) => format!("{}..{}", scenario::written(first), scenario::written(last)),
        }
    }

    fn compact(&self) -> String {
        let mut words = vec![format!("at = {}", quoted(&self.at()))];
        words.extend(self.words());
        if !self.then.is_empty() {
            let then: Vec<_> = self.then.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
            words.push(format!("then = {{ {} }}", then.join(", ")));
        }
        format!("  {{ {} }},", words.join(", "))
    }

    fn table(&self) -> String {
        let mut words = vec!["[[timeline]]".to_owned(), format!("at = {}", quoted(&self.at()))];
        words.extend(self.words());
        words.extend(self.then.iter().map(|(key, value)| format!("then.{key} = {}", quoted(value))));
        words.join("\n") + "\n"
    }
}

/// The settings below a table, as dotted keys.
fn settings(prefix: &str, table: &DeTable<'_>, found: &mut Vec<(String, Value)>) {
    for (key, value) in in_order(table) {
        let key = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        match value {
            DeValue::Table(table) => settings(&key, table, found),
            _ => found.extend(plain(value).map(|value| (key, value))),
        }
    }
}

/// The entries of a table in the order of the file: the parser sorts them by name.
fn in_order<'a>(table: &'a DeTable<'_>) -> Vec<(&'a str, &'a DeValue<'a>)> {
    let mut entries: Vec<_> =
        table.iter().map(|(key, value)| (key.span().start, &**key.get_ref(), value.get_ref())).collect();
    entries.sort_by_key(|(start, ..)| *start);
    entries.into_iter().map(|(_, key, value)| (key, value)).collect()
}

/// A value of the kinds that scenario files have.
fn plain(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        DeValue::Array(values) => Value::Array(values.iter().filter_map(|value| plain(value.get_ref())).collect()),
        _ => return None,
    })
}

fn text(value: &DeValue<'_>) -> String {
    if let DeValue::String(text) = value { text.to_string() } else { String::new() }
}

/// Settings of one table stand in one line, except of one that holds another table: no line can add to that.
fn written_world(settings: &[(String, Value)]) -> String {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (key, value) in settings {
        let Some((group, name)) = key.rsplit_once('.').filter(|(group, _)| !holds_a_table(settings, group)) else {
            groups.push((key, vec![value.to_string()]));
            continue;
        };
        let entry = format!("{name} = {value}");
        match groups.iter_mut().find(|(other, _)| *other == group) {
            Some((_, entries)) => entries.push(entry),
            None => groups.push((group, vec![entry])),
        }
    }
    let line = |(group, entries): (&str, Vec<String>)| match settings.iter().any(|(key, _)| key == group) {
        true => format!("world.{group} = {}\n", entries.join(", ")),
        false => format!("world.{group} = {{ {} }}\n", entries.join(", ")),
    };
    groups.into_iter().map(line).collect()
}

/// Whether a group of settings has another one below it.
fn holds_a_table(settings: &[(String, Value)], group: &str) -> bool {
    let below = |(key, _): &(String, Value)| {
        let rest = key.strip_prefix(group).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest.contains('.'))
    };
    settings.iter().any(below)
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
#:schema ../scenario-1.schema.json
format = \"1.0\"
title = \"A title\"
why = \"A reason\"
end = \"40s\"
final = \"opens\"
seeds = [\"0x5eed\"]

world.mongod = { key_state_polling = \"off\", connect_retries = 2 }
world.kms = { endpoints = [\"private-a\", \"public\"] }

timeline = [
  { at = \"1s\", start = \"mongod\", then = { get = \"ok\", within = \"5s\" } },
  { at = \"12s..15s\", slow = \"private-a\", by = \"3s\" },
]
";

    #[test]
    fn what_is_read_is_written_again_to_the_letter() {
        let sketch = Sketch::read("a.toml", "a", FILE).unwrap();
        assert_eq!(sketch.write(), FILE);
        assert_eq!(sketch.lines[1].words(), ["slow = \"private-a\"", "by = \"3s\""]);
        assert_eq!(sketch.setting("mongod.connect_retries"), Some(&Value::Integer(2)));
    }

    #[test]
    fn a_line_that_is_too_long_makes_tables_of_all() {
        let mut sketch = Sketch::read("a.toml", "a", FILE).unwrap();
        sketch.lines[0].then.push(("message".to_owned(), "m".repeat(80)));
        let text = sketch.write();
        let tables = text.split_once("timeline]]").unwrap().1;
        assert!(tables.starts_with(
            "\nat = \"1s\"\nstart = \"mongod\"\nthen.get = \"ok\"\nthen.within = \"5s\"\nthen.message = "
        ));
        assert!(
            tables.ends_with("\n\n[[timeline]]\nat = \"12s..15s\"\nslow = \"private-a\"\nby = \"3s\"\n"),
            "{tables}"
        );
    }

    #[test]
    fn quotes_in_a_text_survive() {
        let mut sketch = Sketch::read("a.toml", "a", FILE).unwrap();
        sketch.title = "a \"quoted\" 'title' with a \\".to_owned();
        assert_eq!(Sketch::read("a.toml", "a", &sketch.write()).unwrap().title, sketch.title);
    }
}
