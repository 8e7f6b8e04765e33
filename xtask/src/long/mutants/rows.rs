//! Changes of rows of tables and of plain numbers, which cargo-mutants leaves alone: a row is left out, a name is spelt
//! otherwise, a number is one more or one less.

use super::name::Mutant;

/// One change of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowChange {
    pub(crate) mutant: Mutant,
    /// What stands there instead.
    pub(crate) line: String,
}

/// What the lines of a table are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Rows of an array: each can be left out.
    Rows,
    /// `Name = "spelling",`, with a status behind it for error codes.
    Spellings,
    /// `Name, "field", min..=max, characters`.
    Scalars,
}

/// The first lines of tables. A table ends with the first line that begins with a bracket.
const TABLES: &[(&str, Table)] = &[
    ("pub const TRANSITIONS", Table::Rows),
    ("const SIGNED_HEADERS", Table::Rows),
    ("wire_enum! {", Table::Spellings),
    ("error_codes! {", Table::Spellings),
    ("text_scalar! {", Table::Scalars),
    ("number_scalar! {", Table::Scalars),
];

/// Another class of characters for each that a text may have.
const CLASSES: &[(&str, &str)] =
    &[("Segment", "Xml"), ("Name", "Xml"), ("Token", "Xml"), ("Header", "Xml"), ("Xml", "Segment")];

/// All changes of one file. Tests at its end are left alone.
pub(crate) fn changes(path: &str, text: &str) -> Vec<RowChange> {
    let mut found = Vec::new();
    let mut table = None;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if line.starts_with(['}', ']']) {
            table = None;
        } else if let Some((_, kind)) = TABLES.iter().find(|(first, _)| line.starts_with(first)) {
            table = Some(*kind);
            continue;
        }
        let row = line.trim_start();
        if row.starts_with("//") || row.starts_with('#') {
            continue;
        }
        let lines = match table {
            Some(Table::Rows) => vec![("leave out the row".to_owned(), String::new())],
            Some(Table::Spellings) => spellings(line),
            Some(Table::Scalars) => scalars(line),
            None => number(line),
        };
        found.extend(lines.into_iter().map(|(what, line)| {
            let (line_number, column) = (index + 1, 1);
            let mutation = format!("{what} in `{}`", row.split(" //").next().unwrap_or(row).trim_end());
            let name = format!("{path}:{line_number}:{column}: {mutation}");
            let (key, path) = (name.clone(), path.to_owned());
            RowChange { mutant: Mutant { name, key, path, line: line_number, column, mutation }, line }
        }));
    }
    found
}

/// Changes of `Name = "spelling", …`.
fn spellings(line: &str) -> Vec<(String, String)> {
    let mut lines: Vec<_> = respelt(line).into_iter().collect();
    if let Some((code, status)) = line.rsplit_once(", ").filter(|(_, status)| status.ends_with(';')) {
        lines.push((format!("answer otherwise than {status}"), format!("{code}, IM_A_TEAPOT;")));
    }
    lines
}

/// Changes of `Name, "field", min..=max, characters`.
fn scalars(line: &str) -> Vec<(String, String)> {
    let mut lines: Vec<_> = respelt(line).into_iter().collect();
    let Some((before, after)) = line.split_once("..=") else { return lines };
    let begin = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(after.len());
    for (name, min) in neighbours(&before[begin..]) {
        lines.push((format!("replace the least with {name}"), format!("{}{min}..={after}", &before[..begin])));
    }
    for (name, max) in neighbours(&after[..end]) {
        lines.push((format!("replace the most with {name}"), format!("{before}..={max}{}", &after[end..])));
    }
    let class = CLASSES.iter().find_map(|(class, other)| Some((line.strip_suffix(class)?, other)));
    lines.extend(class.map(|(rest, other)| (format!("replace the characters with {other}"), format!("{rest}{other}"))));
    lines
}

