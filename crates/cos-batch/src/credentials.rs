//! Files of keys: whose requests a server accepts, and what a command signs with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    str::FromStr,
};

use cos_batch_model::{AppId, Uin};
use cos_signature::{SECRET_ID_BYTES_MAX, SecretKey};
use serde::{Deserialize, Deserializer, de};

use crate::{exit::Error, text::unreadable};

/// Bytes of a file of keys at most: room for thousands of keys.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What helps where there is no file.
const NO_FILE: &str =
    "credentials.toml in the data folder of a server: cos-batch serve --data DIR makes it at its first start";

/// APPID that a generated key belongs to, as in the documentation's samples.
pub(crate) const GENERATED_APPID: &str = "1250000000";

/// Account id that a generated key belongs to, as in the documentation's samples of S3.
const GENERATED_ACCOUNT_ID: &str = "123456789012";

/// Digits of an account id of S3.
const ACCOUNT_ID_DIGITS: usize = 12;

/// What is drawn for ids and secrets: as Tencent Cloud's keys look.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Characters of a generated secret and of an id after its `AKID`: 190 bits.
const DRAWN_CHARACTERS: usize = 32;

/// The rest of what [`ALPHABET`] goes into evenly; bytes from here on are drawn again.
const DRAW_BELOW: u8 = 248;

/// A file of keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The keys; at least one.
    #[serde(default, rename = "key")]
    pub(crate) keys: Vec<Key>,
    /// Owners of buckets whose name does not say it.
    #[serde(default, rename = "bucket")]
    pub(crate) buckets: Vec<Bucket>,
    /// Who may use buckets of others.
    #[serde(default, rename = "grant")]
    pub(crate) grants: Vec<Grant>,
}

/// One key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    /// Its public id.
    pub(crate) secret_id: String,
    /// What requests are signed with.
    #[serde(deserialize_with = "secret")]
    pub(crate) secret_key: SecretKey,
    /// The account it belongs to.
    #[serde(deserialize_with = "parsed")]
    pub(crate) appid: AppId,
    /// The account's UIN.
    #[serde(default, deserialize_with = "parsed_option")]
    pub(crate) uin: Option<Uin>,
    /// The account as S3 names it: twelve digits. Without it the key is of no use with SDKs of AWS.
    #[serde(default)]
    pub(crate) account_id: Option<String>,
    /// The token without which a temporary key is not good; permanent keys have none. Not to be shown, as the secret.
    #[serde(default, deserialize_with = "secret_option")]
    pub(crate) security_token: Option<SecretKey>,
}

/// The owner of one bucket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    /// The bucket's name.
    pub(crate) name: String,
    /// The APPID it belongs to.
    #[serde(deserialize_with = "parsed")]
    pub(crate) owner: AppId,
}

/// What one APPID may do in a bucket of another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    /// The bucket's name.
    pub(crate) bucket: String,
    /// Who is granted the rights.
    #[serde(deserialize_with = "parsed")]
    pub(crate) appid: AppId,
    /// Which.
    pub(crate) rights: Vec<Right>,
}

/// What may be done in a bucket.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Right {
    /// Read objects.
    Read,
    /// Write objects.
    Write,
    /// Delete objects.
    Delete,
}

impl Key {
    /// What a command signs with.
    pub(crate) fn to_sign(&self) -> cos_signature::Credentials {
        let credentials = cos_signature::Credentials::new(&self.secret_id, self.secret_key.expose());
        match &self.security_token {
            Some(token) => credentials.with_security_token(token.expose()),
            None => credentials,
        }
    }
}

impl Credentials {
    /// Reads a file that only its owner may read.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let place = path.display();
        let file = fs::File::open(path).map_err(|error| {
            let failed = Error::usage(format!("key file {place}: {error}"));
            let missing = error.kind() == io::ErrorKind::NotFound;
            if missing { failed.with_next(NO_FILE) } else { failed }
        })?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(Error::usage(format!("key file {place}: this is a folder")).with_next(NO_FILE));
        }
        let mode = about.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::usage(format!(
                "key file {place}: others than its owner may use it (mode {:03o}); run: chmod 600 {place}",
                mode & 0o777
            )));
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|error| Error::usage(format!("key file {place}: {}", unreadable(&error))))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(Error::usage(format!("key file {place}: larger than {FILE_BYTES_MAX} bytes")));
        }
        Self::parse(&text).map_err(|error| error.while_doing(format!("key file {place}")))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let credentials: Self = toml::from_str(text).map_err(|error| {
            // The error's own form quotes the line, and lines have secrets.
            let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::usage(format!("line {line}: {}", error.message()))
        })?;
        if credentials.keys.is_empty() {
            return Err(Error::usage("there is no [[key]] in it"));
        }
        let mut ids = BTreeSet::new();
        let mut accounts = BTreeMap::new();
        for key in &credentials.keys {
            let id = key.secret_id.as_str();
            if let Some(account) = &key.account_id {
                if account.len() != ACCOUNT_ID_DIGITS || !account.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(Error::usage(format!(
                        "account_id of {id} must be {ACCOUNT_ID_DIGITS} digits and is {account:?}"
                    )));
                }
                let appid = accounts.entry(account).or_insert(&key.appid);
                if *appid != &key.appid {
                    let other = &key.appid;
                    return Err(Error::usage(format!(
                        "account_id {account} belongs to two APPIDs, {appid} and {other}"
                    )));
                }
            }
            let legal = |b: u8| b.is_ascii_graphic() && !matches!(b, b'&' | b'=' | b';');
            if !(1..=SECRET_ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(legal) {
                return Err(Error::usage(format!(
                    "secret_id must be 1 to {SECRET_ID_BYTES_MAX} visible ASCII characters without & = ; and is {id:?}"
                )));
            }
            if key.secret_key.expose().is_empty() {
                return Err(Error::usage(format!("secret_key of {id} is empty")));
            }
            if key.security_token.as_ref().is_some_and(|token| token.expose().is_empty()) {
                return Err(Error::usage(format!("security_token of {id} is empty: a permanent key has none")));
            }
            if !ids.insert(id) {
                return Err(Error::usage(format!("secret_id {id} is there twice")));
            }
        }
        Ok(credentials)
    }
}

