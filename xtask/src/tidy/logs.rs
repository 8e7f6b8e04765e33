//! What log lines have in common.

use super::{
    Violation,
    lexer::{Kind, Token},
    source::{Source, closing},
};

/// Macros that write a line.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Where lines are about jobs.
const HOME: &str = "crates/cos-batch-engine/src/";

/// Lines of there that are about no job, or about all, by the beginning of their text.
const OF_NO_JOB: [&str; 7] = [
    "old jobs could not be swept",
    "uploads that may be left cannot be listed",
    "the job store cannot be read",
    "leases ran out",
    "what is in flight is not over",
    "a lease could not be renewed",
    "going on with work that was cut off",
];

/// Lines about requests that fail: the request's span names it.
const OF_A_REQUEST: [&str; 2] = ["job store", "an object store "];

/// Each line that the engine logs names its job, in a field `job`.
///
/// Why: whoever looks for what became of a job looks for its id, and finds what has it.
pub(crate) fn lines_name_their_job(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "lines-name-their-job";
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with(HOME)) {
        for (line, inside) in lines(&source.tokens) {
            let names_it = inside.windows(2).any(|pair| pair[0].is_name("job") && !pair[1].is_mark("."));
            let text = inside.iter().rev().find(|token| token.kind == Kind::Literal).map_or("", |token| token.text);
            let text = text.trim_matches('"');
            let is_free = OF_NO_JOB.iter().chain(&OF_A_REQUEST).any(|free| text.starts_with(free));
            if !names_it && !is_free {
                let advice =
                    format!("the line \"{text}\" has no field `job`: add it, or say in {RULE} why there is none");
                violations.push(Violation::new(source.path, line, RULE, advice));
            }
        }
    }
    violations
}

/// What is written: `tracing::LEVEL!(…)`, with its line and what stands between the brackets.
fn lines<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<(usize, &'t [Token<'a>])> {
    let mut found = Vec::new();
    for (at, window) in tokens.windows(6).enumerate() {
        let is_line = window[0].is_name("tracing")
            && window[1].is_mark(":")
            && window[2].is_mark(":")
            && LEVELS.iter().any(|level| window[3].is_name(level))
            && window[4].is_mark("!")
            && window[5].is_mark("(");
        if is_line && !window[0].test {
            let open = at + 5;
            found.push((window[0].line, &tokens[open + 1..closing(tokens, open)]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repo::Repo;

    #[test]
    fn a_line_without_its_job_is_found() {
        let text = "fn f() {\n    tracing::warn!(job = %job.id, %error, \"a\");\n    tracing::info!(%job, \"b\");\n    tracing::warn!(%error, \"c\");\n    \
                    tracing::debug!(row = job.row, \"d\");\n    tracing::warn!(ended, \"leases ran out\");\n    tracing::info!(job = job.map(f), \"e\");\n    \
                    println!(\"tracing::warn!(1)\");\n}\n\
                    #[cfg(test)]\nmod tests { fn g() { tracing::warn!(\"f\"); } }\n";
        let repo = Repo::of(&[("crates/cos-batch-engine/src/a.rs", text), ("crates/cos-batch-server/src/b.rs", text)]);
        let found = lines_name_their_job(&Source::all(&repo));
        assert_eq!(found.iter().map(|violation| violation.line).collect::<Vec<_>>(), [4, 5], "{found:?}");
    }
}
