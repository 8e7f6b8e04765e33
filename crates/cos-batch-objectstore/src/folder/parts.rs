//! Parts of an upload, and the object they become.

use std::{io::Write, os::unix::fs::FileExt};

use md5::{Digest, Md5};

use super::{
    at::{self, Renamed},
    bucket::Bucket,
    completing::Turn,
    find::{self, Object},
    incoming::Incoming,
    read,
    temp::Temp,
    uploads::Upload,
    write::{self, New},
};
use crate::{
    CompleteRequest, CompletedPart, ErrorKind, PartCopyRequest, PartOutcome, PutOutcome, UploadId,
    fail::Fail,
    rules::{self, Sizes},
    upload::{self, Known},
};

/// Bytes read at once to compute an MD5.
const HASH_BYTES: usize = 128 * 1024;

/// A file for the content of a part.
pub(super) fn begin(bucket: &Bucket, id: UploadId<'_>, number: u16) -> Result<Incoming, Fail> {
    upload::check_number(number)?;
    let upload = Upload::find(bucket, id)?;
    Incoming::new(bucket, Some(&upload.part(number)?))
}

/// Makes the file the part.
pub(super) fn end(bucket: &Bucket, id: UploadId<'_>, number: u16, incoming: Incoming) -> Result<PartOutcome, Fail> {
    let (temp, digest) = incoming.end();
    place(bucket, id, number, temp, digest, false)
}

fn place(
    bucket: &Bucket,
    id: UploadId<'_>,
    number: u16,
    mut temp: Temp,
    digest: [u8; 16],
    durable: bool,
) -> Result<PartOutcome, Fail> {
    temp.file.write_all(&digest)?;
    if durable {
        temp.file.sync_data()?;
    }
    let upload = Upload::named(bucket, id.key, id.id).ok_or_else(upload::no_such_upload)?;
    let location = upload.part(number)?;
    match temp.put(bucket, &location)? {
        Renamed::Replacing(_) => {}
        Renamed::FolderInTheWay | Renamed::Refused => return Err(Fail::refused()),
    }
    // The upload may have ended meanwhile: then nobody else removes this part, nor the folders made for it.
    if let Err(ended) = upload.must_exist() {
        location.remove()?;
        location.prune();
        return Err(ended);
    }
    Ok(PartOutcome { etag: hex::encode(digest) })
}

/// The source of a part that is copied.
pub(super) struct Source {
    object: Object,
    start: u64,
    length: u64,
}

/// First half of a copy: what concerns the source.
pub(super) fn source(bucket: &Bucket, request: &PartCopyRequest<'_>, sizes: Sizes, now: i64) -> Result<Source, Fail> {
    let source = &request.source;
    rules::check_key(source.key)?;
    let object = find::locate(bucket, source.key, source.version, at::READ)?;
    object.attributes().check_readable(now)?;
    if let Some(expected) = request.source_etag
        && read::etag(bucket, &object)? != expected
    {
        return Err(Fail::new(ErrorKind::PreconditionFailed, "the source has another ETag"));
    }
    let range = rules::whole_range(request.range.as_ref(), object.stamp.size)?;
    let length = range.end - range.start;
    sizes.check_copy(length)?;
    Ok(Source { object, start: range.start, length })
}

/// Second half of a copy: what concerns the target. On return the content is durable: whoever takes the upload up later copies from
/// this part, and would not know if a sync had failed since. What lets it be found is not; without that it is copied again.
pub(super) fn copy(bucket: &Bucket, request: &PartCopyRequest<'_>, source: &Source) -> Result<PartOutcome, Fail> {
    let (id, number) = (request.upload, request.number);
    upload::check_number(number)?;
    let upload = Upload::find(bucket, id)?;
    let temp = Temp::for_location(bucket, Some(&upload.part(number)?))?;
    write::copy_bytes(&source.object.file, source.start, &temp.file, source.length)?;
    let digest = source.digest()?;
    place(bucket, id, number, temp, digest, true)
}

impl Source {
    fn digest(&self) -> Result<[u8; 16], Fail> {
        let mut md5 = Md5::new();
        let mut buffer = vec![0; HASH_BYTES];
        let mut done = 0;
        while done < self.length {
            let ask = usize::try_from(self.length - done).map_or(HASH_BYTES, |left| left.min(HASH_BYTES));
            match self.object.file.read_at(&mut buffer[..ask], self.start + done)? {
                0 => break,
                read => {
                    md5.update(&buffer[..read]);
                    done += read as u64;
                }
            }
        }
        read::unchanged(&self.object)?;
        Ok(md5.finalize().into())
    }
}

/// Puts the object together from its parts. The rename of the whole file is the one step.
pub(super) fn complete(
    bucket: &Bucket,
    request: &CompleteRequest<'_>,
    sizes: Sizes,
    now: i64,
) -> Result<PutOutcome, Fail> {
    let _turn = Turn::take(bucket, request.upload);
    let upload = Upload::find(bucket, request.upload)?;
    let record = upload.record()?;
    let temp = join(bucket, &upload, request.parts, sizes).map_err(|fail| seen_to_its_end(bucket, &upload, fail))?;
    let etag = upload::etag_of_parts(request.parts.iter().map(|part| part.etag.as_str()));
    let new = New {
        temp,
        attributes: record.attributes,
        etag: Some(etag.clone()),
        version: record.version,
        now,
        upload: Some(&upload),
    };
    let (version_id, _) = write::commit(bucket, upload.key, new, bucket.versioning()?)?;
    Ok(PutOutcome { etag, version_id })
}