/// Makes a key and keeps it in a file that only its owner may read; the file appears whole or not at all.
pub(crate) fn generate(path: &Path) -> Result<(), Error> {
    let text = format!(
        "# The key that this server accepts. Who has it may do everything with the buckets of its APPID.\n\
         [[key]]\nsecret_id = \"AKID{}\"\nsecret_key = \"{}\"\nappid = \"{GENERATED_APPID}\"\n\
         account_id = \"{GENERATED_ACCOUNT_ID}\"\n",
        draw()?,
        draw()?
    );
    let fresh = path.with_extension("toml.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    // Left over from an earlier try it may have any mode.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(())
}

fn draw() -> Result<String, Error> {
    let mut drawn = String::with_capacity(DRAWN_CHARACTERS);
    while drawn.len() < DRAWN_CHARACTERS {
        let mut bytes = [0; DRAWN_CHARACTERS];
        getrandom::fill(&mut bytes).map_err(|error| Error::other(format!("no random numbers: {error}")))?;
        let left = DRAWN_CHARACTERS - drawn.len();
        let even = bytes.iter().filter(|byte| **byte < DRAW_BELOW).take(left);
        drawn.extend(even.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])));
    }
    Ok(drawn)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretKey, D::Error> {
    String::deserialize(deserializer).map(SecretKey::new)
}

fn secret_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretKey>, D::Error> {
    secret(deserializer).map(Some)
}

fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

fn parsed_option<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    parsed(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "[[key]]\nsecret_id = \"AKID1\"\nsecret_key = \"hush\"\nappid = \"125\"\n";

    const ACCOUNT: &str = "account_id = \"123456789012\"\n";

    fn error(text: &str) -> String {
        Credentials::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn all_that_a_file_may_have() {
        let text = format!(
            "{KEY}uin = \"100000000001\"\n{ACCOUNT}security_token = \"shush\"\n[[bucket]]\nname = \"plain\"\nowner = \"125\"\n\
             [[grant]]\nbucket = \"a-126\"\nappid = \"125\"\nrights = [\"read\", \"write\", \"delete\"]\n"
        );
        let file = Credentials::parse(&text).unwrap();
        assert_eq!(file.keys[0].secret_key.expose(), "hush");
        assert_eq!(file.keys[0].uin.as_ref().map(Uin::as_str), Some("100000000001"));
        assert_eq!((file.buckets.len(), file.grants[0].rights.len()), (1, 3));
        assert_eq!(file.keys[0].to_sign().security_token.as_deref(), Some("shush"));
        assert!(!format!("{file:?}").contains("hush"));
        assert_eq!(Credentials::parse(KEY).unwrap().keys[0].to_sign().security_token, None);
    }

    #[test]
    fn wrong_files_are_refused_by_line_and_name_and_without_secrets() {
        let cases = [
            ("", "there is no [[key]] in it"),
            ("[[keys]]\n", "line 1: unknown field `keys`, expected one of `key`, `bucket`, `grant`"),
            (&format!("{KEY}color = 1\n"), "line 5: unknown field `color`"),
            (&KEY.replace("125", "1 5"), "line 4: x-cos-appid may only have ASCII letters"),
            (&KEY.replace("AKID1", "a=b"), "secret_id must be 1 to"),
            (&KEY.replace("hush", ""), "secret_key of AKID1 is empty"),
            (&format!("{KEY}security_token = \"\"\n"), "security_token of AKID1 is empty"),
            (&format!("{KEY}{KEY}"), "secret_id AKID1 is there twice"),
            (&format!("{KEY}account_id = \"12345678901\"\n"), "account_id of AKID1 must be 12 digits"),
            (
                &format!("{KEY}{ACCOUNT}{}{ACCOUNT}", KEY.replace("AKID1", "AKID2").replace("125", "126")),
                "account_id 123456789012 belongs to two APPIDs, 125 and 126",
            ),
            (&KEY.replace("\"hush\"", "\"hush"), "line 3: "),
            (
                &format!("{KEY}[[grant]]\nbucket = \"a-1\"\nappid = \"1\"\nrights = [\"fly\"]\n"),
                "line 8: unknown variant `fly`, expected one of `read`, `write`, `delete`",
            ),
        ];
        for (text, expected) in cases {
            let found = error(text);
            assert!(found.starts_with(expected), "{found}");
            assert!(!found.contains("hush"), "{found}");
        }
    }

    #[test]
    fn a_generated_key_is_its_owners_alone_and_never_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        let mut ids = BTreeSet::new();
        for _ in 0..2 {
            generate(&path).unwrap();
            let file = Credentials::read(&path).unwrap();
            let key = &file.keys[0];
            assert_eq!((key.secret_id.len(), key.secret_key.expose().len()), (36, 32));
            assert!(key.secret_id.starts_with("AKID"));
            ids.insert(key.secret_id.clone());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(ids.len(), 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        fs::write(&path, KEY).unwrap();
        for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o610, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Credentials::read(&path).is_ok(), accepted, "{mode:o}");
        }
        let error = Credentials::read(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