/// Changes of `const NAME: type = number;`.
fn number(line: &str) -> Vec<(String, String)> {
    let Some((before, number)) = line.split_once(" = ") else { return Vec::new() };
    let Some(number) = number.strip_suffix(';').filter(|_| before.contains("const ")) else { return Vec::new() };
    neighbours(number)
        .into_iter()
        .map(|(name, other)| (format!("replace with {name}"), format!("{before} = {other};")))
        .collect()
}

/// The line with its first quoted text spelt otherwise.
fn respelt(line: &str) -> Option<(String, String)> {
    let (before, rest) = line.split_once('"')?;
    let (text, after) = rest.split_once('"')?;
    Some((format!("spell {text} otherwise"), format!("{before}\"{text}x\"{after}")))
}

/// One more and one less than a number in digits, as far as there is such a number.
fn neighbours(digits: &str) -> Vec<(String, String)> {
    let Ok(number) = digits.replace('_', "").parse::<u64>() else { return Vec::new() };
    let both = [number.checked_sub(1), number.checked_add(1)];
    both.into_iter().flatten().map(|other| (other.to_string(), other.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
const LEAST: u8 = 0;
const OTHER: usize = 2 * 3;
pub const TRANSITIONS: &[(A, B)] = &[
    (A, B), // Why.
];
wire_enum! {
    /// A doc.
    pub enum E in "E" {
        /// A value.
        V = "v",
    }
}
error_codes! {
    A = "b c", BAD_REQUEST;
}
text_scalar! {
    /// Text: 1–64 bytes.
    T, "t", 1..=64, Segment
}
number_scalar! {
    N(u32), "n", 0..=2_147
}
#[cfg(test)]
const UNSEEN: u8 = 1;
"#;

    #[test]
    fn each_row_is_changed() {
        let found = changes("crates/a/src/x.rs", TEXT);
        let shown: Vec<String> =
            found.iter().map(|c| format!("{}: {} => {}", c.mutant.line, c.mutant.mutation, c.line.trim())).collect();
        assert_eq!(
            shown,
            [
                "2: replace with 1 in `const LEAST: u8 = 0;` => const LEAST: u8 = 1;",
                "5: leave out the row in `(A, B),` => ",
                "9: spell E otherwise in `pub enum E in \"E\" {` => pub enum E in \"Ex\" {",
                "11: spell v otherwise in `V = \"v\",` => V = \"vx\",",
                "15: spell b c otherwise in `A = \"b c\", BAD_REQUEST;` => A = \"b cx\", BAD_REQUEST;",
                "15: answer otherwise than BAD_REQUEST; in `A = \"b c\", BAD_REQUEST;` => A = \"b c\", IM_A_TEAPOT;",
                "19: spell t otherwise in `T, \"t\", 1..=64, Segment` => T, \"tx\", 1..=64, Segment",
                "19: replace the least with 0 in `T, \"t\", 1..=64, Segment` => T, \"t\", 0..=64, Segment",
                "19: replace the least with 2 in `T, \"t\", 1..=64, Segment` => T, \"t\", 2..=64, Segment",
                "19: replace the most with 63 in `T, \"t\", 1..=64, Segment` => T, \"t\", 1..=63, Segment",
                "19: replace the most with 65 in `T, \"t\", 1..=64, Segment` => T, \"t\", 1..=65, Segment",
                "19: replace the characters with Xml in `T, \"t\", 1..=64, Segment` => T, \"t\", 1..=64, Xml",
                "22: spell n otherwise in `N(u32), \"n\", 0..=2_147` => N(u32), \"nx\", 0..=2_147",
                "22: replace the least with 1 in `N(u32), \"n\", 0..=2_147` => N(u32), \"n\", 1..=2_147",
                "22: replace the most with 2146 in `N(u32), \"n\", 0..=2_147` => N(u32), \"n\", 0..=2146",
                "22: replace the most with 2148 in `N(u32), \"n\", 0..=2_147` => N(u32), \"n\", 0..=2148",
            ]
        );
    }

    #[test]
    fn names_are_read_again() {
        for change in changes("crates/a/src/x.rs", TEXT) {
            assert_eq!(Mutant::parse(&change.mutant.name).unwrap(), change.mutant);
        }
    }
}
