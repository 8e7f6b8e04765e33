//! The page on the protocol and the code have the same limits.

use std::collections::BTreeMap;

use super::{
    Violation,
    lexer::{Kind, Token, tokens},
    repo::Repo,
    source::closing,
};

/// The page.
const PROTOCOL: &str = "docs/protocol.md";

/// Where limits of the protocol are declared.
const HOMES: [&str; 3] = ["crates/cos-batch-model/src/", "crates/cos-signature/src/", "crates/cos-batch-server/src/"];

/// Each limit that the page names in code quotes, as `Type::NAME = number`, is a constant with that number, and each
/// public constant that is a number stands on the page. Durations count in seconds.
///
/// Why: people build against the page. A number that was changed in one of the two places only is a trap for them.
pub(crate) fn limits_described(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "limits-described";
    let limits = limits(repo);
    let mut violations = Vec::new();
    let mut named = Vec::new();
    for (index, line) in repo.text(PROTOCOL).unwrap_or_default().lines().enumerate() {
        for (name, number) in line.split('`').skip(1).step_by(2).filter_map(claim) {
            named.push(name);
            let advice = match limits.get(name) {
                Some(limit) if limit.number == number => continue,
                Some(limit) => format!("`{name}` is {} in {}, not {number}", limit.number, limit.path),
                None => format!("there is no public constant `{name}`: correct the name, or take it out"),
            };
            violations.push(Violation::new(PROTOCOL, index + 1, RULE, advice));
        }
    }
    for (name, limit) in limits.iter().filter(|(name, _)| !named.contains(&name.as_str())) {
        let advice = format!("describe this limit in {PROTOCOL}, as `{name} = {}`, with its source", limit.number);
        violations.push(Violation::new(limit.path, limit.line, RULE, advice));
    }
    violations
}

/// `Type::NAME = number`.
fn claim(quoted: &str) -> Option<(&str, i128)> {
    let (name, number) = quoted.split_once(" = ")?;
    let last = name.rsplit("::").next()?;
    let is_constant = last.starts_with(|c: char| c.is_ascii_uppercase())
        && last.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_constant.then(|| number.parse().ok()).flatten().map(|number| (name, number))
}

/// A constant of the code.
struct Limit<'a> {
    path: &'a str,
    line: usize,
    number: i128,
}

/// A constant as declared, its number not worked out yet.
struct Declared<'a, 't> {
    path: &'a str,
    line: usize,
    name: String,
    public: bool,
    value: &'t [Token<'a>],
    /// The range of numbers that a macro was given for this one.
    range: Option<(i128, i128)>,
}

fn limits(repo: &Repo) -> BTreeMap<String, Limit<'_>> {
    let files = repo.with_ending("rs").filter(|(path, _)| HOMES.iter().any(|home| path.starts_with(home)));
    let files: Vec<(&str, Vec<Token<'_>>)> = files.map(|(path, text)| (path, tokens(text))).collect();
    let macros: Macros<'_, '_> = files.iter().flat_map(|(_, tokens)| macros(tokens)).collect();
    let declared: Vec<Declared<'_, '_>> =
        files.iter().flat_map(|(path, tokens)| declared(path, tokens, &macros)).collect();
    // A constant may be another one by its name, in any order; each round works out those whose others are known.
    let mut known: BTreeMap<&str, i128> = BTreeMap::new();
    loop {
        let before = known.len();
        for constant in &declared {
            if let Some(number) = number(constant, &known) {
                known.insert(&constant.name, number);
            }
        }
        if known.len() == before {
            break;
        }
    }
    let public = declared.iter().filter(|constant| constant.public);
    public
        .filter_map(|constant| {
            let number = number(constant, &known)?;
            Some((constant.name.clone(), Limit { path: constant.path, line: constant.line, number }))
        })
        .collect()
}

