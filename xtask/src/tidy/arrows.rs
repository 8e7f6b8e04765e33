//! Which package may depend on which: the arrows of `docs/ARCHITECTURE.md`.

use super::{
    Violation,
    repo::{Manifest, Repo},
};

/// What one package may depend on.
struct Arrow {
    package: &'static str,
    /// Packages of this workspace it may use.
    uses: &'static [&'static str],
    /// Further ones that its tests may use.
    tests_use: &'static [&'static str],
    /// Packages from elsewhere.
    third_party: ThirdParty,
}

enum ThirdParty {
    /// Only these: the package is pure, and each of these is known to do no I/O, read no clock and draw no random
    /// numbers.
    Only(&'static [&'static str]),
    /// Anything but these.
    Not(&'static [&'static str]),
}

/// What the engine must not know: HTTP, XML, SQL.
const NOT_IN_ENGINE: &[&str] = &[
    "axum",
    "http",
    "http-body",
    "http-body-util",
    "hyper",
    "hyper-rustls",
    "hyper-util",
    "reqwest",
    "tower",
    "ureq",
    "quick-xml",
    "rusqlite",
    "sqlx",
    "tokio-postgres",
    "deadpool-postgres",
    "postgres",
];

/// What the stores of jobs must not know: HTTP and XML.
const NOT_IN_JOB_STORE: &[&str] = &[
    "axum",
    "http",
    "http-body",
    "http-body-util",
    "hyper",
    "hyper-rustls",
    "hyper-util",
    "reqwest",
    "tower",
    "ureq",
    "quick-xml",
];

const XML: &[&str] = &["quick-xml"];
const SQL: &[&str] = &["rusqlite", "sqlx", "tokio-postgres", "deadpool-postgres", "postgres"];
const SQL_AND_XML: &[&str] = &["quick-xml", "rusqlite", "sqlx", "tokio-postgres", "deadpool-postgres", "postgres"];

