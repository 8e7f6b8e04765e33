//! Credentials that something else knows: a file, a program, a service of the machine.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header};
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};

use super::{
    CredentialsSource, Fetched,
    parse::{DOCUMENT_BYTES_MAX, parse},
};
use crate::{
    BoxFuture,
    clock::wall_clock,
    http::{
        HttpSettings,
        endpoint::Endpoint,
        head::{Head, Lines},
        transport::{Connector, Content, Destination, Lane, Outgoing, Pace, Proxy, Terms, Tls, Transport},
    },
};

/// Longest time for a program or a service to hand out credentials. Requests wait meanwhile.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a file without an expiry in it is read anew, seconds: time within which an exchanged key is noticed. It is more than
/// the time before an expiry at which credentials are fetched.
const FILE_SECONDS: i64 = 600;

/// Credentials in a file, as JSON. The file is read anew every few minutes, so that its owner can exchange the key. Errors do
/// not name the file: they get into reports of jobs.
#[derive(Clone)]
pub struct FileCredentials(PathBuf);

impl fmt::Debug for FileCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileCredentials(..)")
    }
}

impl FileCredentials {
    /// In this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl CredentialsSource for FileCredentials {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
        Box::pin(async move {
            let failed = |error: &dyn fmt::Display| format!("the file with credentials: {error}");
            let fetched = read(&self.0)
                .map_err(|error| failed(&error))
                .and_then(|text| parse(&text).map_err(|error| failed(&error)))?;
            let expires = fetched.expires.unwrap_or_else(|| wall_clock() + FILE_SECONDS);
            Ok(Fetched { expires: Some(expires), ..fetched })
        })
    }
}

/// A small file on the machine that is its owner's alone, read in one go. One of root's may be read by a group: so secrets are
/// handed to containers.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::{io::Read as _, os::unix::fs::MetadataExt as _};
    let file = std::fs::File::open(path)?;
    let about = file.metadata()?;
    let may_be = if about.uid() == 0 { 0o740 } else { 0o700 };
    if about.mode() & 0o777 & !may_be != 0 {
        let mode = about.mode() & 0o777;
        return Err(std::io::Error::other(format!("others than its owner may use it (mode {mode:03o}); chmod 600 it")));
    }
    let mut text = Vec::new();
    file.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Credentials that a program writes to its output, as JSON: what AWS calls a `credential_process`.
/// Errors show nothing of the command, whose arguments may be secrets.
#[derive(Clone)]
pub struct CommandCredentials(Vec<String>);

impl fmt::Debug for CommandCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommandCredentials(..)")
    }
}

impl CommandCredentials {
    /// The program and its arguments; no shell stands between.
    ///
    /// # Errors
    /// There is no program.
    pub fn new(command: Vec<String>) -> Result<Self, &'static str> {
        if command.first().is_none_or(String::is_empty) {
            return Err("the command for credentials names no program");
        }
        Ok(Self(command))
    }

    async fn run(&self) -> Result<Fetched, String> {
        let (program, arguments) = self.0.split_first().ok_or("no program")?;
        let failed = |error: &dyn fmt::Display| format!("the command for credentials: {error}");
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let mut text = Vec::new();
        if let Some(output) = child.stdout.take() {
            output.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut text).await.map_err(|error| failed(&error))?;
        }
        let status = child.wait().await.map_err(|error| failed(&error))?;
        if !status.success() {
            return Err(failed(&status));
        }
        parse(&text).map_err(|error| failed(&error))
    }
}

impl CredentialsSource for CommandCredentials {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
        Box::pin(async move {
            match timeout(FETCH_TIMEOUT, self.run()).await {
                Ok(result) => result,
                Err(_) => Err(format!("the command for credentials: nothing within {FETCH_TIMEOUT:?}")),
            }
        })
    }
}

/// Credentials that a service hands out, as JSON, at an address: the role of a container (ECS), or of a machine of Tencent Cloud
/// (`http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/ROLE`).
pub struct UrlCredentials {
    endpoint: Endpoint,
    /// Path and query.
    target: String,
    authorization: Option<String>,
    transport: Transport,
}

/// Its path may be a secret, as a token in it.
impl fmt::Debug for UrlCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlCredentials({})", self.endpoint)
    }
}