/// Bodies of macros, by name.
type Macros<'a, 't> = BTreeMap<&'a str, &'t [Token<'a>]>;

/// The macros that a file defines.
fn macros<'a, 't>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = (&'a str, &'t [Token<'a>])> {
    (0..tokens.len()).filter(|at| tokens[*at].is_name("macro_rules")).filter_map(|at| {
        let (name, open) = (tokens.get(at + 2)?, at + 3);
        Some((name.text, tokens.get(open..closing(tokens, open))?))
    })
}

/// All constants of a file: free ones, those of types, and those that macros make.
fn declared<'a, 't>(path: &'a str, tokens: &'t [Token<'a>], macros: &Macros<'a, 't>) -> Vec<Declared<'a, 't>> {
    let mut found = Vec::new();
    let (mut owner, mut owner_end) = (String::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        if at >= owner_end {
            owner.clear();
        }
        let token = &tokens[at];
        let is_macro = tokens.get(at + 1).is_some_and(|next| next.is_mark("!"));
        if token.is_name("macro_rules") {
            at = closing(tokens, at + 3);
        } else if let (Some(body), true) = (macros.get(token.text), is_macro) {
            let end = closing(tokens, at + 2);
            found.extend(made(path, body, tokens.get(at + 3..end).unwrap_or_default()));
            at = end;
        } else if token.is_name("impl") {
            let open = tokens[at..].iter().position(|token| token.is_mark("{")).map_or(tokens.len(), |open| at + open);
            let name = tokens[at..open].iter().rfind(|token| token.kind == Kind::Name);
            owner = name.map_or_else(String::new, |name| format!("{}::", name.text));
            owner_end = closing(tokens, open);
            at = open;
        } else if let Some((name, value)) = constant(tokens, at) {
            let public = at > 0 && tokens[at - 1].is_name("pub");
            let name = format!("{owner}{}", name.text);
            found.push(Declared { path, line: token.line, name, public, value, range: None });
        }
        at += 1;
    }
    found
}

/// The constants that a macro with this body makes of these arguments: `Name …, low..=high, …`.
fn made<'a, 't>(path: &'a str, body: &'t [Token<'a>], arguments: &[Token<'a>]) -> Vec<Declared<'a, 't>> {
    let Some(owner) = arguments.iter().find(|token| token.kind == Kind::Name) else { return Vec::new() };
    let range = arguments.windows(5).find_map(|five| {
        let dots = five[1].is_mark(".") && five[2].is_mark(".") && five[3].is_mark("=");
        dots.then(|| Some((literal(&five[0])?, literal(&five[4])?))).flatten()
    });
    let constants = (1..body.len()).filter(|at| body[at - 1].is_name("pub")).filter_map(|at| constant(body, at));
    constants
        .map(|(name, value)| {
            let name = format!("{}::{}", owner.text, name.text);
            Declared { path, line: owner.line, name, public: true, value, range }
        })
        .collect()
}

/// `const NAME: … = value;` that begins here: its name and its value.
fn constant<'a, 't>(tokens: &'t [Token<'a>], at: usize) -> Option<(&'t Token<'a>, &'t [Token<'a>])> {
    let name = tokens.get(at + 1).filter(|name| tokens[at].is_name("const") && name.kind == Kind::Name)?;
    let end = at + tokens[at..].iter().position(|token| token.is_mark(";"))?;
    let equals = at + tokens[at..end].iter().position(|token| token.is_mark("="))?;
    Some((name, &tokens[equals + 1..end]))
}

/// The number of a constant: a product of numbers and of other constants, or a duration in seconds.
fn number(constant: &Declared<'_, '_>, known: &BTreeMap<&str, i128>) -> Option<i128> {
    let (negative, value) = match constant.value {
        [minus, rest @ ..] if minus.is_mark("-") => (true, rest),
        value => (false, value),
    };
    let seconds = value.iter().position(|token| token.is_name("from_secs"));
    let value = seconds.map_or(value, |at| value.get(at + 2..value.len() - 1).unwrap_or_default());
    let mut factors = value.split(|token| token.is_mark("*")).map(|factor| match factor {
        [dollar, name] if dollar.is_mark("$") => match (name.text, constant.range?) {
            ("min", (min, _)) => Some(min),
            ("max", (_, max)) => Some(max),
            _ => None,
        },
        [only] if only.kind == Kind::Literal => literal(only),
        [only] if only.kind == Kind::Name => known.get(only.text).copied(),
        _ => None,
    });
    let product = factors.try_fold(1_i128, |product, factor| product.checked_mul(factor?))?;
    Some(if negative { -product } else { product })
}

fn literal(token: &Token<'_>) -> Option<i128> {
    token.text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACRO: &str = r#"
        macro_rules! text { ($name:ident, $min:literal..=$max:literal) => {
            impl $name { pub const FIELD: &'static str = "f"; pub const MAX_BYTES: usize = $max; const OTHER: u8 = 1; }
        }; }
    "#;

    const SCALARS: &str = r#"
        text! { JobId, "JobId", 1..=64, Segment }
        text! { Token, "Token", 0..=1_024, Xml }
        impl Tag { pub const MAX: usize = 10; fn f() { const INNER: u8 = 7; } }
        impl Default for Tag { fn default() -> Self { Self } }
        pub const WAIT: Duration = Duration::from_secs(2 * 30);
        pub const SAME: usize = LATER;
        pub(crate) const LATER: usize = 4 * KIB;
        const KIB: usize = 1024;
        pub const EARLIEST: i64 = -62_167;
        pub const NAME: &str = "x";
    "#;

    fn found(page: &str) -> Vec<(String, usize, String)> {
        let repo = Repo::of(&[
            ("crates/cos-batch-model/src/a.rs", SCALARS),
            ("crates/cos-batch-model/src/b.rs", MACRO),
            (PROTOCOL, page),
        ]);
        limits_described(&repo).into_iter().map(|v| (v.path, v.line, v.message)).collect()
    }

    const WHOLE: &str = "`JobId::MAX_BYTES = 64` `Token::MAX_BYTES = 1024`, `Tag::MAX = 10`\n\
                         `WAIT = 60` `SAME = 4096` `EARLIEST = -62167` and `a = 3`, `x <= 4`\n";

    #[test]
    fn a_page_that_says_it_all_passes() {
        assert_eq!(found(WHOLE), []);
    }

    #[test]
    fn a_wrong_number_and_a_name_of_nothing_are_found() {
        let page = format!("{}`GONE = 1`\n", WHOLE.replace("Token::MAX_BYTES = 1024", "Token::MAX_BYTES = 1023"));
        let found = found(&page);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].0.as_str(), found[0].1), (PROTOCOL, 1));
        assert!(found[0].2.contains("is 1024 in crates/cos-batch-model/src/a.rs, not 1023"), "{}", found[0].2);
        assert_eq!(found[1].1, 3);
        assert!(found[1].2.contains("no public constant `GONE`"), "{}", found[1].2);
    }

    #[test]
    fn a_limit_that_the_page_leaves_out_is_found() {
        let found = found(&WHOLE.replace("`JobId::MAX_BYTES = 64` ", "").replace("`EARLIEST = -62167`", ""));
        let places: Vec<_> = found.iter().map(|(path, line, _)| (path.as_str(), *line)).collect();
        let file = "crates/cos-batch-model/src/a.rs";
        assert_eq!(places, [(file, 10), (file, 2)]);
        assert!(found[0].2.contains("`EARLIEST = -62167`"), "{}", found[0].2);
    }
}
