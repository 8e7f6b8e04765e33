//! List: keys in the order of their bytes, from two places, in bounded memory.

use std::{collections::BinaryHeap, vec};

use rustix::{
    fd::OwnedFd,
    fs::{Dir, FileType},
};

use super::{
    ahead::{self, KEPT, Wanted},
    at,
    bucket::Bucket,
    find,
    names::{self, HIDDEN, ODD},
    read,
};
use crate::{
    ListPage, ListRequest,
    fail::Fail,
    rules::{self, MAX_KEY_BYTES},
};

/// One page. A page takes one look through each folder it goes into and one through all keys of the hidden area; it
/// holds at most `limit` names for each level of folders at a time.
pub(super) fn list(bucket: &Bucket, request: &ListRequest<'_>, now: i64) -> Result<ListPage, Fail> {
    rules::check_limit(request.limit)?;
    let bounds = Bounds { prefix: request.prefix, after: request.after, inclusive: false, now };
    // One more than asked for tells whether there is another page.
    let want = request.limit + 1;
    let mut keys = current_keys(bucket, &bounds, want)?;
    let more = keys.len() > request.limit;
    keys.truncate(request.limit);
    let mut page = ListPage { objects: Vec::with_capacity(keys.len()), next: None };
    if more {
        page.next = keys.last().cloned();
    }
    let versioning = bucket.versioning()?;
    for key in keys {
        // Deleted meanwhile: not in the page.
        if let Some(object) = find::current(bucket, &key, at::LOOK)? {
            let etag = read::known_etag(bucket, &object).unwrap_or_default();
            let meta = read::listed(&object, etag, versioning);
            page.objects.push((key, meta));
        }
    }
    Ok(page)
}

/// The first keys that have a current object, at least `want` if there are so many.
pub(super) fn current_keys(bucket: &Bucket, bounds: &Bounds<'_>, want: usize) -> Result<Vec<String>, Fail> {
    let mut keys = ordinary_keys(bucket, bounds, want)?;
    keys.extend(hidden_keys(bucket, &ODD_OBJECTS, bounds, want)?);
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// Which keys are asked for.
pub(super) struct Bounds<'a> {
    pub(super) prefix: &'a str,
    pub(super) after: Option<&'a str>,
    /// The key `after` itself, too.
    pub(super) inclusive: bool,
    /// What time it is, Unix seconds.
    pub(super) now: i64,
}

/// A tree of the hidden area.
pub(super) struct Tree {
    pub(super) name: &'static str,
    /// What a key leads to is a folder, not a file.
    pub(super) leaves_are_folders: bool,
}

const ODD_OBJECTS: Tree = Tree { name: ODD, leaves_are_folders: false };

impl Bounds<'_> {
    fn admit(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after || (self.inclusive && key == after))
    }

    /// Can a key that begins with `start` be admitted?
    fn reach(&self, start: &[u8]) -> bool {
        let prefix = self.prefix.as_bytes();
        (start.starts_with(prefix) || prefix.starts_with(start))
            && self.after.is_none_or(|after| start > after.as_bytes() || after.as_bytes().starts_with(start))
    }
}

/// The smallest of what is offered.
struct Smallest {
    heap: BinaryHeap<String>,
    want: usize,
    /// Something was left out.
    cut: bool,
}

impl Smallest {
    fn new(want: usize) -> Self {
        Self { heap: BinaryHeap::new(), want, cut: false }
    }

    fn offer(&mut self, name: &str) {
        if self.heap.len() == self.want && self.heap.peek().is_some_and(|largest| name >= largest.as_str()) {
            self.cut = true;
            return;
        }
        self.heap.push(name.to_owned());
        if self.heap.len() > self.want {
            self.heap.pop();
            self.cut = true;
        }
    }

    fn sorted(self) -> (Vec<String>, bool) {
        (self.heap.into_sorted_vec(), self.cut)
    }
}

