//! `cos-batch sign explain`

use std::{fmt::Write as _, fs, io::Read as _, path::PathBuf, time::Duration};

use clap::Args;
use cos_batch_client::{Clock as _, SystemClock};
use cos_signature::{
    Credentials, KeyTime, Presented, SecretKey, SigningKey, Strictness, VerifyError, canonical, sign, verify,
};
use http::{Request, request::Parts};

use crate::{
    credentials,
    exit::{Error, Exit},
    output::Terminal,
    text::clean,
};

/// Longest request that is read, in bytes: a CreateJob body is at most 1 MiB.
const REQUEST_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Most headers of a request; the server's own limit is in the same range.
const HEADERS_MAX: usize = 100;

/// What a request looks like.
const FORM: &str = "a line such as GET /jobs HTTP/1.1, headers, an empty line; as curl --trace or a proxy records it";

/// How long a new signature is valid.
const LIFETIME: Duration = Duration::from_secs(900);

/// Show how a request is signed, step by step, and whether its signature is right.
///
/// The request is one HTTP message as it goes over the wire: request line, headers, an empty line, the body. Nothing is
/// sent. With an Authorization header (or a signature in the query) the steps are those of that signature; without one,
/// the request is signed and the header to add is shown. The exit code is 6 when the signature is wrong.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct Explain {
    /// File with the request, `-` for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Time to check against, in Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    at: Option<i64>,
    /// Id of the key, for a request that is not signed yet
    #[arg(long, env = "COS_SECRET_ID", value_name = "ID")]
    secret_id: Option<String>,
    /// Secret of the key; better given by the environment, where other users cannot see it
    #[arg(long, env = "COS_SECRET_KEY", hide_env_values = true, value_name = "SECRET")]
    secret_key: Option<String>,
    /// Token of a temporary key, for a request that is not signed yet
    #[arg(long, env = "COS_SESSION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    session_token: Option<String>,
    /// File of keys as the server has it, instead of --secret-key
    #[arg(long, env = "COS_CREDENTIALS", value_name = "FILE")]
    credentials: Option<PathBuf>,
}

const EXAMPLE: &str = "Example:
  A request as it was recorded on its way:
    cos-batch sign explain --at 1700000000 request.http";

fn seconds(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "write seconds since 1970, such as 1700000000".to_owned())
}

impl Explain {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let mut request = parse(&self.read()?).map_err(|error| error.while_doing(self.file.display()))?;
        let now = self.at.unwrap_or_else(|| SystemClock.unix_seconds());
        let parts = request.clone().into_parts().0;
        let presented = match Presented::from_parts(&parts) {
            Ok(presented) => presented,
            Err(VerifyError::Missing) => {
                let key = self.key(None)?;
                sign(&mut request, &key, KeyTime::starting_at(now, LIFETIME)).map_err(Error::usage)?;
                let parts = request.into_parts().0;
                let presented = Presented::from_parts(&parts).map_err(Error::other)?;
                terminal.line(&steps(&parts, &presented, &key.secret_key))?;
                for name in ["authorization", cos_signature::SECURITY_TOKEN] {
                    if let Some(value) = parts.headers.get(name).and_then(|value| value.to_str().ok()) {
                        terminal.line(&format!("header to add   {name}: {value}"))?;
                    }
                }
                return Ok(Exit::Ok);
            }
            Err(error) => return Err(Error::new(Exit::NotAuthorized, error)),
        };
        let key = self.key(Some(&presented.secret_id))?;
        let mut page = steps(&parts, &presented, &key.secret_key);
        let _ = writeln!(page, "\nin the request  {}", hex(&presented.signature));
        let exit = match verify(&parts, &presented, Some(&key.secret_key), now, Strictness::Strict) {
            Ok(()) => {
                page.push_str("verdict         right, also for a strict server");
                Exit::Ok
            }
            Err(error) => {
                let _ = write!(page, "verdict         refused: {error}");
                let lenient = verify(&parts, &presented, Some(&key.secret_key), now, Strictness::CosCompatible);
                if lenient.is_ok() {
                    page.push_str("\n                a cos-compatible server takes it");
                }
                Exit::NotAuthorized
            }
        };
        exit.after(terminal.line(&page).map_err(Error::from))
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        let name = self.file.display();
        let mut bytes = Vec::new();
        let read = if self.file.as_os_str() == "-" {
            std::io::stdin().lock().take(REQUEST_BYTES_MAX + 1).read_to_end(&mut bytes)
        } else {
            fs::File::open(&self.file).and_then(|file| file.take(REQUEST_BYTES_MAX + 1).read_to_end(&mut bytes))
        };
        read.map_err(|error| Error::usage(format!("{name}: {error}")))?;
        if bytes.len() as u64 > REQUEST_BYTES_MAX {
            return Err(Error::usage(format!("{name}: a request has at most {REQUEST_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    /// The key with this id; without an id, the one to sign with.
    fn key(&self, id: Option<&str>) -> Result<Credentials, Error> {
        let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
        if let Some(secret) = given(&self.secret_key) {
            let id = id.map(str::to_owned).or_else(|| given(&self.secret_id));
            let id = id.ok_or_else(|| Error::usage("the request is not signed yet: set COS_SECRET_ID to sign it"))?;
            let key = Credentials::new(id, secret);
            return Ok(match given(&self.session_token) {
                Some(token) => key.with_security_token(token),
                None => key,
            });
        }
        let path = self.credentials.as_ref().filter(|path| !path.as_os_str().is_empty());
        let path =
            path.ok_or_else(|| Error::usage("no key: set COS_SECRET_KEY, or COS_CREDENTIALS to a file of keys"))?;
        let file = credentials::Credentials::read(path)?;
        let key = match id {
            Some(id) => file.keys.iter().find(|key| key.secret_id == id),
            None => file.keys.first(),
        };
        let key = key.ok_or_else(|| {
            let id = clean(id.unwrap_or_default());
            Error::new(Exit::NotAuthorized, format!("{}: there is no key {id}", path.display()))
        })?;
        Ok(key.to_sign())
    }
}

/// The texts that are hashed, each part under its name.
fn steps(parts: &Parts, presented: &Presented<'_>, secret: &SecretKey) -> String {
    let http_string = canonical::http_string(parts, &presented.header_list, &presented.url_param_list);
    let string_to_sign = canonical::string_to_sign(presented.key_time, &http_string);
    let signature = SigningKey::derive(secret, presented.key_time).signature(&http_string);
    let mut page = String::new();
    let mut show = |title: &str, text: &str| {
        let _ = writeln!(page, "{title}");
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let _ = writeln!(page, "  |{}", clean(line));
        }
    };
    show("HTTP string: method, path, parameters, headers", &String::from_utf8_lossy(&http_string));
    show("string to sign: algorithm, time of the key, SHA-1 of the HTTP string", &string_to_sign);
    let _ = write!(page, "signature       {}", hex(&signature));
    page
}

/// Reads one HTTP message.
fn parse(bytes: &[u8]) -> Result<Request<()>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let wrong = |rule: &str| Error::usage(format!("not an HTTP request: {rule}")).with_next(FORM);
    let parsed = head.parse(bytes).map_err(|error| wrong(&error.to_string()))?;
    if parsed.is_partial() {
        return Err(wrong("the headers do not end with an empty line"));
    }
    let mut request = Request::builder().method(head.method.unwrap_or_default()).uri(head.path.unwrap_or_default());
    for header in head.headers.iter() {
        request = request.header(header.name, header.value);
    }
    request.body(()).map_err(|error| wrong(&error.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
