//! The tutorial, run as it stands.

use std::{collections::BTreeSet, net::TcpListener, path::Path, process::Command};

use crate::support::{program, run};

const PAGE: &str = include_str!("../../../../docs/tutorial.md");

/// The blocks of this kind, in order.
fn blocks(kind: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside: Option<String> = None;
    for line in PAGE.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(inside.take()),
            (Some(block), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, Some(found)) if found == kind => inside = Some(String::new()),
            // The end of a block of another kind has no name either.
            (None, _) => {}
        }
    }
    blocks
}

/// The line without what is different in each run: ids, times and rates.
fn same(line: &str) -> String {
    let word = |word: &str| {
        let hex = word.chars().filter(|c| c.is_ascii_hexdigit()).count();
        if hex >= 32 { "ID".to_owned() } else { word.to_owned() }
    };
    line.split([' ', '/']).map(word).collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

#[test]
fn the_tutorial_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    // The page uses the address that everybody has; here another test may.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let script = format!("set -m\n{}", blocks("sh").concat());
    let bin = Path::new(env!("CARGO_BIN_EXE_cos-batch")).parent().unwrap();
    let path = std::env::join_paths(
        [bin.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    // A page that waits in vain ends all the same.
    let mut command = Command::new("timeout");
    for (name, value) in program().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["300", "bash", "-e", "-c", &script]).current_dir(folder.path()).env("PATH", path.unwrap());
    let said = run(command.env("COS_BATCH_LISTEN", &address).env("COS_BATCH_ENDPOINT", format!("http://{address}")));
    assert_eq!(said.code, 0, "{said:?}");
    let shown: BTreeSet<String> = said.out.lines().map(same).collect();
    let expected = blocks("text");
    assert!(expected.len() >= 5, "{expected:?}");
    for line in expected.iter().flat_map(|block| block.lines()) {
        assert!(shown.contains(&same(line)), "the page says {line:?}, which did not come:\n{}", said.out);
    }
}