/// The arrows. A package that is not here is itself a violation: whoever adds one says where it stands.
const ARROWS: &[Arrow] = &[
    Arrow {
        package: "cos-batch-model",
        uses: &[],
        tests_use: &[],
        third_party: ThirdParty::Only(&[
            "bytes",
            "http",
            "itoa",
            "jiff",
            "percent-encoding",
            "quick-xml",
            "serde",
            "thiserror",
        ]),
    },
    Arrow {
        package: "cos-signature",
        uses: &[],
        tests_use: &[],
        third_party: ThirdParty::Only(&[
            "hmac",
            "http",
            "itoa",
            "memchr",
            "percent-encoding",
            "sha1",
            "sha2",
            "smallvec",
            "subtle",
            "thiserror",
            "zeroize",
        ]),
    },
    Arrow {
        package: "cos-batch-client",
        uses: &["cos-batch-model", "cos-signature"],
        tests_use: &["cos-batch-server", "cos-batch-conformance"],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-server",
        uses: &["cos-batch-model", "cos-signature"],
        tests_use: &["cos-batch-client", "cos-batch-conformance", "cos-batch-engine", "cos-batch-objectstore"],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-objectstore",
        uses: &["cos-signature"],
        tests_use: &["cos-batch-objectgateway"],
        third_party: ThirdParty::Not(SQL),
    },
    Arrow {
        package: "cos-batch-engine",
        uses: &["cos-batch-model", "cos-batch-objectstore"],
        tests_use: &["cos-batch-calls", "cos-batch-conformance", "cos-batch-jobstore"],
        third_party: ThirdParty::Not(NOT_IN_ENGINE),
    },
    Arrow {
        package: "cos-batch-jobstore",
        uses: &["cos-batch-engine", "cos-batch-model"],
        tests_use: &["cos-batch-nodetest", "cos-batch-objectstore"],
        third_party: ThirdParty::Not(NOT_IN_JOB_STORE),
    },
    Arrow {
        package: "cos-batch-conformance",
        uses: &["cos-batch-model", "cos-signature"],
        tests_use: &["cos-batch-client", "cos-batch-engine", "cos-batch-objectstore", "cos-batch-server"],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-testing",
        uses: &[
            "cos-batch-client",
            "cos-batch-engine",
            "cos-batch-model",
            "cos-batch-objectstore",
            "cos-batch-server",
            "cos-signature",
        ],
        tests_use: &[],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-objectgateway",
        uses: &["cos-batch-objectstore", "cos-signature"],
        tests_use: &["cos-batch-server"],
        third_party: ThirdParty::Not(SQL),
    },
    Arrow {
        package: "cos-batch-console",
        uses: &["cos-batch-engine", "cos-batch-model", "cos-signature"],
        tests_use: &["cos-batch-objectstore", "cos-batch-server"],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-s3control",
        uses: &["cos-batch-engine", "cos-batch-model", "cos-batch-objectstore", "cos-batch-server", "cos-signature"],
        tests_use: &[],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch",
        uses: &[
            "cos-batch-client",
            "cos-batch-conformance",
            "cos-batch-console",
            "cos-batch-engine",
            "cos-batch-jobstore",
            "cos-batch-model",
            "cos-batch-objectgateway",
            "cos-batch-objectstore",
            "cos-batch-s3control",
            "cos-batch-server",
            "cos-signature",
        ],
        tests_use: &["cos-batch-calls", "cos-batch-nodetest", "cos-batch-nullstore", "cos-batch-testing"],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow { package: "cos-batch-calls", uses: &[], tests_use: &[], third_party: ThirdParty::Not(SQL_AND_XML) },
    Arrow { package: "cos-batch-nodetest", uses: &[], tests_use: &[], third_party: ThirdParty::Not(SQL_AND_XML) },
    Arrow { package: "cos-batch-nullstore", uses: &[], tests_use: &[], third_party: ThirdParty::Not(SQL_AND_XML) },
    Arrow {
        package: "cos-batch-simulation",
        uses: &["cos-batch-engine", "cos-batch-model", "cos-batch-objectstore"],
        tests_use: &[],
        third_party: ThirdParty::Not(NOT_IN_ENGINE),
    },
    Arrow {
        package: "cos-batch-fuzz",
        uses: &["cos-batch-engine", "cos-batch-model", "cos-batch-server", "cos-signature"],
        tests_use: &[],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-fuzz-targets",
        uses: &["cos-batch-fuzz"],
        tests_use: &[],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-instructions",
        uses: &["cos-batch-engine", "cos-batch-model", "cos-batch-objectstore", "cos-signature"],
        tests_use: &[],
        third_party: ThirdParty::Not(SQL),
    },
    Arrow { package: "cos-batch-figures", uses: &[], tests_use: &[], third_party: ThirdParty::Not(SQL_AND_XML) },
    Arrow {
        package: "cos-batch-load",
        uses: &[
            "cos-batch-engine",
            "cos-batch-jobstore",
            "cos-batch-model",
            "cos-batch-objectstore",
            "cos-batch-server",
            "cos-signature",
        ],
        tests_use: &[],
        third_party: ThirdParty::Not(SQL_AND_XML),
    },
    Arrow {
        package: "cos-batch-bench",
        // It measures everything, and beside it what others make.
        uses: &[
            "cos-batch-client",
            "cos-batch-engine",
            "cos-batch-figures",
            "cos-batch-instructions",
            "cos-batch-jobstore",
            "cos-batch-load",
            "cos-batch-model",
            "cos-batch-nullstore",
            "cos-batch-objectgateway",
            "cos-batch-objectstore",
            "cos-batch-server",
            "cos-signature",
        ],
        tests_use: &[],
        third_party: ThirdParty::Not(&[]),
    },
    Arrow {
        package: "xtask",
        uses: &["cos-batch-figures", "cos-batch-model", "cos-batch-nodetest", "cos-signature"],
        tests_use: &[],
        third_party: ThirdParty::Not(XML),
    },
];

/// Packages of the workspace depend on each other only along the arrows.
///
/// Why: who reads the model need not know the engine, and the server can be built into somebody else's program without
/// dragging a batch engine along. Cargo itself only refuses circles.
pub(crate) fn workspace_arrows(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "arrows";
    let manifests = repo.manifests();
    let own: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut violations = Vec::new();
    for manifest in &manifests {
        let Some(arrow) = arrow(&manifest.name) else {
            let advice = "this package has no entry in xtask/src/tidy/arrows.rs: say there what it may depend on";
            violations.push(Violation::new(manifest.path, manifest.line_of("name"), RULE, advice));
            continue;
        };
        for dependency in dependencies(manifest) {
            let name = dependency.name.as_str();
            if !own.contains(&name) || name == manifest.name {
                continue;
            }
            if arrow.uses.contains(&name) || dependency.for_tests && arrow.tests_use.contains(&name) {
                continue;
            }
            let advice = format!(
                "{} must not depend on {name}: move what is needed to a package both may use (it may use: {})",
                manifest.name,
                arrow.uses.join(", ")
            );
            violations.push(Violation::new(manifest.path, manifest.line_of(&dependency.key), RULE, advice));
        }
    }
    violations
}

/// Pure packages use only pure ones; the others stay away from what is another package's business.
///
/// Why: what cannot be reached cannot be done. A model without tokio, getrandom or a socket needs no review for I/O.
pub(crate) fn third_party(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "third-party";
    let manifests = repo.manifests();
    let own: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut violations = Vec::new();
    for manifest in &manifests {
        let Some(arrow) = arrow(&manifest.name) else { continue };
        for dependency in dependencies(manifest).into_iter().filter(|dependency| !dependency.for_tests) {
            let name = dependency.name.as_str();
            if own.contains(&name) {
                continue;
            }
            let advice = match arrow.third_party {
                ThirdParty::Only(allowed) if !allowed.contains(&name) => {
                    format!("{} is pure and may use only {}", manifest.name, allowed.join(", "))
                }
                ThirdParty::Not(banned) if banned.contains(&name) => {
                    format!("{} must not know {name}: this belongs to another package", manifest.name)
                }
                _ => continue,
            };
            violations.push(Violation::new(manifest.path, manifest.line_of(&dependency.key), RULE, advice));
        }
    }
    violations
}

fn arrow(package: &str) -> Option<&'static Arrow> {
    ARROWS.iter().find(|arrow| arrow.package == package)
}

