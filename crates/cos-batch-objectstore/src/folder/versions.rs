//! Older versions and delete markers of a key.
//!
//! They are files in one hidden folder per key, named `<number>-<version id>`, a marker with `.m` after it. Numbers
//! ascend with time. The current version is not here but where the object lives: no file there, no current version.

use std::{collections::BTreeMap, fs::File};

use rustix::{
    fs::{Dir, OFlags},
    io::Errno,
};

use super::{
    at::{self, Renamed, Stamp},
    bucket::Bucket,
    find::{self, Object, Place},
    location::Location,
    names::{ODD, VERSIONS},
    read, sidecar,
    temp::Temp,
    write,
};
use crate::{ObjectVersion, VersionKind, fail::Fail, rules::NULL_VERSION};

const MARKER: &str = ".m";

/// One older version or marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    number: u64,
    pub(super) id: String,
    pub(super) is_marker: bool,
}

impl Entry {
    fn parse(name: &str) -> Option<Self> {
        let (number, id) = name.split_once('-')?;
        let (id, is_marker) = id.strip_suffix(MARKER).map_or((id, false), |id| (id, true));
        let number = u64::from_str_radix(number, 16).ok()?;
        Some(Self { number, id: id.to_owned(), is_marker })
    }

    fn location(&self, bucket: &Bucket, key: &str) -> Result<Location<'static>, Fail> {
        let marker = if self.is_marker { MARKER } else { "" };
        let suffix = format!("/{:016x}-{}{marker}", self.number, self.id);
        Ok(Location::hidden_made(bucket, VERSIONS, key, &suffix)?)
    }

    /// Opens it, with what is known about it; it may be gone. Of a marker nothing is known.
    pub(super) fn object(&self, bucket: &Bucket, key: &str, flags: OFlags) -> Result<Option<Object>, Fail> {
        let location = self.location(bucket, key)?;
        for _ in 0..find::ATTEMPTS {
            let file = match location.open(flags) {
                Err(error) if at::is_absent(error) => return Ok(None),
                opened => File::from(opened?),
            };
            let stamp = at::stamp(&file)?;
            let record = if self.is_marker { None } else { sidecar::read(bucket, key, &stamp)? };
            // Whoever replaced this file has removed its sidecar too.
            if record.is_none() && at::stamp(&file)?.gone {
                continue;
            }
            return Ok(Some(Object { file, stamp, place: Place::Archived(self.id.clone()), record }));
        }
        Err(Errno::AGAIN.into())
    }

    /// Puts another file in the place of this one.
    pub(super) fn replace(&self, bucket: &Bucket, key: &str, mut temp: Temp) -> Result<(), Fail> {
        let location = self.location(bucket, key)?;
        let Renamed::Replacing(replaced) = temp.rename(bucket, |folder, name| location.take(folder, name))? else {
            return Err(Fail::refused());
        };
        temp.settled();
        if let Some(inode) = replaced {
            sidecar::remove(bucket, key, inode);
        }
        Ok(())
    }

    /// Removes it for good, with its sidecar.
    pub(super) fn discard(&self, bucket: &Bucket, key: &str) -> Result<(), Fail> {
        let location = self.location(bucket, key)?;
        if let Some(inode) = location.remove()? {
            sidecar::remove(bucket, key, inode);
        }
        location.prune();
        Ok(())
    }

    /// Makes it the current object, in the place of the one that is: the rename is the one step.
    pub(super) fn promote(&self, bucket: &Bucket, key: &str) -> Result<(), Fail> {
        let location = self.location(bucket, key)?;
        let (folder, name) = location.parent()?;
        let (place, replaced) = write::settle(bucket, key, folder, name)?;
        if let Some(inode) = replaced {
            sidecar::remove(bucket, key, inode);
        }
        if place == Place::Ordinary {
            drop_shadowed(bucket, key, None)?;
        }
        location.prune();
        Ok(())
    }
}

