//! No circle between the top modules of a crate.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Violation,
    lexer::{Kind, Token},
    names::path_heads,
    source::Source,
};

/// Where a module first names another: file and line.
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (&'a str, usize)>>;

/// The top modules of a crate name each other in one direction only.
///
/// Why: two modules in a circle are one module in two files; neither can be read, tested or replaced alone.
pub(crate) fn no_circles(sources: &[Source<'_>]) -> Vec<Violation> {
    const RULE: &str = "no-circles";
    let crates: BTreeSet<&str> = sources.iter().filter_map(Source::crate_name).collect();
    let mut violations = Vec::new();
    for name in crates {
        let files: Vec<&Source<'_>> = sources.iter().filter(|source| source.crate_name() == Some(name)).collect();
        let edges = edges(&files);
        let mut circles: Vec<Vec<&str>> = edges.keys().filter_map(|from| circle_through(&edges, from)).collect();
        circles.sort_by_key(Vec::len);
        for circle in shortest(&circles) {
            let (path, line) = edges[circle[0]][circle[1]];
            let advice = format!(
                "modules in a circle: {} -> {}: move what both need to a module below them",
                circle.join(" -> "),
                circle[0]
            );
            violations.push(Violation::new(path, line, RULE, advice));
        }
    }
    violations
}

/// Of circles in order of length, those that are not merely ways around a shorter one.
fn shortest<'c, 'a>(circles: &'c [Vec<&'a str>]) -> Vec<&'c Vec<&'a str>> {
    let mut kept: Vec<&Vec<&str>> = Vec::new();
    for circle in circles {
        let around_another = kept.iter().any(|other| {
            let shares = circle.iter().any(|module| other.contains(module));
            let same = circle.len() == other.len() && circle.iter().all(|module| other.contains(module));
            same || shares && other.len() < circle.len()
        });
        if !around_another {
            kept.push(circle);
        }
    }
    kept
}

/// Which top module names which, by `crate::…` in product code.
fn edges<'a>(files: &[&Source<'a>]) -> Edges<'a> {
    let modules: BTreeSet<&str> = files.iter().filter_map(|file| top_module(file.path)).collect();
    let exported = exports(files, &modules);
    let mut edges = Edges::new();
    for file in files {
        let Some(from) = top_module(file.path) else { continue };
        for head in crate_paths(&file.tokens).filter(|token| !token.test) {
            let to = modules.get(head.text).or_else(|| exported.get(head.text)).copied();
            if let Some(to) = to.filter(|to| *to != from) {
                edges.entry(from).or_default().entry(to).or_insert((file.path, head.line));
            }
        }
    }
    edges
}

/// `src/a.rs` and `src/a/b.rs` belong to `a`; the crate's root belongs to none: it may name all.
fn top_module(path: &str) -> Option<&str> {
    let inside = path.split_once("/src/")?.1;
    let first = inside.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main", "bin"].contains(&name)).then_some(name)
}

/// What comes after `crate::`.
fn crate_paths<'s, 't>(tokens: &'s [Token<'t>]) -> impl Iterator<Item = &'s Token<'t>> {
    let starts = tokens
        .windows(4)
        .enumerate()
        .filter(|(_, found)| found[0].is_name("crate") && found[1].is_mark(":") && found[2].is_mark(":"));
    starts.flat_map(|(index, _)| path_heads(tokens, index + 3))
}

/// Names that the crate's root passes on from a module: `pub use a::{B, c::D};` makes `crate::B` mean `a`.
fn exports<'a>(files: &[&Source<'a>], modules: &BTreeSet<&'a str>) -> BTreeMap<&'a str, &'a str> {
    let mut found = BTreeMap::new();
    let Some(root) =
        files.iter().find(|file| file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs"))
    else {
        return found;
    };
    for (index, token) in root.tokens.iter().enumerate() {
        let Some(module) = root.tokens.get(index + 1).and_then(|next| modules.get(next.text)) else { continue };
        if !token.is_name("use") {
            continue;
        }
        let end = (index..root.tokens.len()).find(|at| root.tokens[*at].is_mark(";")).unwrap_or(root.tokens.len());
        let names = root.tokens[index + 2..end].iter().filter(|token| token.kind == Kind::Name);
        found.extend(names.filter(|name| !modules.contains(name.text)).map(|name| (name.text, *module)));
    }
    found
}

/// The shortest way from a module back to itself.
fn circle_through<'a>(edges: &Edges<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = *way.last()?;
            for next in edges.get(last).into_iter().flat_map(BTreeMap::keys) {
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push(way.iter().copied().chain([*next]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{super::repo::Repo, *};

    #[test]
    fn a_circle_is_found_once() {
        let repo = Repo::of(&[
            ("crates/x/src/lib.rs", "mod a; mod b; mod c; pub use c::{C, Deep}; use a::f;"),
            ("crates/x/src/a.rs", "use crate::{b::{B, c}, other};"),
            ("crates/x/src/b/mod.rs", "mod deep;"),
            ("crates/x/src/b/deep.rs", "\nfn f(c: crate::Deep) {}"),
            ("crates/x/src/c.rs", "use crate::a::A;"),
        ]);
        let found = no_circles(&Source::all(&repo));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].path.as_str(), found[0].line), ("crates/x/src/a.rs", 1));
        assert!(found[0].message.contains("a -> b -> c -> a"), "{}", found[0]);
    }

    #[test]
    fn one_direction_and_tests_are_fine() {
        let repo = Repo::of(&[
            ("crates/x/src/lib.rs", "mod a; mod b;"),
            ("crates/x/src/a.rs", "use crate::b::B; use crate::a::C;"),
            ("crates/x/src/b.rs", "// crate::a\n#[cfg(test)] mod tests { use crate::a::A; }"),
        ]);
        assert!(no_circles(&Source::all(&repo)).is_empty());
    }
}
