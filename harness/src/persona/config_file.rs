//! The few shapes of YAML in which mongod's configuration is written: maps within maps, and plain values.
//!
//! Invariant: what is none of these shapes is an error that names the line, never a guess.

/// The values by their keys with dots between them, in the order of the file.
pub(super) fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut values: Vec<(String, String)> = Vec::new();
    // The maps that are open: how far they are indented, and their keys.
    let mut open: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let failed = |why: &str| format!("line {number}: {why}");
        let content = without_comment(line).trim_end();
        let indent = content.len() - content.trim_start_matches(' ').len();
        let content = &content[indent..];
        if content.is_empty() || content == "---" {
            continue;
        }
        if content.starts_with(['\t', '-', '{', '[']) {
            return Err(failed("only maps of plain values are read here, indented with blanks"));
        }
        let (key, value) = content.split_once(':').ok_or_else(|| failed("there is no `:` in it"))?;
        if !(value.is_empty() || value.starts_with(' ')) {
            return Err(failed("there is no blank after the `:`"));
        }
        open.retain(|(of, _)| *of < indent);
        if open.is_empty() && indent > 0 {
            return Err(failed("it is indented, and belongs to nothing"));
        }
        let path: Vec<&str> = open.iter().map(|(_, key)| key.as_str()).chain([key.trim()]).collect();
        let path = path.join(".");
        match unquoted(value.trim()) {
            "" => open.push((indent, key.trim().to_owned())),
            value if value.starts_with(['{', '[', '&', '*', '|', '>']) => {
                return Err(failed("only plain values are read here"));
            }
            _ if values.iter().any(|(known, _)| *known == path) => return Err(failed("the key was given before")),
            value => values.push((path, value.to_owned())),
        }
    }
    Ok(values)
}

/// A `#` begins a comment at the start of a line or after a blank.
fn without_comment(line: &str) -> &str {
    let begins = |at: &usize| *at == 0 || line[..*at].ends_with([' ', '\t']);
    match line.match_indices('#').map(|(at, _)| at).find(begins) {
        Some(at) => &line[..at],
        None => line,
    }
}

fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_within_maps_are_read_with_comments_and_quotes() {
        let text = "# all of it\nsecurity:\n  enableEncryption: true # on\n  kmip:\n    serverName: 'a,b'\n    port: 5696\n\
                    storage:\n    dbPath: \"/data/db#1\"\n";
        let read = read(text).unwrap();
        let read: Vec<_> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            read,
            [
                ("security.enableEncryption", "true"),
                ("security.kmip.serverName", "a,b"),
                ("security.kmip.port", "5696"),
                ("storage.dbPath", "/data/db#1"),
            ]
        );
    }

    #[test]
    fn what_is_no_map_of_plain_values_is_refused_with_its_line() {
        for (text, line) in
            [("a: 1\n- b\n", 2), ("a\n", 1), ("a: {b: 1}\n", 1), ("  a: 1\n", 1), ("a: 1\na: 2\n", 2), ("a:1\n", 1)]
        {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(&format!("line {line}: ")), "{text}: {error}");
        }
    }
}
