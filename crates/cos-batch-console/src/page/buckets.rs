//! Buckets: looking around in them, uploading a manifest, making one of what is selected.

use askama::Template;
use bytes::Bytes;
use cos_batch_engine::view::{BucketLine, LIST_LIMIT_MAX};
use cos_batch_model::ApiError;
use http::StatusCode;

use crate::{
    answer::{Answer, encoded, page, see},
    form::{Fields, Upload, refused},
    format::{bytes, moment, time_of},
    frame::Frame,
    visit::{UPLOAD_BYTES_MAX, Visit},
};

/// Entries on a page.
const ENTRIES: usize = 100;

/// Lists that one page asks for at most: a folder is stepped over with one of them.
const LISTS: usize = 120;

/// Rows of a manifest that is made of a selection: what is listed within the time of a request.
const ROWS_MAX: usize = 200_000;

#[derive(Template)]
#[template(path = "buckets.html")]
struct BucketsPage {
    f: Frame,
    buckets: Vec<BucketLine>,
    example: String,
}

#[derive(Template)]
#[template(path = "bucket.html")]
struct BucketPage {
    f: Frame,
    bucket: String,
    writable: bool,
    prefix: String,
    /// Each step of the way here, with its address.
    crumbs: Vec<(String, String)>,
    up: Option<String>,
    entries: Vec<Entry>,
    next: Option<String>,
    later: bool,
    suggestion: String,
}

/// A folder or an object.
struct Entry {
    folder: bool,
    name: String,
    key: String,
    link: String,
    size: String,
    time: String,
    class: String,
    /// Where it is used as a manifest; only for what may be one.
    manifest: Option<String>,
}

/// Entries of a page, and where the next one begins.
struct Found {
    entries: Vec<Entry>,
    next: Option<String>,
}

fn place(bucket: &str, prefix: &str) -> String {
    format!("/console/buckets/{}?prefix={}", encoded(bucket), encoded(prefix))
}

fn crumbs(bucket: &str, prefix: &str) -> Vec<(String, String)> {
    let mut crumbs = vec![(bucket.to_owned(), place(bucket, ""))];
    let mut at = 0;
    while let Some(end) = prefix[at..].find('/') {
        let until = at + end + 1;
        crumbs.push((prefix[at..until - 1].to_owned(), place(bucket, &prefix[..until])));
        at = until;
    }
    crumbs
}

/// A row of a manifest: the key percent-encoded, as manifests have it.
fn push_row(out: &mut String, bucket: &str, key: &str) {
    out.push_str(bucket);
    out.push(',');
    out.push_str(&encoded(key));
    out.push('\n');
}

impl Visit {
    pub(crate) async fn buckets(mut self) -> Result<Answer, ApiError> {
        let buckets = self.engine.buckets(&self.context).await?;
        self.frame.nav = "buckets";
        let example = format!("mkdir buckets/photos-{}", self.context.appid);
        page(&BucketsPage { f: self.frame, buckets, example }, StatusCode::OK)
    }

    pub(crate) async fn bucket(mut self, bucket: &str) -> Result<Answer, ApiError> {
        let prefix = self.query.raw("prefix").to_owned();
        let after = self.query.given("after").map(str::to_owned);
        let later = after.is_some();
        let found = self.entries(bucket, &prefix, after).await?;
        self.frame.nav = "buckets";
        let crumbs = crumbs(bucket, &prefix);
        let up = crumbs.len().checked_sub(2).map(|index| crumbs[index].1.clone());
        let next = found.next.map(|after| format!("{}&after={}", place(bucket, &prefix), encoded(&after)));
        let template = BucketPage {
            writable: self.engine.may_write(&self.context, bucket),
            bucket: bucket.to_owned(),
            // A job may wait for the last one that was made here: each has a name of its own.
            suggestion: format!("{prefix}manifest-{}.csv", self.engine.jobs().now().div_euclid(1000)),
            prefix,
            crumbs,
            up,
            entries: found.entries,
            next,
            later,
            f: self.frame,
        };
        page(&template, StatusCode::OK)
    }

