//! The strings of scenario files that are no words out of a list: times, names, numbers, sentences.
//!
//! Times are whole numbers with one unit, so that a file has one spelling for each and no rounding hides in it.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use schemars::{Schema, json_schema};

use super::model::When;
use super::text::{Literal, Refusal};

/// No time in a scenario is longer than this: ten years. It keeps every sum of times far from overflowing.
pub(super) const LONGEST: Duration = Duration::from_hours(3650 * 24);

/// The units of time and their lengths in milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A length of time, such as `250ms`, `30s`, `2m`, `1h` or `7d`.
pub(super) struct Time;

impl Literal for Time {
    type Value = Duration;

    fn read(text: &str) -> Result<Duration, Refusal> {
        if let Some(time) = text.strip_prefix('-').filter(|time| Time::read(time).is_ok()) {
            return Err(Refusal {
                message: format!("`{text}` is before the beginning"),
                label: "a time before the start of the run",
                help: format!("times count forward from the start of the run: write `{time}`, or later"),
            });
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let length = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length);
        let (Some(length), false) = (length, number.is_empty()) else {
            return Err(Refusal {
                message: format!("`{text}` is no length of time"),
                label: "not a whole number with a unit",
                help: "write a whole number and one of the units ms, s, m, h, d, such as `250ms`, `30s` or `7d`".into(),
            });
        };
        // A number too long for 64 bits is too long a time as well.
        let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(length)).map(Duration::from_millis);
        time.filter(|time| *time <= LONGEST).ok_or_else(|| Refusal {
            message: format!("`{text}` is too long"),
            label: "longer than ten years",
            help: format!("write at most `{}`", written(LONGEST)),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$", "examples": ["250ms", "30s", "2m"] })
    }
}

/// A time as a scenario file writes it, read.
pub(crate) fn read_time(text: &str) -> Option<Duration> {
    Time::read(text).ok()
}

/// A time as a scenario file writes it, in the largest unit that keeps it whole.
pub(crate) fn written(time: Duration) -> String {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let fits = |(_, length): &&(&str, u64)| milliseconds.is_multiple_of(*length) && milliseconds >= *length;
    match UNITS.iter().rev().find(fits) {
        Some((unit, length)) => format!("{}{unit}", milliseconds / length),
        None => "0s".to_owned(),
    }
}

/// Two times with `..` between them, the second one later.
fn range(text: &str) -> Option<Result<(Duration, Duration), Refusal>> {
    let (from, to) = text.split_once("..")?;
    Some(Time::read(from).and_then(|from| Time::read(to).map(|to| (from, to))).and_then(|(from, to)| {
        if from < to {
            return Ok((from, to));
        }
        Err(Refusal {
            message: format!("the range `{text}` is empty"),
            label: "does not end after it begins",
            help: "write the earlier time first, as in `20s..40s`".to_owned(),
        })
    }))
}

/// A moment, `28s`, or a range from which the seed draws one, `20s..40s`.
pub(super) struct Moment;

impl Literal for Moment {
    type Value = When;

    fn read(text: &str) -> Result<When, Refusal> {
        match range(text) {
            Some(range) => range.map(|(from, to)| When::Between(from, to)),
            None => Time::read(text).map(When::At),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(ms|s|m|h|d)(\\.\\.[0-9]+(ms|s|m|h|d))?$",
            "examples": ["28s", "20s..40s"],
        })
    }
}

/// A range of times from which every message draws one, `10ms..30ms`.
pub(super) struct TimeRange;

impl Literal for TimeRange {
    type Value = Range<Duration>;

    fn read(text: &str) -> Result<Range<Duration>, Refusal> {
        let missing = || Refusal {
            message: format!("`{text}` is no range of times"),
            label: "one time, or none",
            help: "write two times with `..` between them, as in `10ms..30ms`".to_owned(),
        };
        range(text).ok_or_else(missing)?.map(|(from, to)| from..to)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)\\.\\.[0-9]+(ms|s|m|h|d)$" })
    }
}

/// A period, or `off`.
pub(super) struct Period;

impl Literal for Period {
    type Value = Option<Duration>;

    fn read(text: &str) -> Result<Option<Duration>, Refusal> {
        match text {
            "off" => Ok(None),
            _ => Time::read(text).map(Some),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d)|off)$", "examples": ["900s", "off"] })
    }
}

/// A seed, `0x` and up to sixteen hexadecimal digits.
pub(super) struct Seed;

impl Literal for Seed {
    type Value = u64;

    fn read(text: &str) -> Result<u64, Refusal> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or_else(|| Refusal {
            message: format!("`{text}` is no seed"),
            label: "not a number of 64 bits in hexadecimal",
            help: "write `0x` and up to sixteen hexadecimal digits, as in `0x5eed0031`".to_owned(),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{1,16}$" })
    }
}

/// The version of the file format, `major.minor`.
pub(super) struct Version;

impl Literal for Version {
    type Value = (u32, u32);

