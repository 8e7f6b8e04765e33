//! Which names may stand where in code. Tests are free: a test may use whatever proves its point.

use super::{
    Violation,
    lexer::{Kind, Token},
    source::{Source, closing},
};

/// What is measured beside our own code are the libraries of others as they come; the programs that do so are never part
/// of a product.
const MEASURING: [&str; 2] = ["xtask/bench/", "xtask/instructions/"];

fn measures(source: &Source<'_>) -> bool {
    MEASURING.iter().any(|folder| source.path.starts_with(folder))
}

/// What puts load on a server, and is a bare server, works with hyper as it is.
const LOAD: &str = "xtask/load/";

/// Only one module of each crate that has XML of its own names quick-xml.
///
/// Why: reading XML safely (entities, duplicates, budgets) is decided once; everyone else works with the codec's types.
pub(crate) fn xml_in_one_place(sources: &[Source<'_>]) -> Vec<Violation> {
    const CRATES: [&str; 4] =
        ["cos-batch-model", "cos-batch-objectstore", "cos-batch-objectgateway", "cos-batch-s3control"];
    let allowed = |source: &Source<'_>| {
        measures(source)
            || source.crate_name().is_some_and(|name| CRATES.contains(&name))
                && source.path.split('/').any(|part| part == "xml" || part == "xml.rs")
    };
    banned_names(sources, "xml-in-one-place", &["quick_xml"], allowed, |name| {
        format!("`{name}` is for the module `xml` of the model and of the object crates: use the codec's types")
    })
}

/// Only crates at an edge name hyper or tower.
///
/// Why: the engine, the job stores and the model can then be used in a program that speaks something else.
pub(crate) fn http_at_the_edges(sources: &[Source<'_>]) -> Vec<Violation> {
    const EDGES: [&str; 9] = [
        "cos-batch",
        "cos-batch-client",
        "cos-batch-console",
        // Calls the server as a client without a connection would.
        "cos-batch-fuzz",
        "cos-batch-nullstore",
        "cos-batch-objectgateway",
        "cos-batch-objectstore",
        "cos-batch-s3control",
        "cos-batch-server",
    ];
    const NAMES: [&str; 7] =
        ["hyper", "hyper_rustls", "hyper_util", "tower", "tower_http", "tower_layer", "tower_service"];
    let allowed = |source: &Source<'_>| {
        measures(source)
            || source.path.starts_with(LOAD)
            || source.crate_name().is_some_and(|name| EDGES.contains(&name))
    };
    banned_names(sources, "http-at-the-edges", &NAMES, allowed, |name| {
        format!("`{name}` is for the crates at an edge ({}): work with plain types here", EDGES.join(", "))
    })
}

/// The engine names no client of HTTP or SQL.
///
/// Why: it reaches objects through `ObjectStore` and state through `JobStore`, so that both can be exchanged and faulty
/// ones be put in their place by tests.
pub(crate) fn engine_without_transports(sources: &[Source<'_>]) -> Vec<Violation> {
    const NAMES: [&str; 8] =
        ["axum", "deadpool_postgres", "http", "postgres", "reqwest", "rusqlite", "sqlx", "tokio_postgres"];
    let allowed = |source: &Source<'_>| source.crate_name() != Some("cos-batch-engine");
    banned_paths(sources, "engine-without-transports", &NAMES, allowed, |name| {
        format!("the engine must not name `{name}`: go through `ObjectStore` or `JobStore`")
    })
}

/// Tasks and threads are started in few, known places.
///
/// Why: whoever starts a task must also bound, stop and await it. That is done in the engine's runtime, in the server's
/// listener, for the job store's one writer and for each connection to an object store; elsewhere a future is returned to be polled.
pub(crate) fn spawning_in_few_places(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "spawning-in-few-places";
    const NAMES: [&str; 5] = ["spawn", "spawn_blocking", "spawn_local", "spawn_scoped", "JoinSet"];
    const PLACES: [&str; 11] = [
        "crates/cos-batch-engine/src/runtime",
        "crates/cos-batch-server/src/listen",
        "crates/cos-batch-objectgateway/src/offload",
        "crates/cos-batch-nodetest/src/",
        "crates/cos-batch-simulation/src/",
        "crates/cos-batch-testing/src/",
        "crates/cos-batch-nullstore/src/listen",
        "crates/cos-batch-objectstore/src/http/transport",
        "crates/cos-batch-objectstore/src/http/credentials/sources",
        "crates/cos-batch-jobstore/src/",
        "crates/cos-batch/src/",
    ];
    let allowed = |path: &str| {
        PLACES.iter().any(|place| path.starts_with(place))
            && (!path.starts_with("crates/cos-batch-jobstore/") || path.contains("writer"))
    };
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.crate_name().is_some() && !allowed(source.path)) {
        for pair in source.tokens.windows(2) {
            let declared = pair[0].is_name("fn");
            if !declared && !pair[1].test && pair[1].kind == Kind::Name && NAMES.contains(&pair[1].text) {
                let advice = format!(
                    "`{}`: only the engine's runtime, the server's listener, the job store's writer and the binary start \
                     tasks or threads: return a future instead",
                    pair[1].text
                );
                violations.push(Violation::new(source.path, pair[1].line, RULE, advice));
            }
        }
    }
    violations
}

