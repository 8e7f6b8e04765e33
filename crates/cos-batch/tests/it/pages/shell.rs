//! Commands of a page in a real shell, in an empty folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::TcpListener,
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use super::blocks_of;
use crate::support::{program, run};

/// Where pages have servers of ours: this and three digits.
const ADDRESS: &str = "127.0.0.1:9";

/// Where a server listens, and commands look for it, unless they are told otherwise.
const DEFAULT: &str = "127.0.0.1:9450";

/// An empty folder, and what is otherwise than whoever reads the page has it.
pub(super) struct Shell {
    folder: TempDir,
    /// None: such a variable is taken away.
    variables: BTreeMap<String, Option<String>>,
    replaced: Vec<(String, String)>,
}

impl Shell {
    pub(super) fn new() -> Self {
        let folder = crate::left::folder();
        Self { folder, variables: BTreeMap::new(), replaced: Vec::new() }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), Some(value.into()));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.insert(name.to_owned(), None);
    }

    /// What the page says is another thing here. It must be there.
    pub(super) fn replace(&mut self, from: &str, to: impl Into<String>) {
        self.replaced.push((from.to_owned(), to.into()));
    }

    /// Carries all commands out, up to the first that fails, and gives what they print.
    #[track_caller]
    pub(super) fn run(&self, commands: &str) -> String {
        let mut commands = commands.to_owned();
        for (from, to) in &self.replaced {
            assert!(commands.contains(from), "the page has no {from:?}");
            commands = commands.replace(from, to);
        }
        let ports = free_ports(&commands);
        for (address, port) in &ports {
            commands = commands.replace(address, &format!("127.0.0.1:{port}"));
        }
        // What a page leaves in the background ends with it.
        let script = format!("set -m\ntrap 'kill -9 $(jobs -p) 2>kill.log || true' EXIT\n{commands}");
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
        command.args(["300", "bash", "-e", "-c", &script]).current_dir(self.folder()).env("PATH", path.unwrap());
        // The default is taken by whoever else runs here.
        let default = format!("127.0.0.1:{}", ports[DEFAULT]);
        command.env("COS_BATCH_LISTEN", &default).env("COS_BATCH_ENDPOINT", format!("http://{default}"));
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let said = run(&mut command);
        assert_eq!(said.code, 0, "{}\n{said:?}", self.logs());
        said.out
    }

    /// The ends of what servers wrote into files.
    fn logs(&self) -> String {
        let mut logs = String::new();
        for entry in std::fs::read_dir(self.folder()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "log") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = text.lines().rev().take(20).collect();
                writeln!(logs, "{}: {lines:#?}", entry.path().display()).unwrap();
            }
        }
        logs
    }
}

/// A free port for each address that the commands name, and for the default.
fn free_ports(commands: &str) -> BTreeMap<String, u16> {
    let mut named = BTreeSet::from([DEFAULT]);
    for (at, _) in commands.match_indices(ADDRESS) {
        named.extend(commands.get(at..at + DEFAULT.len()));
    }
    // All are held at once, so that they differ.
    let held: Vec<TcpListener> = named.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    named.into_iter().map(str::to_owned).zip(held.iter().map(|held| held.local_addr().unwrap().port())).collect()
}

/// The line without what is different in each run: ids, times and rates.
fn same(line: &str) -> String {
    let word = |word: &str| {
        let hex = word.chars().filter(|c| c.is_ascii_hexdigit()).count();
        if hex >= 32 { "ID".to_owned() } else { word.to_owned() }
    };
    line.split([' ', '/']).map(word).collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// All that the page says is printed was printed.
#[track_caller]
pub(super) fn assert_shown(path: &str, printed: &str) {
    let shown: BTreeSet<String> = printed.lines().map(same).collect();
    let expected = blocks_of(path, "text");
    assert!(!expected.is_empty(), "{path} shows nothing");
    for line in expected.iter().flat_map(|block| block.lines()) {
        assert!(shown.contains(&same(line)), "{path} says {line:?}, which did not come:\n{printed}");
    }
}
