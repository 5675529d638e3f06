//! The writer of answers, which cannot write what is younger than the answer's version.
//!
//! Every tag and every enumeration's value is looked up before it is written. What is younger is left out, noted, and
//! refuses the unit around it: an optional field, an attribute or, where nothing smaller can be left out, the whole
//! batch item, which then becomes a failure. Clients have broken on answers with fields of later versions.
//!
//! Invariant: what stands in the buffer when a unit has ended holds nothing younger than the version.

use std::fmt;

use super::attribute::first_younger;
use super::attribute_name;
use super::enums::{Enumeration, Operation};
use super::tag;
use super::version::ProtocolVersion;
use crate::ttlv::{Tag, Writer};

/// Something that was left out of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Younger {
    /// What: the name of a tag, of an enumeration's value or of an attribute.
    pub what: String,
    /// The first version that has it; none if no version that we speak has it.
    pub since: Option<ProtocolVersion>,
}

impl Younger {
    /// A tag.
    pub(crate) fn tag(tag: Tag) -> Self {
        let entry = tag::entry(tag);
        Younger {
            what: entry.map_or(tag.to_string(), |entry| entry.name.to_owned()),
            since: entry.map(|entry| entry.since),
        }
    }
}

impl fmt::Display for Younger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.since {
            Some(since) => write!(f, "{} (since KMIP {since})", self.what),
            None => write!(f, "{} (in no version up to {})", self.what, ProtocolVersion::V1_4),
        }
    }
}

/// Writes one answer.
pub(crate) struct Encoder<'a> {
    writer: Writer<'a>,
    version: ProtocolVersion,
    /// Whether something younger was met in the current unit.
    refused: bool,
    younger: Vec<Younger>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(buffer: &'a mut Vec<u8>, version: ProtocolVersion) -> Self {
        Encoder { writer: Writer::new(buffer), version, refused: false, younger: Vec::new() }
    }

    /// All that was left out.
    pub(crate) fn finish(self) -> Vec<Younger> {
        self.younger
    }

    /// A unit that is left out as a whole if something in it is too young. Says whether it was written.
    pub(crate) fn optional(&mut self, fill: impl FnOnce(&mut Self)) -> bool {
        let refused_before = std::mem::replace(&mut self.refused, false);
        let position = self.writer.position();
        fill(self);
        let refused = std::mem::replace(&mut self.refused, refused_before);
        if refused {
            self.writer.rewind(position);
        }
        !refused
    }

    #[inline]
    pub(crate) fn structure(&mut self, tag: Tag, fill: impl FnOnce(&mut Self)) {
        if self.allows(tag) {
            let open = self.writer.open(tag);
            fill(self);
            self.writer.close(open);
        }
    }

    #[inline]
    pub(crate) fn integer(&mut self, tag: Tag, value: i32) {
        if self.allows(tag) {
            self.writer.integer(tag, value);
        }
    }

    /// A text under a tag. The name of an attribute is written by [`Encoder::attribute_name`], also from here: what may
    /// be written must not depend on who remembers to ask.
    #[inline]
    pub(crate) fn text_string(&mut self, tag: Tag, value: &str) {
        if tag == tag::ATTRIBUTE_NAME {
            self.attribute_name(value);
        } else if self.allows(tag) {
            self.writer.text_string(tag, value);
        }
    }

    #[inline]
    pub(crate) fn byte_string(&mut self, tag: Tag, value: &[u8]) {
        if self.allows(tag) {
            self.writer.byte_string(tag, value);
        }
    }

    #[inline]
    pub(crate) fn date_time(&mut self, tag: Tag, seconds: i64) {
        if self.allows(tag) {
            self.writer.date_time(tag, seconds);
        }
    }

    #[inline]
    pub(crate) fn boolean(&mut self, tag: Tag, value: bool) {
        if self.allows(tag) {
            self.writer.boolean(tag, value);
        }
    }

    #[inline]
    pub(crate) fn interval(&mut self, tag: Tag, seconds: u32) {
        if self.allows(tag) {
            self.writer.interval(tag, seconds);
        }
    }

    /// The version of the answer, for what a structure gained after its tag.
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// A value of an enumeration, under the tag that the place demands.
    #[inline]
    pub(crate) fn enumeration<E: Enumeration>(&mut self, tag: Tag, value: E) {
        if !value.allowed_in(self.version) {
            let what = value.entry().map_or(format!("0x{:08X}", value.number()), |(name, _)| name.to_owned());
            self.refuse(what, value.entry().map(|(_, since)| since));
        } else if self.allows(tag) {
            self.writer.enumeration(tag, value.number());
        }
    }

    /// The operation that is answered. It comes from the request, so it is echoed whatever its age.
    pub(crate) fn echoed_operation(&mut self, operation: Operation) {
        self.writer.enumeration(Operation::TAG, operation.0);
    }

    /// An item that was encoded by a client, perhaps one of a later version.
    pub(crate) fn encoded(&mut self, item: &[u8]) {
        match first_younger(item, self.version) {
            Some(younger) => self.leave_out(younger),
            None => self.writer.encoded(item),
        }
    }

    /// The name of an attribute, unless attributes of that name are too young.
    pub(crate) fn attribute_name(&mut self, name: &str) {
        if attribute_name::allowed_in(name, self.version) {
            self.writer.text_string(tag::ATTRIBUTE_NAME, name);
        } else {
            self.refuse(name.to_owned(), attribute_name::since(name));
        }
    }

    #[inline]
    fn allows(&mut self, tag: Tag) -> bool {
        let allowed = tag::allowed_in(tag, self.version);
        if !allowed {
            self.refuse_tag(tag);
        }
        allowed
    }

    #[cold]
    fn refuse_tag(&mut self, tag: Tag) {
        self.leave_out(Younger::tag(tag));
    }

    #[cold]
    fn refuse(&mut self, what: String, since: Option<ProtocolVersion>) {
        self.leave_out(Younger { what, since });
    }

    /// Leaves out the unit around this.
    #[cold]
    pub(crate) fn leave_out(&mut self, younger: Younger) {
        self.refused = true;
        self.younger.push(younger);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_writer_of_text_writes_the_name_of_a_younger_attribute() {
        let writers: [fn(&mut Encoder<'_>, &str); 2] = [
            |encoder, name| encoder.attribute_name(name),
            |encoder, name| encoder.text_string(tag::ATTRIBUTE_NAME, name),
        ];
        for write in writers {
            let mut buffer = Vec::new();
            let mut encoder = Encoder::new(&mut buffer, ProtocolVersion::V1_0);
            assert!(!encoder.optional(|encoder| write(encoder, attribute_name::SENSITIVE)));
            assert!(encoder.optional(|encoder| write(encoder, attribute_name::STATE)));
            let younger = Younger { what: "Sensitive".to_owned(), since: Some(ProtocolVersion::V1_4) };
            assert_eq!(encoder.finish(), [younger]);
            let holds = |name: &str| buffer.windows(name.len()).any(|window| window == name.as_bytes());
            assert!(!holds("Sensitive") && holds("State"));
        }
    }
}
