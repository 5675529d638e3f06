//! Reads one Rust file as text: which paths it names, and which files it declares as modules.
//!
//! In order: cut the text into tokens without comments and literals, follow `mod` blocks, collect every path with two
//! or more segments and resolve `crate`, `self` and `super`. It is not a parser of Rust, and needs not be one: rooms are
//! named in paths, and paths look the same everywhere, in `use`, in expressions and in macros.
//!
//! Invariant: comments and string literals name nothing.

/// What a file names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// Every path, absolute where it began with `crate`, `self` or `super`, in the order of the text.
    pub(crate) paths: Vec<Named>,
    /// Modules declared with `mod name;`, below the file's own module. Where a macro declares them, every word of the
    /// file, one of which each of them is.
    pub(crate) declared: Vec<Vec<String>>,
}

/// A path and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The segments; `*` for a glob.
    pub(crate) path: Vec<String>,
}

impl Source {
    /// Reads a file whose module is `module`, which begins with the name of the crate.
    pub(crate) fn read(text: &str, module: &[String]) -> Self {
        let mut reader = Reader { tokens: tokens(text), next: 0, source: Source::default() };
        reader.walk(module);
        reader.source
    }
}

/// What paths are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Separator,
    Mark(char),
}

/// The keywords that can stand directly before a path.
const KEYWORDS: &[&str] = &[
    "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "move", "mut", "ref", "return",
    "unsafe", "use", "where", "while", "yield",
];

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    source: Source,
}

impl Reader {
    fn walk(&mut self, module: &[String]) {
        // Inline modules that stand open, each with the depth of braces at which it closes.
        let mut open: Vec<(usize, String)> = Vec::new();
        let mut depth = 0;
        while let Some(token) = self.peek(0).cloned() {
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => {
                    depth = usize::saturating_sub(depth, 1);
                    open.retain(|(outside, _)| *outside < depth);
                }
                Token::Word(word) if word == "mod" => match (self.peek(1).cloned(), self.peek(2).cloned()) {
                    (Some(Token::Word(name)), Some(Token::Mark('{'))) => {
                        open.push((depth, name));
                        self.next += 1;
                    }
                    (Some(Token::Word(name)), Some(Token::Mark(';'))) => {
                        let outer = open.iter().map(|(_, outer)| outer.clone());
                        self.source.declared.push(outer.chain([name]).collect());
                    }
                    // `mod $name;`: a macro declares modules from a table, so what the file mentions may be a module.
                    (Some(Token::Mark('$')), Some(Token::Word(_))) => {
                        let words = self.tokens.iter().filter_map(|(_, token)| match token {
                            Token::Word(word) => Some(vec![word.clone()]),
                            _ => None,
                        });
                        self.source.declared.extend(words);
                    }
                    _ => {}
                },
                Token::Word(word) if self.begins_path(&word) || self.is_renamed(&word) => {
                    let first = self.source.paths.len();
                    self.tree(Vec::new());
                    for named in self.source.paths.iter_mut().skip(first) {
                        let inner = open.iter().map(|(_, name)| name);
                        named.path = resolve(&named.path, module.iter().chain(inner).cloned().collect());
                    }
                    continue;
                }
                _ => {}
            }
            self.next += 1;
        }
    }

    /// A word before `::`, unless it is a keyword before a path that begins with `::`.
    fn begins_path(&self, word: &str) -> bool {
        self.peek(1) == Some(&Token::Separator) && !KEYWORDS.contains(&word)
    }

    /// `use kmip_proxy as product;` and the like: a crate under another name.
    fn is_renamed(&self, word: &str) -> bool {
        let before = self.next.checked_sub(1).and_then(|before| self.tokens.get(before));
        let imports = matches!(before, Some((_, Token::Word(keyword))) if keyword == "use" || keyword == "crate");
        imports && word != "crate" && self.peek(1) == Some(&Token::Word("as".to_owned()))
    }

    /// One path, or a tree of them in braces. Leaves the reader behind its last token.
    fn tree(&mut self, mut path: Vec<String>) {
        let mut line = self.line();
        loop {
            match self.peek(0).cloned() {
                Some(Token::Word(word)) => {
                    line = self.line();
                    path.push(word);
                    self.next += 1;
                }
                Some(Token::Mark('*')) if !path.is_empty() => {
                    line = self.line();
                    path.push("*".to_owned());
                    self.next += 1;
                }
                Some(Token::Mark('{')) if !path.is_empty() => {
                    self.next += 1;
                    self.branches(&path);
                    return;
                }
                _ => break,
            }
            if self.peek(0) != Some(&Token::Separator) {
                break;
            }
            self.next += 1;
        }
        self.source.paths.push(Named { line, path });
    }

    /// The branches between the braces of a tree.
    fn branches(&mut self, path: &[String]) {
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('}') => {
                    self.next += 1;
                    return;
                }
                // `as name` gives a branch another name and leads nowhere else.
                Token::Word(word) if word == "as" => self.next += 2,
                Token::Word(_) | Token::Mark('*' | '{') => self.tree(path.to_vec()),
                Token::Mark(_) | Token::Separator => self.next += 1,
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|(_, token)| token)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.next).map_or(0, |(line, _)| *line)
    }
}

