//! The repository's files, read once.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// Endings of the files whose text rules look at; of all others only the name is known.
const TEXT_ENDINGS: [&str; 8] = ["rs", "md", "toml", "sql", "sh", "html", "css", "js"];

/// Text files without an ending.
const TEXT_NAMES: [&str; 1] = [".ci/run"];

/// All files, by path from the root with `/` between the parts.
pub(crate) struct Repo {
    files: BTreeMap<String, Option<String>>,
}

impl Repo {
    /// Reads everything below `root` that is not git's own or a build directory.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for path in entries(&folder)? {
                if path.is_dir() {
                    if !is_foreign(&path) {
                        folders.push(path);
                    }
                    continue;
                }
                let name = relative(root, &path);
                let text = if is_text(&name) {
                    Some(fs::read_to_string(&path).with_context(|| format!("{name} cannot be read as UTF-8 text"))?)
                } else {
                    None
                };
                files.insert(name, text);
            }
        }
        Ok(Self { files })
    }

    /// A repository made of these files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned()))).collect() }
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// All paths, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// A file's text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// The text files with this ending.
    pub(crate) fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(move |(path, _)| path.rsplit_once('.').is_some_and(|(_, found)| found == ending))
    }

    /// All text files.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Whether there is a file or a folder of this name.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        if path.is_empty() || self.files.contains_key(path) {
            return true;
        }
        let folder = format!("{path}/");
        self.files.range(folder.clone()..).next().is_some_and(|(name, _)| name.starts_with(&folder))
    }

    /// The manifests of the workspace's own packages: path, package name, parsed.
    pub(crate) fn manifests(&self) -> Vec<Manifest<'_>> {
        self.with_ending("toml").filter_map(|(path, text)| Manifest::read(path, text)).collect()
    }
}

/// A `Cargo.toml` of one of the workspace's packages.
pub(crate) struct Manifest<'a> {
    /// Its path.
    pub(crate) path: &'a str,
    /// Its text, to find lines in.
    pub(crate) text: &'a str,
    /// The package's name.
    pub(crate) name: String,
    /// What it says.
    pub(crate) table: toml::Table,
}

impl<'a> Manifest<'a> {
    fn read(path: &'a str, text: &'a str) -> Option<Self> {
        let folder = path.strip_suffix("/Cargo.toml")?;
        let inside = ["crates/", "xtask/"].into_iter().find_map(|above| folder.strip_prefix(above));
        if folder != "xtask" && inside.is_none_or(|name| name.contains('/')) {
            return None;
        }
        // A manifest that cannot be parsed never gets as far as this check: cargo itself refuses the workspace.
        let table: toml::Table = text.parse().ok()?;
        let name = table.get("package")?.get("name")?.as_str()?.to_owned();
        Some(Self { path, text, name, table })
    }

    /// The line, from 1, that begins with this key.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        let is_key = |line: &str| {
            line.trim_start()
                .trim_start_matches('"')
                .strip_prefix(key)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_'))
        };
        self.text.lines().position(is_key).map_or(0, |index| index + 1)
    }
}

/// Not ours to check: git's own folder, and what cargo marks as a cache (build directories, wherever they are).
fn is_foreign(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == ".git") || folder.join("CACHEDIR.TAG").exists()
}

fn is_text(name: &str) -> bool {
    TEXT_NAMES.contains(&name)
        || name.rsplit_once('.').is_some_and(|(_, ending)| TEXT_ENDINGS.contains(&ending))
            && !name.starts_with("fixtures/")
        || name == "fixtures/README.md"
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    read().with_context(|| format!("{} cannot be listed", folder.display()))
}

fn relative(root: &Path, path: &Path) -> String {
    let parts: Vec<_> =
        path.strip_prefix(root).unwrap_or(path).components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_exist_when_something_is_in_them() {
        let repo = Repo::of(&[("docs/adr/0001-a.md", ""), ("docs-old.md", "")]);
        assert!(repo.exists("docs/adr"));
        assert!(repo.exists("docs/adr/"));
        assert!(repo.exists("docs/adr/0001-a.md"));
        assert!(!repo.exists("docs/ad"));
        assert!(!repo.exists("docs-"));
    }

    #[test]
    fn only_the_workspace_s_own_manifests_are_read() {
        let text = "[package]\nname = \"a\"\n\n[dependencies]\nhttp-body = \"1\"\nhttp = \"1\"\n";
        let repo =
            Repo::of(&[("crates/a/Cargo.toml", text), ("fuzz/Cargo.toml", text), ("crates/a/b/Cargo.toml", text)]);
        let manifests = repo.manifests();
        assert_eq!(manifests.iter().map(|manifest| manifest.path).collect::<Vec<_>>(), ["crates/a/Cargo.toml"]);
        assert_eq!(manifests[0].line_of("http"), 6);
    }
}