struct Dependency {
    /// As the manifest spells it.
    key: String,
    /// The package's own name.
    name: String,
    for_tests: bool,
}

/// Everything the manifest depends on, on any platform.
fn dependencies(manifest: &Manifest<'_>) -> Vec<Dependency> {
    let platforms = manifest.table.get("target").and_then(toml::Value::as_table);
    let tables = platforms.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    let mut found = Vec::new();
    for table in tables.chain([&manifest.table]) {
        for (section, for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let Some(entries) = table.get(section).and_then(toml::Value::as_table) else { continue };
            found.extend(entries.iter().map(|(key, value)| Dependency {
                key: key.clone(),
                name: value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned(),
                for_tests,
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    #[test]
    fn an_arrow_that_runs_back_is_found() {
        let repo = Repo::of(&[
            (
                "crates/m/Cargo.toml",
                &manifest("cos-batch-model", "[dependencies]\ncos-batch-engine.workspace = true\n"),
            ),
            (
                "crates/e/Cargo.toml",
                &manifest("cos-batch-engine", "[dependencies]\ncos-batch-model.workspace = true\n"),
            ),
        ]);
        let found = workspace_arrows(&repo);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("crates/m/Cargo.toml", 4));
        assert!(found[0].message.contains("cos-batch-model must not depend on cos-batch-engine"), "{}", found[0]);
    }

    #[test]
    fn tests_may_use_more_but_only_what_is_listed() {
        let server = manifest("cos-batch-server", "");
        let client = manifest("cos-batch-client", "[dev-dependencies]\ncos-batch-server.workspace = true\n");
        let engine = manifest("cos-batch-engine", "[dev-dependencies]\ncos-batch-server.workspace = true\n");
        let repo = Repo::of(&[
            ("crates/s/Cargo.toml", &server),
            ("crates/c/Cargo.toml", &client),
            ("crates/e/Cargo.toml", &engine),
        ]);
        let found = workspace_arrows(&repo);
        assert_eq!(found.iter().map(|v| v.path.as_str()).collect::<Vec<_>>(), ["crates/e/Cargo.toml"]);
    }

    #[test]
    fn a_package_nobody_placed_is_found() {
        let repo = Repo::of(&[("crates/n/Cargo.toml", &manifest("cos-batch-new", ""))]);
        assert_eq!(workspace_arrows(&repo).len(), 1);
    }

    #[test]
    fn a_pure_package_uses_only_pure_ones() {
        let rest =
            "[dependencies]\nhttp = \"1\"\n\n[target.'cfg(unix)'.dependencies]\nclock = { package = \"tokio\" }\n";
        let repo = Repo::of(&[("crates/m/Cargo.toml", &manifest("cos-batch-model", rest))]);
        let found = third_party(&repo);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 7);
    }

    #[test]
    fn the_engine_knows_no_http_xml_or_sql() {
        let rest = "[dependencies]\nhttp = \"1\"\nquick-xml = \"1\"\nrusqlite = \"1\"\ntokio = \"1\"\n\
                    [dev-dependencies]\nhyper = \"1\"\n";
        let repo = Repo::of(&[("crates/e/Cargo.toml", &manifest("cos-batch-engine", rest))]);
        assert_eq!(third_party(&repo).iter().map(|v| v.line).collect::<Vec<_>>(), [4, 5, 6]);
    }

    #[test]
    fn every_arrow_leads_to_a_package_that_has_arrows() {
        for entry in ARROWS {
            for name in entry.uses.iter().chain(entry.tests_use) {
                assert!(arrow(name).is_some(), "{} -> {name}", entry.package);
            }
        }
    }
}
