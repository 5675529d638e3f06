//! Two runs of bytes: where they differ first, and how it looks there.

use std::fmt::Write as _;

use crate::trace::Blob;

/// How many bytes stand in a row.
const ROW: usize = 16;

/// The first differing byte of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// Its offset; where one is the beginning of the other, the length of the shorter one.
    pub offset: usize,
    /// How long they are.
    pub lengths: [usize; 2],
    /// The rows around it: the common one before it, and the row of each, with offsets; none where a secret could stand
    /// in them.
    pub rows: Vec<String>,
    /// Whether they differ in what was struck out as a secret, and nowhere else.
    pub secret: bool,
}

impl Bytes {
    /// Compares what two runs kept.
    pub(super) fn compare(one: &Blob, other: &Blob) -> Self {
        let mut bytes = Bytes::of(&one.shown, &other.shown);
        bytes.secret = one.shown == other.shown && one != other;
        if bytes.secret {
            bytes.rows.clear();
        }
        bytes
    }

    /// Compares bytes as they are.
    pub(super) fn of(one: &[u8], other: &[u8]) -> Self {
        let offset = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        let start = offset - offset % ROW;
        let mut rows = Vec::new();
        if start > 0 {
            rows.push(row("both", one, start - ROW));
        }
        rows.extend([row("one", one, start), row("other", other, start)]);
        Bytes { offset, lengths: [one.len(), other.len()], rows, secret: false }
    }
}

fn row(name: &str, bytes: &[u8], start: usize) -> String {
    let bytes = bytes.get(start..).unwrap_or_default();
    let bytes = &bytes[..bytes.len().min(ROW)];
    let mut digits = String::new();
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(digits, "{byte:02x} ");
    }
    let text: String =
        bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
    format!("{name:<5} {start:06x}  {digits:<48} {text}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_the_first_difference_is_shown_of_both_and_the_one_before_it_once() {
        let one: Vec<u8> = (0x30..0x54).collect();
        let mut other = one.clone();
        other[18] = 0xff;
        let bytes = Bytes::of(&one, &other);
        assert_eq!((bytes.offset, bytes.lengths), (18, [36, 36]));
        insta::assert_snapshot!(bytes.rows.join("\n"), @r#"
    both  000000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?
    one   000010  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO
    other 000010  40 41 ff 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @A.CDEFGHIJKLMNO
    "#);
    }

    #[test]
    fn where_one_is_the_beginning_of_the_other_they_differ_at_its_end() {
        let bytes = Bytes::of(b"abc", b"abcd");
        assert_eq!((bytes.offset, bytes.lengths), (3, [3, 4]));
        insta::assert_snapshot!(bytes.rows.join("\n"), @r#"
    one   000000  61 62 63                                         abc
    other 000000  61 62 63 64                                      abcd
    "#);
        assert_eq!(Bytes::of(b"", b"a").offset, 0);
    }

    #[test]
    fn bytes_that_differ_in_a_secret_only_show_nothing() {
        let blob = |struck: &str| Blob { shown: b"key: ****".to_vec(), struck: Some(struck.to_owned()) };
        let bytes = Bytes::compare(&blob("one digest"), &blob("another"));
        assert!(bytes.secret && bytes.rows.is_empty());
    }
}