/// Checks the parts that are named, and copies them into one file.
fn join(bucket: &Bucket, upload: &Upload<'_>, parts: &[CompletedPart], sizes: Sizes) -> Result<Temp, Fail> {
    upload::check_completion(parts, sizes.min_part, |number| {
        Ok(upload.open_part(number)?.map(|part| Known { etag: part.etag, size: part.size }))
    })?;
    let temp = write::stage(bucket, upload.key)?;
    for named in parts {
        let number = named.number;
        let part = upload.open_part(number)?.filter(|part| part.etag == named.etag).ok_or_else(|| {
            Fail::new(ErrorKind::InvalidPart, format!("part {number} was replaced or removed meanwhile"))
        })?;
        write::copy_bytes(&part.file, 0, &temp.file, part.size)?;
    }
    Ok(temp)
}

/// What a part that is missing means: where the upload was aborted meanwhile, or completed by another process, its parts
/// go first and its record last. Whoever removes them holds the key, so that this is looked at when they are gone.
fn seen_to_its_end(bucket: &Bucket, upload: &Upload<'_>, fail: Fail) -> Fail {
    if fail.kind != ErrorKind::InvalidPart {
        return fail;
    }
    let _changing = bucket.lock(upload.key);
    upload.must_exist().err().unwrap_or(fail)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{self, Receiver},
        thread,
        time::Duration,
    };

    use cap_std::{ambient_authority, fs::Dir};

    use super::*;

    /// How long it is watched that a call waits.
    const MOMENT: Duration = Duration::from_millis(100);

    /// A bucket with an upload of one part: the id, and the part.
    fn begun() -> (tempfile::TempDir, Bucket, String, [CompletedPart; 1]) {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Bucket::new(Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()).unwrap();
        let request = crate::MultipartRequest {
            bucket: "b-1",
            key: "k",
            metadata: crate::Metadata::default(),
            tags: Vec::new(),
            storage_class: crate::StorageClass::default(),
            grants: Vec::new(),
            canned_acl: None,
            operation: None,
        };
        let id = super::super::uploads::begin(&bucket, &request, 0).unwrap();
        let upload = UploadId { bucket: "b-1", key: "k", id: &id };
        let mut incoming = begin(&bucket, upload, 1).unwrap();
        incoming.write(b"content").unwrap();
        let etag = end(&bucket, upload, 1, incoming).unwrap().etag;
        (folder, bucket, id, [CompletedPart { number: 1, etag }])
    }

    type Outcome = Result<PutOutcome, ErrorKind>;

    /// Completes the upload on another thread while `meanwhile` runs.
    fn completing(
        bucket: &Bucket,
        upload: UploadId<'_>,
        parts: &[CompletedPart],
        meanwhile: impl FnOnce(&Receiver<Outcome>),
    ) {
        let (done, is_done) = mpsc::channel();
        thread::scope(|threads| {
            threads.spawn(move || {
                let sizes = Sizes { min_part: 1, ..Sizes::default() };
                let outcome = complete(bucket, &CompleteRequest { upload, parts }, sizes, 0);
                done.send(outcome.map_err(|fail| fail.kind)).unwrap();
            });
            meanwhile(&is_done);
        });
    }

    #[test]
    fn parts_that_are_being_removed_are_those_of_no_upload() {
        let (_folder, bucket, id, parts) = begun();
        let id = UploadId { bucket: "b-1", key: "k", id: &id };
        let upload = Upload::find(&bucket, id).unwrap();
        // As another process does it that has completed the upload: in the middle of it, the record is still there.
        let changing = bucket.lock("k");
        upload.part(1).unwrap().remove().unwrap();
        completing(&bucket, id, &parts, |is_done| {
            assert!(is_done.recv_timeout(MOMENT).is_err(), "it did not wait");
            upload.clear().unwrap();
            drop(changing);
            assert_eq!(is_done.recv().unwrap(), Err(ErrorKind::NoSuchUpload));
        });
    }

    #[test]
    fn a_part_that_was_never_there_is_missing() {
        let (_folder, bucket, id, parts) = begun();
        let id = UploadId { bucket: "b-1", key: "k", id: &id };
        let [first] = parts;
        let parts = [first.clone(), CompletedPart { number: 2, ..first }];
        completing(&bucket, id, &parts, |is_done| {
            assert_eq!(is_done.recv().unwrap(), Err(ErrorKind::InvalidPart));
        });
        Upload::find(&bucket, id).unwrap();
    }

    #[test]
    fn an_upload_is_put_together_once_at_a_time() {
        let (folder, bucket, id, parts) = begun();
        let id = UploadId { bucket: "b-1", key: "k", id: &id };
        let turn = Turn::take(&bucket, id);
        // Another upload does not wait for this one.
        drop(Turn::take(&bucket, UploadId { id: "other", ..id }));
        completing(&bucket, id, &parts, |is_done| {
            assert!(is_done.recv_timeout(MOMENT).is_err(), "it did not wait");
            drop(turn);
            assert!(is_done.recv().unwrap().is_ok());
        });
        assert_eq!(std::fs::read(folder.path().join("k")).unwrap(), b"content");
        completing(&bucket, id, &parts, |is_done| {
            assert_eq!(is_done.recv().unwrap(), Err(ErrorKind::NoSuchUpload));
        });
    }
}