/// The model and the signature do no I/O, read no clock and draw no random numbers.
///
/// Why: the same input gives the same bytes, on any machine, in any test; time and keys are arguments.
pub(crate) fn pure_crates(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "pure-crates";
    const MODULES: [&str; 6] = ["env", "fs", "net", "os", "process", "thread"];
    const NAMES: [&str; 6] = ["Instant", "SystemTime", "UNIX_EPOCH", "getrandom", "rand", "tokio"];
    const READS_A_CLOCK: [&str; 1] = ["now"];
    let pure = |source: &&Source<'_>| matches!(source.crate_name(), Some("cos-batch-model" | "cos-signature"));
    let mut violations = Vec::new();
    for source in sources.iter().filter(pure) {
        let mut found: Vec<&Token<'_>> = std_modules(&source.tokens).filter(|t| MODULES.contains(&t.text)).collect();
        found.extend(source.tokens.iter().filter(|token| token.kind == Kind::Name && NAMES.contains(&token.text)));
        found.extend(
            source
                .tokens
                .windows(2)
                .filter(|pair| READS_A_CLOCK.contains(&pair[0].text) && pair[1].is_mark("("))
                .map(|pair| &pair[0]),
        );
        for token in found.into_iter().filter(|token| !token.test) {
            let advice =
                format!("`{}`: this crate does no I/O and reads no clock; take the value as an argument", token.text);
            violations.push(Violation::new(source.path, token.line, RULE, advice));
        }
    }
    violations
}