/// A folder on the way down. Folders among the names end in `/`, and so sort as their keys do: `a-` before `a/b`.
struct Level {
    /// What all keys below begin with: empty, or ends in `/`.
    start: String,
    names: vec::IntoIter<String>,
    /// The last name, if there are more than were taken up.
    rest_after: Option<String>,
}

fn ordinary_keys(bucket: &Bucket, bounds: &Bounds<'_>, want: usize) -> Result<Vec<String>, Fail> {
    let start = bounds.prefix.rfind('/').map_or("", |end| &bounds.prefix[..=end]);
    if !start.is_empty() && !names::is_ordinary(start.trim_end_matches('/')) {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    let mut levels = vec![level(bucket, start.to_owned(), bounds, None, want)?];
    while let Some(top) = levels.last_mut() {
        if let Some(name) = top.names.next() {
            let path = format!("{}{name}", top.start);
            if path.ends_with('/') {
                levels.push(level(bucket, path, bounds, None, want)?);
            } else {
                keys.push(path);
                if keys.len() == want {
                    break;
                }
            }
        } else if let Some(last) = top.rest_after.take() {
            *top = level(bucket, std::mem::take(&mut top.start), bounds, Some(&last), want)?;
        } else {
            levels.pop();
        }
    }
    Ok(keys)
}

/// The first names of a folder after `past` that lead to admitted keys: at least `want`, if there are so many.
fn level(bucket: &Bucket, start: String, bounds: &Bounds<'_>, past: Option<&str>, want: usize) -> Result<Level, Fail> {
    let opened = match start.strip_suffix('/') {
        None => at::reopen(bucket.folder()),
        Some(path) => at::open(bucket.folder(), path, at::SCAN),
    };
    let (names, cut) = match opened {
        // Gone meanwhile, or the prefix leads nowhere, or through a link.
        Err(error) if at::is_absent(error) || error == rustix::io::Errno::LOOP => (Vec::new(), false),
        opened => first_names(opened?, &start, bounds, past, want)?,
    };
    let rest_after = names.last().filter(|_| cut).cloned();
    Ok(Level { start, names: names.into_iter(), rest_after })
}

fn first_names(
    folder: OwnedFd,
    start: &str,
    bounds: &Bounds<'_>,
    past: Option<&str>,
    want: usize,
) -> Result<(Vec<String>, bool), Fail> {
    let possible = |name: &str| {
        let path = format!("{start}{name}");
        let leads_on = if name.ends_with('/') {
            path.len() < MAX_KEY_BYTES && bounds.reach(path.as_bytes())
        } else {
            path.len() <= MAX_KEY_BYTES && bounds.admit(&path)
        };
        leads_on && past.is_none_or(|past| name > past)
    };
    let stamp = at::stamp(&folder)?;
    let wanted = Wanted {
        start: start.to_owned(),
        prefix: bounds.prefix.to_owned(),
        after: bounds.after.map(str::to_owned),
        past: past.map(str::to_owned),
    };
    if !bounds.inclusive
        && let Some(known) = KEPT.find(&stamp, &wanted, want, possible)
    {
        return Ok(known);
    }
    let mut smallest = Smallest::new(want.max(ahead::NAMES));
    let mut name = String::new();
    each_name(folder, |bare, kind| {
        if start.is_empty() && bare == HIDDEN || !(kind.is_dir() || kind.is_file()) {
            return;
        }
        name.clear();
        name.push_str(bare);
        if kind.is_dir() {
            name.push('/');
        }
        if possible(&name) {
            smallest.offer(&name);
        }
    })?;
    let (mut names, mut cut) = smallest.sorted();
    if names.len() > want {
        if !bounds.inclusive {
            KEPT.keep(stamp, wanted, names.clone(), cut, bounds.now);
        }
        names.truncate(want);
        cut = true;
    }
    Ok((names, cut))
}

/// Names that are UTF-8, with what they are; a link is what it is, not what it leads to.
fn each_name(folder: OwnedFd, mut see: impl FnMut(&str, FileType)) -> Result<(), Fail> {
    let mut names = Dir::new(folder)?;
    while let Some(entry) = names.read() {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        // Some file systems do not say it with the name.
        let kind = match entry.file_type() {
            FileType::Unknown => at::stat(names.fd()?, name).map_or(FileType::Unknown, |s| s.kind),
            kind => kind,
        };
        see(name, kind);
    }
    Ok(())
}

/// The first keys of a tree of the hidden area: its order is not the keys' order, so all that can be meant are looked at.
pub(super) fn hidden_keys(bucket: &Bucket, tree: &Tree, bounds: &Bounds<'_>, want: usize) -> Result<Vec<String>, Fail> {
    let mut smallest = Smallest::new(want);
    if let Some(hidden) = bucket.hidden()? {
        match at::open(&hidden, tree.name, at::SCAN) {
            Err(error) if at::is_absent(error) => {}
            opened => walk(opened?, tree, tree.name, &[], bounds, &mut smallest)?,
        }
    }
    Ok(smallest.sorted().0)
}

/// As deep as a key has chunks, 13 at most.
fn walk(
    folder: OwnedFd,
    tree: &Tree,
    path: &str,
    start: &[u8],
    bounds: &Bounds<'_>,
    smallest: &mut Smallest,
) -> Result<(), Fail> {
    let mut failed = None;
    let here = at::reopen(&folder)?;
    each_name(folder, |name, kind| {
        let Some(chunk) = name.get(1..).and_then(names::decode_chunk) else { return };
        let bytes = [start, &chunk].concat();
        let path = format!("{path}/{name}");
        if bytes.len() > MAX_KEY_BYTES || failed.is_some() {
            return;
        }
        if kind.is_dir() && name.starts_with('d') && bounds.reach(&bytes) {
            let deeper = match at::open(&here, name, at::SCAN) {
                Err(error) if at::is_absent(error) => return,
                opened => opened.map_err(Fail::from),
            };
            failed = deeper.and_then(|folder| walk(folder, tree, &path, &bytes, bounds, smallest)).err();
        } else if (if tree.leaves_are_folders { kind.is_dir() } else { kind.is_file() })
            && let Ok(key) = String::from_utf8(bytes)
            && bounds.admit(&key)
            && names::hidden_path(tree.name, &key) == path
        {
            smallest.offer(&key);
        }
    })?;
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use cap_std::{ambient_authority, fs::Dir as CapDir};

    use super::*;

    /// Long after any change that a test makes.
    const LATER: i64 = 4_000_000_000;

    #[test]
    fn pages_of_a_large_folder_are_read_ahead_and_complete() {
        let folder = tempfile::tempdir().unwrap();
        // Every third is a folder with a file in it.
        let key = |n: u32| if n.is_multiple_of(3) { format!("a{n}/b") } else { format!("a{n}") };
        let mut keys: Vec<String> = (0..300).map(key).collect();
        keys.sort_unstable();
        for key in &keys {
            let path = folder.path().join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let bucket = Bucket::new(CapDir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()).unwrap();
        for prefix in ["", "a1", "a2"] {
            for limit in [1, 7, 100] {
                let expected: Vec<_> = keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
                let mut found = Vec::new();
                let mut after: Option<String> = None;
                loop {
                    let request = ListRequest { bucket: "", prefix, after: after.as_deref(), limit };
                    let page = list(&bucket, &request, LATER).unwrap();
                    found.extend(page.objects.into_iter().map(|(key, _)| key));
                    after = page.next;
                    let Some(next) = &after else { break };
                    let stamp = at::stamp(at::reopen(bucket.folder()).unwrap()).unwrap();
                    let (start, past) = (String::new(), None);
                    let wanted = Wanted { start, prefix: prefix.to_owned(), after: Some(next.clone()), past };
                    assert!(KEPT.find(&stamp, &wanted, 1, |_| true).is_some(), "the next page needs no look");
                }
                assert_eq!(found, expected, "prefix {prefix:?} limit {limit}");
            }
        }
    }
}