    /// Folders and objects right below a prefix. A folder is stepped over, however much is in it.
    async fn entries(&self, bucket: &str, prefix: &str, mut after: Option<String>) -> Result<Found, ApiError> {
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..LISTS {
            let found = self.engine.list_objects(&self.context, bucket, prefix, after.as_deref(), ENTRIES + 1).await?;
            let mut stepped = false;
            for object in found.objects {
                let name = &object.key[prefix.len()..];
                if entries.len() == ENTRIES {
                    return Ok(Found { entries, next: after });
                }
                if let Some(end) = name.find('/') {
                    let folder = object.key[..prefix.len() + end + 1].to_owned();
                    let name = name[..end].to_owned();
                    // Keys in the folder come before this, and whatever follows it behind. One that does not has the last
                    // of all characters in its name: then this is made longer.
                    let begun = after.as_deref().filter(|after| after.starts_with(&folder));
                    let over = format!("{}{}", begun.unwrap_or(&folder), char::MAX);
                    if begun.is_none() {
                        let (link, none) = (place(bucket, &folder), String::new);
                        entries.push(Entry {
                            folder: true,
                            name,
                            key: folder,
                            link,
                            size: none(),
                            time: none(),
                            class: none(),
                            manifest: None,
                        });
                    }
                    after = Some(over);
                    stepped = true;
                    break;
                }
                let is_list = [".csv", ".csv.gz"].iter().any(|end| name.ends_with(end));
                let manifest =
                    format!("/console/new?manifest_bucket={}&manifest_key={}", encoded(bucket), encoded(&object.key));
                entries.push(Entry {
                    folder: false,
                    name: name.to_owned(),
                    link: format!("/console/buckets/{}/download?key={}", encoded(bucket), encoded(&object.key)),
                    size: bytes(object.size),
                    time: moment(&time_of(object.last_modified)),
                    class: object.storage_class,
                    manifest: is_list.then_some(manifest),
                    key: object.key.clone(),
                });
                after = Some(object.key);
            }
            if !stepped {
                match found.next {
                    Some(next) => after = Some(next),
                    None => return Ok(Found { entries, next: None }),
                }
            }
        }
        Ok(Found { entries, next: after })
    }

    /// Writes a manifest of what was selected, and goes on to a job over it.
    pub(crate) async fn make_manifest(self, bucket: &str, fields: &Fields) -> Result<Answer, ApiError> {
        let name = fields.text("name");
        if name.is_empty() {
            return Err(refused(self.frame.w.no_name));
        }
        let mut text = String::new();
        let mut rows = 0_usize;
        let whole = fields.text("what") == "all";
        let prefixes: Vec<&str> = match whole {
            true => vec![fields.raw("prefix")],
            false => fields.all("folder").iter().map(String::as_str).collect(),
        };
        for prefix in prefixes {
            let mut after = None;
            loop {
                let page =
                    self.engine.list_objects(&self.context, bucket, prefix, after.as_deref(), LIST_LIMIT_MAX).await?;
                for object in page.objects.iter().filter(|object| object.key != name) {
                    push_row(&mut text, bucket, &object.key);
                    rows += 1;
                }
                if rows > ROWS_MAX || text.len() > UPLOAD_BYTES_MAX {
                    return Err(refused(self.frame.w.too_much_selected(ROWS_MAX, UPLOAD_BYTES_MAX)));
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        if !whole {
            fields.all("key").iter().for_each(|key| push_row(&mut text, bucket, key));
            rows += fields.all("key").len();
        }
        if rows == 0 {
            return Err(refused(self.frame.w.nothing_selected));
        }
        self.write(bucket, name, Bytes::from(text), "manifest").await
    }

    /// Writes a file that was uploaded.
    pub(crate) async fn upload(self, bucket: &str, upload: Upload) -> Result<Answer, ApiError> {
        if upload.name.is_empty() {
            return Err(refused(self.frame.w.no_file));
        }
        let name = upload.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let key = format!("{}{name}", upload.fields.raw("prefix"));
        if upload.content.len() > UPLOAD_BYTES_MAX {
            return Err(refused(self.frame.w.file_too_large(UPLOAD_BYTES_MAX)));
        }
        self.write(bucket, &key, upload.content, "uploaded").await
    }

    async fn write(self, bucket: &str, key: &str, content: Bytes, done: &str) -> Result<Answer, ApiError> {
        self.engine.write_object(&self.context, bucket, key, content, Some("text/csv")).await?;
        let (bucket, key) = (encoded(bucket), encoded(key));
        see(&format!("/console/new?manifest_bucket={bucket}&manifest_key={key}&done={done}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_folder() {
        let crumbs = crumbs("b-1", "a b/c/");
        let names: Vec<&str> = crumbs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b-1", "a b", "c"]);
        assert_eq!(crumbs[1].1, "/console/buckets/b-1?prefix=a%20b/");
    }

    #[test]
    fn a_row_has_no_second_column_and_no_second_line_from_its_key() {
        let mut text = String::new();
        push_row(&mut text, "b-1", "a,\"b\"\n中");
        assert_eq!(text, "b-1,a%2C%22b%22%0A%E4%B8%AD\n");
    }
}