/// Names that stand anywhere in product code.
fn banned_names(
    sources: &[Source<'_>],
    rule: &'static str,
    names: &[&str],
    allowed: impl Fn(&Source<'_>) -> bool,
    advice: impl Fn(&str) -> String,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.crate_name().is_some() && !allowed(source)) {
        for token in source.product().filter(|token| token.kind == Kind::Name && names.contains(&token.text)) {
            violations.push(Violation::new(source.path, token.line, rule, advice(token.text)));
        }
    }
    violations
}

/// Names that begin a path in product code (`http::…`, `use http`): not fields or variables that happen to be called so.
fn banned_paths(
    sources: &[Source<'_>],
    rule: &'static str,
    names: &[&str],
    allowed: impl Fn(&Source<'_>) -> bool,
    advice: impl Fn(&str) -> String,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.crate_name().is_some() && !allowed(source)) {
        for (index, token) in source.tokens.iter().enumerate() {
            if token.test || token.kind != Kind::Name || !names.contains(&token.text) {
                continue;
            }
            let mark = |at: usize, mark: &str| source.tokens.get(at).is_some_and(|token| token.is_mark(mark));
            let inside_a_path = index > 1 && mark(index - 1, ":") && mark(index - 2, ":");
            let goes_on = mark(index + 1, ":") && mark(index + 2, ":");
            let imported = index > 0 && source.tokens[index - 1].is_name("use");
            if !inside_a_path && (goes_on || imported) {
                violations.push(Violation::new(source.path, token.line, rule, advice(token.text)));
            }
        }
    }
    violations
}

/// The modules of `std` that code names, one by one (`std::fs`) or in a group (`std::{fs, io}`).
fn std_modules<'s, 't>(tokens: &'s [Token<'t>]) -> impl Iterator<Item = &'s Token<'t>> {
    let starts = tokens.windows(4).enumerate().filter(|(_, found)| {
        (found[0].is_name("std") || found[0].is_name("core")) && found[1].is_mark(":") && found[2].is_mark(":")
    });
    starts.flat_map(|(index, _)| path_heads(tokens, index + 3))
}

/// The first names of the path, or of the group of paths, that begins here.
pub(crate) fn path_heads<'s, 't>(tokens: &'s [Token<'t>], start: usize) -> Vec<&'s Token<'t>> {
    let Some(first) = tokens.get(start) else { return Vec::new() };
    if !first.is_mark("{") {
        return vec![first];
    }
    let end = closing(tokens, start);
    let mut heads = Vec::new();
    let (mut at, mut at_head) = (start + 1, true);
    while at < end {
        if tokens[at].is_mark("{") {
            at = closing(tokens, at);
        } else if tokens[at].is_mark(",") {
            at_head = true;
        } else if at_head {
            heads.push(&tokens[at]);
            at_head = false;
        }
        at += 1;
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::{super::repo::Repo, *};

    fn lines(rule: fn(&[Source<'_>]) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
        let repo = Repo::of(&[(path, text)]);
        rule(&Source::all(&repo)).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn quick_xml_outside_its_module_is_found() {
        let text = "// quick_xml\nuse quick_xml::Reader;\n#[cfg(test)]\nmod tests { use quick_xml::Writer; }\n";
        assert_eq!(lines(xml_in_one_place, "crates/cos-batch-model/src/job.rs", text), [2]);
        assert_eq!(lines(xml_in_one_place, "crates/cos-batch-server/src/xml.rs", text), [2]);
        assert!(lines(xml_in_one_place, "crates/cos-batch-model/src/xml/decode.rs", text).is_empty());
    }

    #[test]
    fn hyper_inside_the_house_is_found() {
        let text = "use hyper::body::Incoming;\nfn f(s: impl tower::Service<u8>) {}\nlet text = \"hyper\";\n";
        assert_eq!(lines(http_at_the_edges, "crates/cos-batch-model/src/api.rs", text), [1, 2]);
        assert!(lines(http_at_the_edges, "crates/cos-batch-server/src/service.rs", text).is_empty());
    }

    #[test]
    fn http_and_sql_in_the_engine_are_found() {
        let text = "use http::Uri;\nlet c = rusqlite::Connection::open(p);\nlet http = self.http;\nmodel::http::f();\n";
        assert_eq!(lines(engine_without_transports, "crates/cos-batch-engine/src/report.rs", text), [1, 2]);
        assert!(lines(engine_without_transports, "crates/cos-batch-jobstore/src/lib.rs", text).is_empty());
    }

    #[test]
    fn spawning_elsewhere_is_found() {
        let text = "tokio::spawn(f);\nthread::Builder::new().spawn(g);\nlet mut set = JoinSet::new();\n\
                    runtime.spawn_blocking(h);\nfn spawn() {}\n";
        for path in ["engine/src/scheduler.rs", "server/src/service.rs", "jobstore/src/sqlite/read.rs"] {
            let path = format!("crates/cos-batch-{path}");
            assert_eq!(lines(spawning_in_few_places, &path, text), [1, 2, 3, 4], "{path}");
        }
        for path in
            ["-engine/src/runtime/mod.rs", "-server/src/listen.rs", "-jobstore/src/sqlite/writer.rs", "/src/main.rs"]
        {
            assert!(lines(spawning_in_few_places, &format!("crates/cos-batch{path}"), text).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_pure_crate_that_looks_around_is_found() {
        let text = "use std::{fmt, fs::{self, File}, str::FromStr};\nstd::env::var(x);\nlet t = jiff::Timestamp::now();\n\
                    use std::time::SystemTime;\nuse std::net::IpAddr;\nlet env = fs;\nstd::fmt::net();\n";
        assert_eq!(lines(pure_crates, "crates/cos-signature/src/sign.rs", text), [1, 2, 5, 4, 3]);
        assert!(lines(pure_crates, "crates/cos-batch/src/main.rs", text).is_empty());
    }
}
