//! The pages below `docs/` are built as a book, and its links are followed.
//!
//! What mdBook makes is looked at, not what it was made of: it leaves out a page that its table of contents does not name, and
//! follows no link.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};

use super::python;

/// The book in its source.
const SOURCE: &str = "docs";

/// The table of contents, which is no page of its own.
const CONTENTS: &str = "SUMMARY.md";

/// Pages that no page of ours becomes: what a web server shows for a wrong address has its links from the root of the site.
const FOREIGN: [&str; 1] = ["404.html"];

/// Builds the book below the target folder, and follows all links in it.
///
/// # Errors
///
/// mdBook is not to be had or complains; a page is not in the book; a link leads nowhere.
pub(super) fn build(root: &Path) -> anyhow::Result<()> {
    python::environment(root)?;
    let target = crate::target(root);
    let (program, book) = (target.join("python/bin/mdbook"), target.join("book"));
    make(&program, root, &book)?;
    let pages = pages(&book)?;
    let mut faults = left_out(&root.join(SOURCE), &pages)?;
    faults.extend(broken(&book, &pages));
    if !faults.is_empty() {
        bail!("the book has faults:\n  {}", faults.join("\n  "));
    }
    println!("book: {} pages below {}", pages.len(), book.display());
    Ok(())
}

/// Lets mdBook build the book of this folder.
fn make(program: &Path, root: &Path, book: &Path) -> anyhow::Result<()> {
    let made = Command::new(program).arg("build").arg("--dest-dir").arg(book).arg(root).output();
    let made = made.with_context(|| format!("{} cannot be started", program.display()))?;
    let said = String::from_utf8_lossy(&made.stderr);
    // It goes on after a warning, such as one about a link to a heading in a file that it includes.
    let fault =
        said.lines().any(|line| line.trim_start().starts_with("WARN") || line.trim_start().starts_with("ERROR"));
    ensure!(made.status.success() && !fault, "mdBook does not take the book:\n{said}");
    Ok(())
}

/// All pages that were made, with their text, by path from the book's folder.
fn pages(book: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut pages = BTreeMap::new();
    for path in files(book, "html")? {
        if !FOREIGN.iter().any(|foreign| path == Path::new(foreign)) {
            let text = fs::read_to_string(book.join(&path)).with_context(|| format!("reading {}", path.display()))?;
            pages.insert(path, text);
        }
    }
    Ok(pages)
}

/// Files with this ending, by path from the folder.
fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Pages of the source that did not become one of the book.
fn left_out(source: &Path, pages: &BTreeMap<PathBuf, String>) -> anyhow::Result<Vec<String>> {
    let written = files(source, "md")?.into_iter().filter(|path| path != Path::new(CONTENTS));
    let left_out = written.filter(|path| !pages.contains_key(&path.with_extension("html")));
    Ok(left_out.map(|path| format!("{}: {CONTENTS} does not name it", path.display())).collect())
}

/// Links that lead nowhere within the book.
fn broken(book: &Path, pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let names: BTreeMap<&Path, BTreeSet<&str>> =
        pages.iter().map(|(path, text)| (path.as_path(), attributes(text, "id").collect())).collect();
    let mut broken = BTreeSet::new();
    for (page, text) in pages {
        for link in attributes(text, "href").chain(attributes(text, "src")) {
            if is_elsewhere(link) {
                continue;
            }
            let (file, name) = link.split_once('#').unwrap_or((link, ""));
            let path = resolved(page, file);
            let found = match names.get(path.as_path()) {
                Some(names) => name.is_empty() || names.contains(name),
                None => book.join(&path).is_file(),
            };
            if !found {
                broken.insert(format!("{}: a link to `{link}`, where nothing is", page.display()));
            }
        }
    }
    broken.into_iter().collect()
}

/// Whether this is the address of something that is not in the book.
fn is_elsewhere(link: &str) -> bool {
    let scheme = link.split_once(':').map_or("", |(scheme, _)| scheme);
    !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Where a link on this page leads to, from the book's folder.
fn resolved(page: &Path, file: &str) -> PathBuf {
    if file.is_empty() {
        return page.to_owned();
    }
    let mut path = page.parent().map_or_else(PathBuf::new, Path::to_owned);
    for part in file.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            path.pop();
        } else {
            path.push(part);
        }
    }
    path
}

/// The values of this attribute, in double quotes as mdBook writes them.
fn attributes<'t>(text: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    let start = format!(" {name}=\"");
    let places: Vec<usize> = text.match_indices(&start).map(|(at, found)| at + found.len()).collect();
    places.into_iter().filter_map(|at| text[at..].split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pages: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
        pages.iter().map(|(path, text)| ((*path).into(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_page_that_the_contents_do_not_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("adr")).unwrap();
        for name in [CONTENTS, "a.md", "b.md", "adr/c.md", "picture.svg"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = left_out(folder.path(), &of(&[("a.html", ""), ("adr/c.html", "")])).unwrap();
        assert_eq!(found, ["b.md: SUMMARY.md does not name it"]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let book = tempfile::tempdir().unwrap();
        fs::write(book.path().join("picture.svg"), "").unwrap();
        let pages = of(&[
            (
                "a.html",
                "<h1 id=\"one\"> <a href=\"#one\"> <a href=\"#two\"> <a href=\"sub/b.html#x\"> <img src=\"picture.svg\"> \
                 <a href=\"https://example.com/#y\"> <a href=\"c.html\"> <a class=\"k\" href=\"mailto:a@b\">",
            ),
            ("sub/b.html", "<p id=\"x\"> <a href=\"../a.html#one\"> <a href=\"a.html\"> <a href=\"../picture.png\">"),
        ]);
        let found = broken(book.path(), &pages);
        let links: Vec<&str> = found.iter().filter_map(|fault| fault.split('`').nth(1)).collect();
        assert_eq!(links, ["#two", "c.html", "../picture.png", "a.html"], "{found:?}");
    }
}