/// What a writer has to know of a key's older versions.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The newest one.
    pub(super) newest: Option<Entry>,
    /// The one before it.
    pub(super) below: Option<Entry>,
    /// The one asked for.
    pub(super) wanted: Option<Entry>,
    /// The one with the id `null`.
    pub(super) null: Option<Entry>,
    /// The current object's own file under a second name: the writer that archived it died before it replaced it.
    leftover: Option<Entry>,
    next_number: u64,
}

/// Looks through the older versions; `current` is the current object's file.
pub(super) fn survey(bucket: &Bucket, key: &str, wanted: &str, current: Option<&Stamp>) -> Result<Survey, Fail> {
    let mut survey = Survey::default();
    each(bucket, key, |entry| {
        survey.next_number = survey.next_number.max(entry.number.saturating_add(1));
        let newer = |than: &Option<Entry>| than.as_ref().is_none_or(|t| t.number < entry.number);
        if entry.id == wanted && newer(&survey.wanted) {
            survey.wanted = Some(entry.clone());
        }
        if entry.id == NULL_VERSION && newer(&survey.null) {
            survey.null = Some(entry.clone());
        }
        if newer(&survey.newest) {
            survey.below = survey.newest.replace(entry);
        } else if newer(&survey.below) {
            survey.below = Some(entry);
        }
    })?;
    if let (Some(current), Some(newest)) = (current, &survey.newest)
        && newest.location(bucket, key)?.stat()?.is_some_and(|s| s.inode == current.inode)
    {
        let leftover = survey.newest.take();
        survey.newest = survey.below.take();
        for slot in [&mut survey.wanted, &mut survey.null] {
            if *slot == leftover {
                *slot = None;
            }
        }
        survey.leftover = leftover;
    }
    Ok(survey)
}

impl Survey {
    /// Keeps the current object as an older version: under a second name (`moved` false), which leaves it current
    /// until it is replaced; or by moving it away, which is what deletes it.
    pub(super) fn archive(&mut self, bucket: &Bucket, key: &str, current: &Object, moved: bool) -> Result<(), Fail> {
        self.drop_leftover(bucket, key)?;
        let entry = Entry { number: self.next_number, id: current.version().to_owned(), is_marker: false };
        self.next_number += 1;
        let location = entry.location(bucket, key)?;
        let from = current_location(bucket, key, &current.place)?;
        if moved {
            if current.place == Place::Ordinary {
                drop_shadowed(bucket, key, None)?;
            }
            if !matches!(location.take_from(&from)?, Renamed::Replacing(_)) {
                return Err(Fail::refused());
            }
            from.prune();
        } else {
            location.link_from(&from)?;
        }
        if entry.id == NULL_VERSION {
            self.discard_null(bucket, key)?;
        }
        Ok(())
    }

    /// There is one `null` version at most.
    pub(super) fn discard_null(&mut self, bucket: &Bucket, key: &str) -> Result<(), Fail> {
        self.null.take().map_or(Ok(()), |null| null.discard(bucket, key))
    }

    /// Takes away the second name of the current object's file.
    pub(super) fn drop_leftover(&mut self, bucket: &Bucket, key: &str) -> Result<(), Fail> {
        if let Some(leftover) = self.leftover.take() {
            leftover.location(bucket, key)?.remove()?;
        }
        Ok(())
    }

    /// Adds a delete marker as the newest one.
    pub(super) fn add_marker(&self, bucket: &Bucket, key: &str, id: &str, temp: Temp) -> Result<(), Fail> {
        Entry { number: self.next_number, id: id.to_owned(), is_marker: true }.replace(bucket, key, temp)
    }
}

/// The older version or marker with an id.
pub(super) fn find(bucket: &Bucket, key: &str, id: &str) -> Result<Option<Entry>, Fail> {
    let mut found: Option<Entry> = None;
    each(bucket, key, |entry| {
        if entry.id == id && found.as_ref().is_none_or(|f| f.number < entry.number) {
            found = Some(entry);
        }
    })?;
    Ok(found)
}

