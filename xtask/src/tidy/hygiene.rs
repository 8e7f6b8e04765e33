//! Rules for any Rust file, tests included.

use super::{
    Violation,
    source::{Source, attribute, closing},
};

/// Lines of product code a file may have. A file is one thing that fits into a head; above this it is two.
const PRODUCT_LINES_MAX: usize = 600;

/// Lines a file may have with its tests, or as a file of tests.
const LINES_MAX: usize = 900;

/// No test is switched off, and no example in the documentation.
///
/// Why: an ignored test rots unseen. A test that needs something special asks for it by environment and says so.
pub(crate) fn no_ignored_tests(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "no-ignored-tests";
    let mut violations = Vec::new();
    for source in sources {
        for index in 0..source.tokens.len() {
            let Some((_, end)) = attribute(&source.tokens, index) else { continue };
            if let Some(token) = source.tokens[index..end].iter().find(|token| token.is_name("ignore")) {
                let advice = "make the test work, or remove it; a part that another test starts as a process of its own \
                              belongs into that test, behind an environment variable";
                violations.push(Violation::new(source.path, token.line, RULE, advice));
            }
        }
        let is_ignored = |line: &str| {
            let fence = line.trim_start().strip_prefix("//").and_then(|doc| doc.split_once("```"));
            fence.is_some_and(|(_, words)| words.split(',').any(|word| word.trim() == "ignore"))
        };
        for (index, _) in source.text.lines().enumerate().filter(|(_, line)| is_ignored(line)) {
            let advice = "make the example compile, or mark it `text`";
            violations.push(Violation::new(source.path, index + 1, RULE, advice));
        }
    }
    violations
}

/// Nothing is left to be done by a panic at run time, or printed for a debugging session.
///
/// Why: clippy finds these too, but not in code that a feature or a platform switches off.
pub(crate) fn nothing_unfinished(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "nothing-unfinished";
    const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];
    let mut violations = Vec::new();
    for source in sources {
        for pair in source.tokens.windows(2) {
            if pair[1].is_mark("!") && MACROS.iter().any(|name| pair[0].is_name(name)) {
                let advice = format!("`{}!` has no place here: finish it, or leave it out", pair[0].text);
                violations.push(Violation::new(source.path, pair[0].line, RULE, advice));
            }
        }
    }
    violations
}

/// An exception from a lint says why.
///
/// Why: without its reason nobody can tell later whether it is still needed; `expect` even says when it is not.
pub(crate) fn exceptions_have_reasons(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "exceptions-have-reasons";
    let mut violations = Vec::new();
    for source in sources {
        for index in 0..source.tokens.len() {
            let Some((_, end)) = attribute(&source.tokens, index) else { continue };
            for at in index..end {
                let token = &source.tokens[at];
                let opens = source.tokens.get(at + 1).is_some_and(|next| next.is_mark("("));
                if !opens || !(token.is_name("allow") || token.is_name("expect")) {
                    continue;
                }
                let inside = &source.tokens[at + 1..=closing(&source.tokens, at + 1)];
                if !inside.iter().any(|token| token.is_name("reason")) {
                    let advice = "write `#[expect(…, reason = \"…\")]` with the reason";
                    violations.push(Violation::new(source.path, token.line, RULE, advice));
                }
            }
        }
    }
    violations
}

/// The program whose tests are run: there is no library beside it.
const TESTED_PROGRAM: &str = "xtask/src/main.rs";

/// A program is one file without tests, beside a library that has everything else.
///
/// Why: the stage of tests builds no program for the sake of its tests. Each would be linked once more, mostly for none.
pub(crate) fn programs_without_tests(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "programs-without-tests";
    let is_program = |path: &str| path.ends_with("/src/main.rs") || path.contains("/src/bin/");
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| is_program(source.path) && source.path != TESTED_PROGRAM) {
        let found = source.tokens.iter().find(|token| token.test || token.is_name("mod") || token.is_name("test"));
        if let Some(token) = found {
            let advice = "its tests would not be run: move what they test, or the module, to the library beside it";
            violations.push(Violation::new(source.path, token.line, RULE, advice));
        }
    }
    violations
}