    fn read(text: &str) -> Result<(u32, u32), Refusal> {
        let number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let parts = text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
        parts.ok_or_else(|| Refusal {
            message: format!("`{text}` is no version of the format"),
            label: "not `major.minor`",
            help: "write `format = \"1.0\"`".to_owned(),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^1\\.[0-9]+$", "examples": ["1.0"] })
    }
}

/// One line of text for people.
pub(super) struct Sentence;

impl Literal for Sentence {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        let help = "write one line of text".to_owned();
        if text.trim().is_empty() {
            return Err(Refusal { message: "a text is empty".to_owned(), label: "says nothing", help });
        }
        if text.chars().any(char::is_control) {
            // It would be printed to terminals as it is.
            let message = "a text holds a line break or another control character".to_owned();
            return Err(Refusal { message, label: "more than a line of text", help });
        }
        Ok(text.to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// The name of an endpoint: `public`, `private-` and what tells private ones apart, or `replica` for that of the second
/// region of AWS.
pub(super) struct EndpointName;

/// The name of the endpoint of the second region.
pub const REPLICA: &str = "replica";

/// How the names of private endpoints begin.
pub const PRIVATE: &str = "private-";

impl Literal for EndpointName {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        let private = text.strip_prefix(PRIVATE).is_some_and(is_name);
        if private || text == "public" || text == REPLICA {
            return Ok(text.to_owned());
        }
        Err(Refusal {
            message: format!("`{text}` cannot be the name of an endpoint"),
            label: "neither private nor public",
            help:
                "write `public` for the public endpoint, or `private-` and a name for a private one, as in `private-a`"
                    .to_owned(),
        })
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(public|replica|private-[a-z0-9]+(-[a-z0-9]+)*)$",
            "examples": ["private-a", "public"],
        })
    }
}

/// The name or address of a KMIP server.
pub(super) struct ServerName;

impl Literal for ServerName {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed) {
            return Ok(text.to_owned());
        }
        Err(Refusal {
            message: format!("`{text}` cannot be a KMIP server"),
            label: "neither a host name nor an IPv4 address",
            help: "write a host name or an address, as in `127.0.0.1`; the port is the proxy's".to_owned(),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9.-]+$", "examples": ["127.0.0.1"] })
    }
}

/// How far a clock is off: a time with a sign, `+10m` or `-10m`, or `0s`.
pub(super) struct Offset;

impl Literal for Offset {
    type Value = (bool, Duration);

    fn read(text: &str) -> Result<(bool, Duration), Refusal> {
        let (ahead, time) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(time), _) => (true, time),
            (_, Some(time)) => (false, time),
            _ if text == "0s" => (true, text),
            _ => {
                return Err(Refusal {
                    message: format!("`{text}` does not say in which direction the clock is off"),
                    label: "no sign",
                    help: "write `+10m` for a clock that is ahead, `-10m` for one that is behind, `0s` for a right one"
                        .to_owned(),
                });
            }
        };
        Time::read(time).map(|by| (ahead, by))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^([+-][0-9]+(ms|s|m|h|d)|0s)$", "examples": ["+10m", "-10m"] })
    }
}

/// The number of a disk operation, or a range from which the seed draws one: `3`, `1..12`.
pub(super) struct WriteRange;

impl Literal for WriteRange {
    type Value = RangeInclusive<u64>;

    fn read(text: &str) -> Result<RangeInclusive<u64>, Refusal> {
        let number = |text: &str| text.parse::<u64>().ok().filter(|number| (1..=1000).contains(number));
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => Ok(from..=to),
            _ => Err(Refusal {
                message: format!("`{text}` is no disk operation"),
                label: "neither a number from 1 to 1000 nor a range of two",
                help: "write the number of a disk operation, or a range from which the seed draws one, as in `1..12`"
                    .to_owned(),
            }),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?$", "examples": ["1..12"] })
    }
}

/// The name of a customer's key.
pub(super) struct KeyName;

/// Words that verbs know as something else.
const TAKEN: [&str; 9] =
    ["mongod", "proxy", "role", "credentials", "public", REPLICA, "metadata", "key-file", "wrapped-key"];

impl Literal for KeyName {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        // A key named like a process, a role or an endpoint would make `rotate = "mongod"` mean two things.
        if is_name(text) && !TAKEN.contains(&text) && !text.starts_with(PRIVATE) {
            return Ok(text.to_owned());
        }
        Err(Refusal {
            message: format!("`{text}` cannot be the name of a key"),
            label: "not a key's name",
            help: format!(
                "write lower-case letters, digits and hyphens, as in `cmk-1`; `private-…` and `{}` are taken",
                TAKEN.join("`, `")
            ),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["cmk-1"] })
    }
}

/// A region in AWS' spelling.
pub(super) struct Region;

