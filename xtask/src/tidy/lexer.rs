//! Rust text as tokens: just enough that names in code can be told from words in comments and strings.

/// A piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What kind.
    pub(crate) kind: Kind,
    /// As written.
    pub(crate) text: &'a str,
    /// Line, from 1.
    pub(crate) line: usize,
    /// Inside an item that exists for tests only.
    pub(crate) test: bool,
}

impl Token<'_> {
    /// This name.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.kind == Kind::Name && self.text == name
    }

    /// This punctuation mark.
    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }
}

/// Kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word: identifier or keyword (a raw identifier without its `r#`).
    Name,
    /// String, character or number.
    Literal,
    /// One punctuation character.
    Mark,
}

/// Cuts Rust text into tokens; comments and white space fall out. Never fails: text that is not Rust gives some tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Consumes one token, comment or blank; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return false };
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(block_comment(rest));
        } else if let Some(length) = string(rest).or_else(|| character(rest)) {
            self.take(Kind::Literal, length);
        } else if first.is_ascii_digit() {
            self.take(Kind::Literal, word(rest));
        } else if first == '_' || first.is_alphabetic() {
            self.name(rest);
        } else if first == '\'' {
            // A lifetime: no rule looks at these.
            self.skip(1 + word(&rest[1..]));
        } else {
            self.take(Kind::Mark, first.len_utf8());
        }
        true
    }

    fn name(&mut self, rest: &'a str) {
        if let Some(raw) = rest.strip_prefix("r#").filter(|raw| word(raw) > 0) {
            self.skip(2);
            self.take(Kind::Name, word(raw));
        } else {
            self.take(Kind::Name, word(rest));
        }
    }

    fn take(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, text: &self.rest()[..length], line: self.line, test: false });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest()[..length].matches('\n').count();
        self.at += length;
    }
}

/// Length of the word at the start.
fn word(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
}

/// Length of the comment at the start; comments nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// Length of the string at the start, raw or not.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r"]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')));
    let prefix = prefix.unwrap_or("");
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let start = prefix.len() + hashes + 1;
        return Some(text[start..].find(&end).map_or(text.len(), |length| start + length + end.len()));
    }
    rest.starts_with('"').then(|| prefix.len() + quoted(rest, b'"'))
}

/// Length of the character at the start: not of a lifetime, which has no second quote.
fn character(text: &str) -> Option<usize> {
    let prefix = usize::from(text.starts_with("b'"));
    let rest = &text[prefix..];
    let inner = rest.strip_prefix('\'')?;
    let mut chars = inner.chars();
    let first = chars.next()?;
    (first == '\\' || chars.next() == Some('\'')).then(|| prefix + quoted(rest, b'\''))
}

/// Length of a quoted text with backslash escapes.
fn quoted(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        tokens(text).iter().filter(|token| token.kind == Kind::Name).map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_hide_their_words() {
        let text = r###"a // b
            /* c /* d */ e */ f "g \" h" r#"i " j"# b'k' 'l' '\'' m::<'n>() br"o" r#type 'é' p"###;
        assert_eq!(names(text), ["a", "f", "m", "type", "p"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let text = "/*\n*/ a \"\n\n\" b r\"\n\" c";
        let lines: Vec<_> = tokens(text).iter().filter(|t| t.kind == Kind::Name).map(|t| (t.text, t.line)).collect();
        assert_eq!(lines, [("a", 2), ("b", 4), ("c", 5)]);
    }

    #[test]
    fn text_that_is_not_rust_ends_too() {
        for text in ["\"", "'", "/*", "r#\"", "'\\", "b'", "\"\\", "é'", "r#"] {
            tokens(text);
        }
    }
}