/// Files stay short.
///
/// Why: one thing, one file; who looks for a thing finds its file by name, and reads it whole.
pub(crate) fn file_length(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "file-length";
    let mut violations = Vec::new();
    for source in sources {
        if source.lines > LINES_MAX {
            let advice = format!("{} lines, more than {LINES_MAX}: split the file by subject", source.lines);
            violations.push(Violation::new(source.path, 0, RULE, advice));
        } else if product_lines(source) > PRODUCT_LINES_MAX {
            let advice = format!(
                "{} lines before its tests, more than {PRODUCT_LINES_MAX}: split the file by subject",
                product_lines(source)
            );
            violations.push(Violation::new(source.path, 0, RULE, advice));
        }
    }
    violations
}

/// Lines up to the tests at the file's end; comments count, since they are read too.
fn product_lines(source: &Source<'_>) -> usize {
    if source.is_test() {
        return 0;
    }
    let tests_at_the_end = source.tokens.iter().rev().take_while(|token| token.test).last();
    tests_at_the_end.map_or(source.lines, |first| first.line - 1)
}

#[cfg(test)]
mod tests {
    use super::{super::repo::Repo, *};

    fn lines(rule: fn(&[Source<'_>]) -> Vec<Violation>, text: &str) -> Vec<usize> {
        let repo = Repo::of(&[("crates/x/src/lib.rs", text)]);
        rule(&Source::all(&repo)).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn ignored_tests_are_found() {
        let text =
            "#[test]\n#[ignore = \"slow\"]\nfn f() { let ignore = 1; }\n#[cfg_attr(windows, ignore)]\nfn g() {}\n";
        assert_eq!(lines(no_ignored_tests, text), [2, 4]);
        assert_eq!(lines(no_ignored_tests, "/// ```rust,ignore\n/// f()\n/// ```\nfn f() {}\n//! ```text\n"), [1]);
    }

    #[test]
    fn unfinished_code_is_found() {
        let call = |name: &str| format!("{name}!(1)");
        let [later, never, shown] = ["todo", "unimplemented", "dbg"].map(call);
        let text =
            format!("fn f() {{ {later} }}\n// {later}\nfn g() {{ {never} }}\nfn h() {{ {shown}; let todo = 1; }}\n");
        assert_eq!(lines(nothing_unfinished, &text), [1, 3, 4]);
    }

    #[test]
    fn exceptions_without_a_reason_are_found() {
        let text = "#![allow(dead_code)]\n#[expect(clippy::x, reason = \"y\")]\nfn f() { o.expect(\"z\"); allow(1); }\n\
                    #[cfg_attr(test, allow(a))]\n#[expect(\n  b\n)]\nfn g() {}\n";
        assert_eq!(lines(exceptions_have_reasons, text), [1, 4, 5]);
    }

    #[test]
    fn tests_of_programs_are_found() {
        let at = |path: &str, text: &str| -> Vec<usize> {
            let repo = Repo::of(&[(path, text)]);
            programs_without_tests(&Source::all(&repo)).iter().map(|violation| violation.line).collect()
        };
        let texts = ["\nmod parts;\n", "\n#[cfg(test)]\nmod tests {}\n", "\n#[test]\nfn works() {}\n"];
        for text in texts {
            for path in ["crates/x/src/main.rs", "crates/x/src/bin/y.rs"] {
                assert_eq!(at(path, text), [2], "{path} {text}");
            }
            for path in ["crates/x/src/lib.rs", TESTED_PROGRAM] {
                assert_eq!(at(path, text), [0; 0], "{path} {text}");
            }
        }
        assert_eq!(at("crates/x/src/main.rs", "fn main() { x::run() }\n"), [0; 0]);
    }

    #[test]
    fn long_files_are_found() {
        let code = |count: usize| "fn f() {}\n".repeat(count);
        let tests = |count: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(count - 3));
        assert_eq!(lines(file_length, &code(600)), [] as [usize; 0]);
        assert_eq!(lines(file_length, &code(601)), [0]);
        assert_eq!(lines(file_length, &(code(600) + &tests(300))), [] as [usize; 0]);
        assert_eq!(lines(file_length, &(code(600) + &tests(301))), [0]);
        assert_eq!(lines(file_length, &(code(601) + &tests(10))), [0]);
        assert_eq!(lines(file_length, &("#![cfg(test)]\n".to_owned() + &code(899))), [] as [usize; 0]);
    }
}