/// All versions and markers of a key from the newest down, at most `limit`, from below the one with the id `seen`. If
/// there is no such version any more, nobody knows what came after it: then from the newest.
pub(super) fn all(bucket: &Bucket, key: &str, seen: Option<&str>, limit: usize) -> Result<Vec<ObjectVersion>, Fail> {
    let current = find::current(bucket, key, at::LOOK)?;
    let current_is_seen = current.as_ref().is_some_and(|c| seen == Some(c.version()));
    let below = match seen {
        Some(id) if !current_is_seen => find(bucket, key, id)?.map(|entry| entry.number),
        _ => None,
    };
    let mut versions = Vec::new();
    let current_inode = current.as_ref().map(|current| current.stamp.inode);
    let from_the_newest = !current_is_seen && below.is_none();
    if let Some(current) = current.as_ref().filter(|_| from_the_newest) {
        versions.push(shown(bucket, key, current, true));
    }
    // The ones with the highest numbers; one more, since one may be the current object's own file.
    let mut entries = BTreeMap::new();
    each(bucket, key, |entry| {
        if below.is_none_or(|below| entry.number < below) {
            entries.insert(entry.number, entry);
            if entries.len() > limit + 1 {
                entries.pop_first();
            }
        }
    })?;
    for entry in entries.into_values().rev() {
        let Some(object) = entry.object(bucket, key, at::LOOK)? else { continue };
        if current_inode == Some(object.stamp.inode) {
            continue;
        }
        let is_latest = from_the_newest && versions.is_empty();
        versions.push(if entry.is_marker {
            let kind = VersionKind::Marker;
            ObjectVersion {
                key: key.to_owned(),
                version_id: entry.id,
                is_latest,
                last_modified: object.stamp.modified.0,
                kind,
            }
        } else {
            shown(bucket, key, &object, is_latest)
        });
    }
    versions.truncate(limit);
    Ok(versions)
}

fn shown(bucket: &Bucket, key: &str, object: &Object, is_latest: bool) -> ObjectVersion {
    let record = object.record.as_ref();
    let kind = VersionKind::Object {
        size: object.stamp.size,
        etag: read::known_etag(bucket, object).unwrap_or_default(),
        storage_class: record.map(|r| r.attributes.storage_class.clone()).unwrap_or_default(),
    };
    ObjectVersion {
        key: key.to_owned(),
        version_id: object.version().to_owned(),
        is_latest,
        last_modified: object.stamp.modified.0,
        kind,
    }
}

fn each(bucket: &Bucket, key: &str, mut see: impl FnMut(Entry)) -> Result<(), Fail> {
    let Some(location) = Location::hidden(bucket, VERSIONS, key, "")? else { return Ok(()) };
    let folder = match location.open(at::SCAN) {
        Err(error) if at::is_absent(error) => return Ok(()),
        opened => opened?,
    };
    for entry in Dir::new(folder)? {
        if let Some(entry) = entry?.file_name().to_str().ok().and_then(Entry::parse) {
            see(entry);
        }
    }
    Ok(())
}

/// Where the current object of a key is.
pub(super) fn current_location<'a>(bucket: &Bucket, key: &'a str, place: &Place) -> Result<Location<'a>, Fail> {
    if *place == Place::Ordinary
        && let Some(location) = Location::ordinary(bucket, key)
    {
        return Ok(location);
    }
    Ok(Location::hidden_made(bucket, ODD, key, "")?)
}

/// Removes what lies in the hidden area under an object that lives at its own path, so that it never comes to light;
/// the sidecar of the inode `kept` stays.
pub(super) fn drop_shadowed(bucket: &Bucket, key: &str, kept: Option<u64>) -> Result<(), Fail> {
    let Some(odd) = Location::hidden(bucket, ODD, key, "")? else { return Ok(()) };
    if let Some(inode) = odd.remove()? {
        if Some(inode) != kept {
            sidecar::remove(bucket, key, inode);
        }
        odd.prune();
    }
    Ok(())
}

/// A version id no other file of this file system has: by its inode and time of change.
pub(super) fn id_of_file(file: &Stamp) -> String {
    let (seconds, nanoseconds) = file.modified;
    format!("{seconds:010x}{nanoseconds:08x}-{:x}", file.inode)
}

/// The id of a version to be made: the one wanted, if there is one.
pub(super) fn new_id(wanted: Option<String>, file: &Stamp) -> String {
    wanted.unwrap_or_else(|| id_of_file(file))
}