impl UrlCredentials {
    /// At this address.
    ///
    /// # Errors
    /// It is not an address with `http://` or `https://`.
    pub fn new(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no address".to_owned())?;
        let path = uri.path_and_query().cloned().ok_or_else(|| "it has no path".to_owned())?;
        let (scheme, authority) = (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |a| a.as_str()));
        let endpoint = Endpoint::parse(&format!("{scheme}://{authority}"))?;
        let settings = HttpSettings { total_timeout: FETCH_TIMEOUT, connections_max: 1, ..HttpSettings::default() };
        // A service of the machine is not behind a proxy.
        let connector = Connector::new(
            endpoint.scheme(),
            endpoint.host(),
            &Tls::PublicRoots,
            &Proxy::None,
            settings.connect_timeout,
        )?;
        Ok(Self {
            endpoint,
            target: path.to_string(),
            authorization: None,
            transport: Transport::new(connector, settings),
        })
    }

    /// With this in the `Authorization` header.
    ///
    /// # Errors
    /// A header cannot carry it.
    pub fn authorization(mut self, value: &str) -> Result<Self, String> {
        HeaderValue::from_str(value).map_err(|_| "the authorization has control characters".to_owned())?;
        self.authorization = Some(value.to_owned());
        Ok(self)
    }
}

impl CredentialsSource for UrlCredentials {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
        Box::pin(async move {
            let host = self.endpoint.host();
            let mut lines = Lines::new();
            let mut legal = lines.add(&header::HOST, host);
            if let Some(value) = &self.authorization {
                legal &= lines.add(&header::AUTHORIZATION, value);
            }
            if !legal {
                return Err("its host or authorization has control characters".to_owned());
            }
            let head = Head { method: Method::GET, origin: String::new(), target: self.target.clone(), lines };
            let mut request = Outgoing::new(head, Content::Whole(Bytes::new()));
            let to = Destination { scheme: self.endpoint.scheme(), host };
            let terms =
                Terms { answer_max: DOCUMENT_BYTES_MAX, repeatable: true, lane: Lane::Operation, pace: Pace::Short };
            let sent = self.transport.send(to, &mut request, terms, self.transport.deadline(Pace::Short)).await;
            let (status, _, body) = sent.map_err(|failure| format!("{host}: {}", failure.reason))?;
            if !(200..300).contains(&status) {
                return Err(format!("{host} answered {status}"));
            }
            parse(&body).map_err(|error| format!("{host}: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"AccessKeyId":"AKID","SecretAccessKey":"s"}"#;

    #[tokio::test]
    async fn a_file_is_read_anew_from_time_to_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), JSON).unwrap();
        let fetched = FileCredentials::new(file.path()).fetch().await.unwrap();
        assert_eq!(fetched.credentials.secret_id, "AKID");
        assert!(fetched.expires.unwrap() > wall_clock());
        for (mode, is_private) in [(0o600, true), (0o400, true), (0o604, false), (0o644, false), (0o620, false)] {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions).unwrap();
            let fetched = FileCredentials::new(file.path()).fetch().await;
            assert_eq!(fetched.is_ok(), is_private, "{mode:o}");
            assert!(fetched.err().is_none_or(|error| error.contains("others than its owner")), "{mode:o}");
        }
        let error = FileCredentials::new("/no/such/file").fetch().await.unwrap_err();
        assert!(error.starts_with("the file with credentials: "), "{error}");
        assert!(!error.contains("such/file"), "{error}");
    }

    #[tokio::test]
    async fn a_program_writes_them_or_its_failure_is_told() {
        let run = async |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            CommandCredentials::new(words).unwrap().fetch().await
        };
        assert_eq!(run(&["echo", JSON]).await.unwrap().credentials.secret_id, "AKID");
        for words in [&["sh", "-c", "exit 1 # hush"][..], &["/no/such/program", "hush"]] {
            let error = run(words).await.unwrap_err();
            assert!(error.starts_with("the command for credentials: "), "{error}");
            assert!(!error.contains("hush") && !error.contains("program"), "{error}");
        }
        assert!(run(&["head", "-c", "1000000", "/dev/zero"]).await.is_err());
        assert!(CommandCredentials::new(Vec::new()).is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = [
            format!("{:?}", FileCredentials::new("/hush")),
            format!("{:?}", CommandCredentials::new(vec!["hush".to_owned()]).unwrap()),
            format!("{:?}", UrlCredentials::new("http://a/hush").unwrap().authorization("hush").unwrap()),
            UrlCredentials::new("http://me:hush@a/b").unwrap_err(),
            UrlCredentials::new("hush hush").unwrap_err(),
        ];
        assert!(shown.iter().all(|shown| !shown.contains("hush")), "{shown:?}");
    }

    #[test]
    fn addresses() {
        assert!(UrlCredentials::new("http://169.254.170.2/v2/credentials/x").is_ok());
        for url in ["", "/path", "ftp://a/b"] {
            assert!(UrlCredentials::new(url).is_err(), "{url}");
        }
    }
}