impl Literal for Region {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        let number = text.rsplit('-').next().is_some_and(|last| last.bytes().all(|digit| digit.is_ascii_digit()));
        if is_name(text) && number && text.matches('-').count() >= 2 {
            return Ok(text.to_owned());
        }
        Err(Refusal {
            message: format!("`{text}` is no region of AWS"),
            label: "not spelt as AWS spells regions",
            help: "write it as in `us-east-1` or `eu-central-1`".to_owned(),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z]+(-[a-z]+)+-[0-9]+$", "examples": ["us-east-1"] })
    }
}

/// A region as operators write it: in AWS' spelling, or as the Atlas API spells it. It is kept as it is written.
pub(super) struct WrittenRegion;

impl Literal for WrittenRegion {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        let of_atlas = text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
        let region = if of_atlas { text.to_ascii_lowercase().replace('_', "-") } else { text.to_owned() };
        match Region::read(&region) {
            Ok(_) => Ok(text.to_owned()),
            Err(refusal) => Err(Refusal {
                message: format!("`{text}` is no region of AWS"),
                help: "write it as in `us-east-1`, or as Atlas does: `US_EAST_1`".to_owned(),
                ..refusal
            }),
        }
    }

    fn schema() -> Schema {
        let pattern = "^([a-z]+(-[a-z]+)+-[0-9]+|[A-Z]+(_[A-Z]+)+_[0-9]+)$";
        json_schema!({ "type": "string", "pattern": pattern, "examples": ["us-east-1", "US_EAST_1"] })
    }
}

/// Lower-case letters and digits in groups with a hyphen between them.
fn is_name(text: &str) -> bool {
    let group = |group: &str| !group.is_empty() && group.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.split('-').all(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_writes_a_region_in_either_spelling_and_mixes_them_in_none() {
        for written in ["us-east-1", "US_EAST_1", "us-gov-west-1", "AP_SOUTHEAST_2"] {
            assert_eq!(WrittenRegion::read(written).unwrap(), written);
        }
        for wrong in ["", "us_east_1", "US-EAST-1", "US_EAST", "Us_East_1", "1", "__1"] {
            assert!(WrittenRegion::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_whole_numbers_with_a_unit() {
        assert_eq!(Time::read("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(Time::read("2m").unwrap(), Duration::from_secs(120));
        assert_eq!(Time::read("7d").unwrap(), Duration::from_hours(168));
        assert_eq!(Time::read("-1s").unwrap_err().label, "a time before the start of the run");
        for wrong in ["", "5", "s", "1.5s", "--1s", "-s", "+1s", "5 s", "29 parsecs", "1m30s", "٣s"] {
            assert_eq!(Time::read(wrong).unwrap_err().label, "not a whole number with a unit", "{wrong}");
        }
    }

    #[test]
    fn no_time_overflows() {
        assert!(Time::read("3650d").is_ok());
        for long in ["3651d", "18446744073709551615d", "99999999999999999999999999ms"] {
            assert_eq!(Time::read(long).unwrap_err().label, "longer than ten years", "{long}");
        }
    }

    #[test]
    fn a_time_is_written_as_a_person_would() {
        for text in ["10ms", "1500ms", "90s", "5m", "25h", "3650d", "0s"] {
            assert_eq!(written(Time::read(text).unwrap()), text);
        }
    }

    #[test]
    fn a_range_ends_after_it_begins() {
        let twenty_to_forty = When::Between(Duration::from_secs(20), Duration::from_secs(40));
        assert_eq!(Moment::read("20s..40s").unwrap(), twenty_to_forty);
        assert_eq!(Moment::read("40s..20s").unwrap_err().label, "does not end after it begins");
        assert_eq!(Moment::read("20s..20s").unwrap_err().label, "does not end after it begins");
        assert_eq!(Moment::read("20s..").unwrap_err().label, "not a whole number with a unit");
    }

    #[test]
    fn seeds_have_sixty_four_bits() {
        assert_eq!(Seed::read("0x5eed").unwrap(), 0x5eed);
        assert_eq!(Seed::read("0xffffffffffffffff").unwrap(), u64::MAX);
        for wrong in ["5eed", "0x", "0x+5", "0x1ffffffffffffffff", "0xseed"] {
            assert!(Seed::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn texts_cannot_drive_a_terminal() {
        assert!(Sentence::read("\u{1b}[2J").is_err());
        assert!(Sentence::read("two\nlines").is_err());
        assert!(Sentence::read("  ").is_err());
    }

    #[test]
    fn endpoints_say_whether_they_are_private() {
        assert!(EndpointName::read("private-a").is_ok());
        assert!(EndpointName::read("public").is_ok());
        for wrong in ["private-", "private", "vpce-a", "PRIVATE-A", "private-a-"] {
            assert!(EndpointName::read(wrong).is_err(), "{wrong}");
        }
    }
}
