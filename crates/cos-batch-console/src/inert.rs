//! Names that are texts and nothing else.
//!
//! Every value that a template prints goes through [`Inert`], for `askama.toml` says so: none can be forgotten. Where a value
//! goes back to the server in a form it must be what it is: there templates say `|e("exact")`.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

/// Escapes for HTML, and makes everything visible that could disguise a name or a sentence of somebody else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inert;

impl Escaper for Inert {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| steers(*c)) {
            Html.write_escaped_str(&mut dest, &rest[..at])?;
            write!(dest, "\\u{{{:x}}}", u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        Html.write_escaped_str(dest, rest)
    }
}

/// The same for a text that is no HTML yet.
pub(crate) fn inert(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if steers(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Controls and ends of lines, what turns the direction of writing, and what is there and not seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_disguises_a_name() {
        assert_eq!(inert("\u{202e}fdp.exe\u{0}\n中文"), "\\u{202e}fdp.exe\\u{0}\\u{a}中文");
        let mut page = String::new();
        Inert.write_escaped_str(&mut page, "<b>\u{202e}&\u{200b}\n'中文\u{feff}").unwrap();
        assert_eq!(page, "&#60;b&#62;\\u{202e}&#38;\\u{200b}\\u{a}&#39;中文\\u{feff}");
    }

    #[test]
    fn whatever_is_printed_is_inert_unless_it_goes_back() {
        #[derive(askama::Template)]
        #[template(source = "{{ name }} {{ name|e(\"exact\") }} {{ count }}", ext = "html")]
        struct Page<'a> {
            name: &'a str,
            count: u64,
        }
        let page = askama::Template::render(&Page { name: "<\u{202e}", count: 7 }).unwrap();
        assert_eq!(page, "&#60;\\u{202e} &#60;\u{202e} 7");
    }
}