/// Makes a path absolute, as seen from a module.
fn resolve(path: &[String], module: Vec<String>) -> Vec<String> {
    let mut rest = path;
    let mut absolute = match path.first().map(String::as_str) {
        Some("crate") => module.into_iter().take(1).collect(),
        Some("self" | "super") => module,
        _ => Vec::new(),
    };
    if let Some("crate" | "self") = path.first().map(String::as_str) {
        rest = path.get(1..).unwrap_or_default();
    }
    while let Some("super") = rest.first().map(String::as_str) {
        absolute.pop();
        rest = rest.get(1..).unwrap_or_default();
    }
    // `room::{self, ..}` names the room.
    absolute.extend(rest.iter().filter(|segment| *segment != "self").cloned());
    absolute
}

/// Cuts a text into tokens, without comments, literals and white space.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut tokens = Vec::new();
    while let Some(first) = lexer.rest.chars().next() {
        let line = lexer.line;
        if lexer.rest.starts_with("//") {
            lexer.skip_while(|character| character != '\n');
        } else if lexer.rest.starts_with("/*") {
            lexer.skip_block_comment();
        } else if first == '"' {
            lexer.skip_string();
        } else if first == '\'' {
            lexer.skip_quote();
        } else if lexer.rest.starts_with("::") {
            lexer.skip(2);
            tokens.push((line, Token::Separator));
        } else if is_word(first) {
            let word = lexer.word();
            if !lexer.skip_prefixed_literal(&word) && !first.is_ascii_digit() {
                tokens.push((line, Token::Word(word)));
            }
        } else {
            lexer.skip(first.len_utf8());
            if !first.is_whitespace() {
                tokens.push((line, Token::Mark(first)));
            }
        }
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    /// Skips this many bytes, which end at a character.
    fn skip(&mut self, length: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += skipped.matches('\n').count();
        self.rest = rest;
        skipped
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        self.skip(self.rest.find(|character| !wanted(character)).unwrap_or(self.rest.len()))
    }

    fn word(&mut self) -> String {
        self.skip_while(is_word).to_owned()
    }

    /// Block comments nest.
    fn skip_block_comment(&mut self) {
        self.skip(2);
        let mut depth = 1;
        while depth > 0 && !self.rest.is_empty() {
            if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
            } else if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else {
                self.skip(self.rest.chars().next().map_or(0, char::len_utf8));
            }
        }
    }

    fn skip_string(&mut self) {
        self.skip(1);
        loop {
            self.skip_while(|character| character != '"' && character != '\\');
            match self.rest.chars().next() {
                Some('\\') => {
                    self.skip(1);
                    self.skip(self.rest.chars().next().map_or(0, char::len_utf8));
                }
                Some(_) => {
                    self.skip(1);
                    return;
                }
                None => return,
            }
        }
    }

    /// A character, or the tick of a lifetime.
    fn skip_quote(&mut self) {
        self.skip(1);
        let mut ahead = self.rest.chars();
        match (ahead.next(), ahead.next()) {
            (Some('\\'), Some(escaped)) => {
                self.skip(1 + escaped.len_utf8());
                self.skip_while(|character| character != '\'');
                self.skip(1);
            }
            (Some(character), Some('\'')) => {
                self.skip(character.len_utf8() + 1);
            }
            _ => {
                self.skip_while(is_word);
            }
        }
    }

    /// What follows `r`, `b`, `br` and their kin; `false` where it is no literal. A raw word (`r#type`) loses its mark.
    fn skip_prefixed_literal(&mut self, prefix: &str) -> bool {
        let raw = matches!(prefix, "r" | "br" | "cr");
        if matches!(prefix, "b" | "c") && self.rest.starts_with('"') {
            self.skip_string();
            return true;
        }
        if prefix == "b" && self.rest.starts_with('\'') {
            self.skip_quote();
            return true;
        }
        if !raw {
            return false;
        }
        let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
        if !self.rest.get(hashes..).is_some_and(|rest| rest.starts_with('"')) {
            let is_raw_word = prefix == "r" && hashes == 1;
            if is_raw_word {
                self.skip(1);
            }
            return is_raw_word;
        }
        self.skip(hashes + 1);
        let end = format!("\"{}", "#".repeat(hashes));
        self.skip(self.rest.find(&end).map_or(self.rest.len(), |at| at + end.len()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of a text that stands in `kmip_proxy::kms::aws`, as `line path`.
    fn paths(text: &str) -> Vec<String> {
        let module = ["kmip_proxy", "kms", "aws"].map(str::to_owned);
        let source = Source::read(text, &module);
        source.paths.iter().map(|named| format!("{} {}", named.line, named.path.join("::"))).collect()
    }

    #[test]
    fn a_use_names_its_path() {
        assert_eq!(paths("use crate::keys::Provider;"), ["1 kmip_proxy::keys::Provider"]);
        assert_eq!(paths("pub(crate) use ::kmip_proxy::kmip::*;"), ["1 kmip_proxy::kmip::*"]);
    }

    #[test]
    fn a_tree_names_every_leaf_on_its_own_line() {
        let text = "use crate::{\n  keys::{self, Secret as Hidden},\n  env::BoxFuture,\n};\nuse std::fmt;";
        assert_eq!(
            paths(text),
            ["2 kmip_proxy::keys", "2 kmip_proxy::keys::Secret", "3 kmip_proxy::env::BoxFuture", "5 std::fmt"]
        );
    }

    #[test]
    fn an_expression_names_its_path() {
        assert_eq!(paths("let x = crate::kmip::tag::<u8>(1) + 2;"), ["1 kmip_proxy::kmip::tag"]);
        assert_eq!(paths("fn f(x: &dyn kmip_proxy::env::Files) {}"), ["1 kmip_proxy::env::Files"]);
        assert_eq!(paths("$crate::ttlv::item!()"), ["1 kmip_proxy::ttlv::item"]);
    }

    #[test]
    fn super_climbs_out_of_files_and_of_inline_modules() {
        assert_eq!(paths("use super::error::Class;"), ["1 kmip_proxy::kms::error::Class"]);
        assert_eq!(paths("use super::super::keys::Secret;"), ["1 kmip_proxy::keys::Secret"]);
        let text = "mod tests { use super::*; use super::super::Call; }\nuse super::Call;";
        assert_eq!(paths(text), ["1 kmip_proxy::kms::aws::*", "1 kmip_proxy::kms::Call", "2 kmip_proxy::kms::Call"]);
    }

    #[test]
    fn a_crate_under_another_name_is_still_named() {
        assert_eq!(paths("use kmip_proxy as product;"), ["1 kmip_proxy"]);
        assert_eq!(paths("extern crate kmip_proxy as product;"), ["1 kmip_proxy"]);
    }

    #[test]
    fn comments_name_nothing() {
        assert_eq!(paths("//! crate::kmip\n/* crate::kmip /* crate::ttlv */ crate::kmip */ // crate::kmip"), [""; 0]);
    }

    #[test]
    fn literals_name_nothing_and_hide_nothing() {
        let text = r####"
            let a = "crate::kmip \" crate::kmip"; let b = r#"crate::kmip " crate::kmip"#;
            let c = b"crate::kmip"; let d = ['"', '\'', '\u{22}', b'"']; let e: &'static str = "";
            let r#type = 1_000..2; crate::keys::seen();
        "####;
        assert_eq!(paths(text), ["4 kmip_proxy::keys::seen"]);
    }

    #[test]
    fn only_modules_in_files_of_their_own_are_declared() {
        let source = Source::read("pub mod a;\nmod b { mod c; fn f() {} }\n// mod d;\nmod e;", &[]);
        let declared: Vec<String> = source.declared.iter().map(|path| path.join("/")).collect();
        assert_eq!(declared, ["a", "b/c", "e"]);
    }

    #[test]
    fn a_macro_declares_what_its_table_names() {
        let text = "macro_rules! verbs { ($($verb:ident,)+) => { $(mod $verb;)+ } }\nverbs! { reject, renew, }";
        let source = Source::read(text, &[]);
        for verb in ["reject", "renew"] {
            assert!(source.declared.contains(&vec![verb.to_owned()]), "{verb}");
        }
        assert!(!source.declared.contains(&vec!["restore".to_owned()]));
    }

    #[test]
    fn a_file_that_breaks_off_is_read_to_its_end() {
        for text in ["use crate::{keys::", "\"", "'", "/*", "r#\"", "'\\", "use crate::", "mod", "}"] {
            Source::read(text, &[]);
        }
    }
}
