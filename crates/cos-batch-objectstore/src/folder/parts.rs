//! Parts of an upload, and the object they become.

use std::{io::Write, os::unix::fs::FileExt};

use md5::{Digest, Md5};

use super::{
    at::{self, Renamed},
    bucket::Bucket,
    find::{self, Object},
    incoming::Incoming,
    read,
    temp::Temp,
    uploads::Upload,
    write::{self, New},
};
use crate::{
    CompleteRequest, ErrorKind, PartCopyRequest, PartOutcome, PutOutcome, UploadId,
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
    place(bucket, id, number, temp, digest)
}

fn place(
    bucket: &Bucket,
    id: UploadId<'_>,
    number: u16,
    mut temp: Temp,
    digest: [u8; 16],
) -> Result<PartOutcome, Fail> {
    temp.file.write_all(&digest)?;
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

/// Second half of a copy: what concerns the target.
pub(super) fn copy(bucket: &Bucket, request: &PartCopyRequest<'_>, source: &Source) -> Result<PartOutcome, Fail> {
    let (id, number) = (request.upload, request.number);
    upload::check_number(number)?;
    let upload = Upload::find(bucket, id)?;
    let temp = Temp::for_location(bucket, Some(&upload.part(number)?))?;
    write::copy_bytes(&source.object.file, source.start, &temp.file, source.length)?;
    let digest = source.digest()?;
    place(bucket, id, number, temp, digest)
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
pub(super) fn complete(bucket: &Bucket, request: &CompleteRequest<'_>, sizes: Sizes) -> Result<PutOutcome, Fail> {
    let upload = Upload::find(bucket, request.upload)?;
    let record = upload.record()?;
    upload::check_completion(request.parts, sizes.min_part, |number| {
        Ok(upload.open_part(number)?.map(|part| Known { etag: part.etag, size: part.size }))
    })?;
    let temp = write::stage(bucket, upload.key)?;
    for named in request.parts {
        let number = named.number;
        let part = upload.open_part(number)?.filter(|part| part.etag == named.etag).ok_or_else(|| {
            Fail::new(ErrorKind::InvalidPart, format!("part {number} was replaced or removed meanwhile"))
        })?;
        write::copy_bytes(&part.file, 0, &temp.file, part.size)?;
    }
    let etag = upload::etag_of_parts(request.parts.iter().map(|part| part.etag.as_str()));
    let new = New {
        temp,
        attributes: record.attributes,
        etag: Some(etag.clone()),
        version: record.version,
        upload: Some(&upload),
    };
    let (version_id, _) = write::commit(bucket, upload.key, new, bucket.versioning()?)?;
    Ok(PutOutcome { etag, version_id })
}
