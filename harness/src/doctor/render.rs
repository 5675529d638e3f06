//! A diagnosis as text: the events before, the event on both sides, the evidence, and the likely source.

use std::fmt::{Display, Formatter, Result};

use crate::trace::{Event, story};

use super::{Bytes, Diagnosis, Draws, Field};

impl Display for Diagnosis {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.before.is_empty() {
            writeln!(f, "  the last that both have")?;
        }
        for event in &self.before {
            writeln!(f, "  both   {}", told(event))?;
        }
        if self.one.is_none() && self.other.is_none() {
            writeln!(f, "  no event differs, nor its bytes, as far as they are shown")?;
        } else {
            let what = if self.fields.is_empty() && self.one.is_some() && self.other.is_some() {
                "first event whose bytes differ"
            } else {
                "first differing event"
            };
            writeln!(f, "  {what}, on host `{}` (number {} of the log)", self.host, self.ordinal)?;
            writeln!(f, "  one    {}", side(self.one.as_ref()))?;
            writeln!(f, "  other  {}", side(self.other.as_ref()))?;
        }
        fields(f, &self.fields)?;
        if let Some((place, difference)) = &self.bytes {
            writeln!(f, "  bytes: {place}")?;
            rows(f, difference)?;
        }
        if let Some(spoken) = &self.spoken {
            writeln!(f, "  in plaintext, {} at host `{}`: {}", spoken.protocol, spoken.host, spoken.beginning)?;
            fields(f, &spoken.fields)?;
            rows(f, &spoken.bytes)?;
        }
        if self.draws.is_empty() {
            writeln!(f, "  draws: every stream that is counted was drawn from equally often before this event")?;
        }
        for draws in &self.draws {
            writeln!(f, "  draws: {}", self.drawn(draws))?;
        }
        let source = self.kind.source();
        writeln!(f, "  likely source: {}", source.likely.replace("{host}", &self.subject))?;
        write!(f, "  look at: {}", source.look.replace("{host}", &self.subject))
    }
}

impl Diagnosis {
    fn drawn(&self, draws: &Draws) -> String {
        let [one, other] = draws.times;
        let times = if one == 1 { "time" } else { "times" };
        let before = if draws.before as u64 == self.ordinal {
            "this event".to_owned()
        } else {
            format!("event {}, where they began to differ", draws.before)
        };
        format!("{} was drawn {one} {times} in one run and {other} in the other before {before}", draws.stream)
    }
}

fn told(event: &Event) -> String {
    // A verbose story leaves nothing out.
    story::line(event, true).unwrap_or_default().replace('\n', "\n         ")
}

fn side(event: Option<&Event>) -> String {
    event.map_or_else(|| "(the log ends before it)".to_owned(), told)
}

fn fields(f: &mut Formatter<'_>, fields: &[Field]) -> Result {
    for Field { name, one, other } in fields {
        writeln!(f, "  field `{name}`: {one} / {other}")?;
    }
    Ok(())
}

fn rows(f: &mut Formatter<'_>, bytes: &Bytes) -> Result {
    if bytes.secret {
        return writeln!(f, "  they differ in a secret, which is struck out");
    }
    let [one, other] = bytes.lengths;
    let hidden = if bytes.rows.is_empty() { "; not shown, because a secret can stand beside it" } else { "" };
    writeln!(f, "  first differing byte: offset {} (0x{:x}) of {one} / {other}{hidden}", bytes.offset, bytes.offset)?;
    bytes.rows.iter().try_for_each(|row| writeln!(f, "    {row}"))
}
