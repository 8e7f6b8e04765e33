//! Signing and verifying a request.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings},
    sign::v4,
};
use cos_batch_figures::{Goal, Row, Spread};
use cos_signature::{
    Credentials, KeyTime, NameList, Presented, SigningKey, Strictness, canonical, sign, sign_with, verify,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, request::Parts};
use sha1::{Digest as _, Sha1};

use crate::{
    Outcome, Settings,
    contender::{self, Contender, Contest, OURS},
};

const SIGN: &str = "sign a request, key derived";
const SIGN_WITH: &str = "sign a request, key kept";
const VERIFY: &str = "read a signature and verify it, strictly";
const SIGV4: &str = "aws-sigv4";
const BARE: &str = "two HMACs and the hash";
const BARE_KEPT: &str = "one HMAC and the hash";

/// What a client asks for most: one job. The host, the APPID and a parameter are signed.
const ADDRESS: &str = "/jobs/0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c01";
const HOST: &str = "100000000001.cos-control.ap-guangzhou.myqcloud.com";
const SECRET_ID: &str = "AKIDEXAMPLEEXAMPLEEXAMPLEEXAMPLE0000";
const SECRET: &str = "exampleSecretexampleSecretexampl";
const NOW: i64 = 1_700_000_000;

fn request() -> anyhow::Result<Request<()>> {
    let request = Request::get(ADDRESS).header("host", HOST).header("x-cos-appid", "1250000000");
    Ok(request.header("user-agent", "bench").header("accept", "*/*").body(())?)
}

/// Who signs and verifies.
///
/// # Errors
///
/// If the request cannot be made, or contenders do not agree.
pub fn contests() -> anyhow::Result<Vec<Contest>> {
    let credentials = Credentials::new(SECRET_ID, SECRET);
    let hour = KeyTime::new(NOW, NOW + 3600)?;
    let mut signed = request()?;
    sign(&mut signed, &credentials, hour)?;
    let (parts, ()) = signed.into_parts();
    let presented = Presented::from_parts(&parts)?;
    let text = canonical::http_string(&parts, &presented.header_list, &presented.url_param_list);
    ensure!(canonical::http_string(&parts, &NameList::parse("host;x-cos-appid"), &NameList::parse("")) == text);
    let bare = Bare::new(hour, text);
    let by_hand = bare.kept();
    ensure!(SigningKey::derive(&credentials.secret_key, hour).signature(&bare.text) == by_hand);
    ensure!(bare.derived() == by_hand, "the bare hashing makes the signature");
    Ok(vec![
        signing(&credentials, hour, &bare)?,
        signing_with(&credentials, hour, &bare)?,
        verifying(parts, credentials, bare)?,
    ])
}

fn signing(credentials: &Credentials, hour: KeyTime, bare: &Bare) -> anyhow::Result<Contest> {
    let (mut ours, for_us, bare) = (request()?, credentials.clone(), bare.clone());
    let amazon = Amazon::new()?;
    let contenders = vec![
        Contender::new(OURS, move || sign(&mut ours, &for_us, hour)),
        Contender::new(SIGV4, move || amazon.sign()),
        Contender::new(BARE, move || bare.derived()),
    ];
    Ok(Contest { what: SIGN, contenders })
}

fn signing_with(credentials: &Credentials, hour: KeyTime, bare: &Bare) -> anyhow::Result<Contest> {
    let (mut ours, for_us, bare) = (request()?, credentials.clone(), bare.clone());
    let key = SigningKey::derive(&credentials.secret_key, hour);
    let contenders = vec![
        Contender::new(OURS, move || sign_with(&mut ours, &for_us, &key)),
        Contender::new(BARE_KEPT, move || bare.kept()),
    ];
    Ok(Contest { what: SIGN_WITH, contenders })
}

fn verifying(parts: Parts, credentials: Credentials, bare: Bare) -> anyhow::Result<Contest> {
    let ours = move || {
        let presented = Presented::from_parts(&parts)?;
        verify(&parts, &presented, Some(&credentials.secret_key), NOW + 60, Strictness::Strict)
    };
    ensure!(ours().is_ok(), "what we sign we verify");
    let contenders = vec![Contender::new(OURS, ours), Contender::new(BARE, move || bare.derived())];
    Ok(Contest { what: VERIFY, contenders })
}

/// The hashing of a signature, over texts that are there already.
#[derive(Clone)]
struct Bare {
    key_time: String,
    text: Vec<u8>,
    kept: Hmac<Sha1>,
}

impl Bare {
    fn new(hour: KeyTime, text: Vec<u8>) -> Self {
        let key_time = hour.to_string();
        let kept = derive(&key_time);
        Self { key_time, text, kept }
    }

    /// With the key derived anew.
    fn derived(&self) -> [u8; 20] {
        self.signature(derive(&self.key_time))
    }

    /// With a key that is there.
    fn kept(&self) -> [u8; 20] {
        self.signature(self.kept.clone())
    }

    fn signature(&self, mut mac: Hmac<Sha1>) -> [u8; 20] {
        let digest: [u8; 20] = Sha1::digest(&self.text).into();
        mac.update(b"sha1\n");
        mac.update(self.key_time.as_bytes());
        mac.update(b"\n");
        mac.update(&hex(digest));
        mac.update(b"\n");
        mac.finalize().into_bytes().into()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")
}

fn derive(key_time: &str) -> Hmac<Sha1> {
    let mut mac = keyed(SECRET.as_bytes());
    mac.update(key_time.as_bytes());
    keyed(&hex(mac.finalize().into_bytes().into()))
}

fn hex(bytes: [u8; 20]) -> [u8; 40] {
    let mut text = [0; 40];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    text
}

/// The signer of the AWS SDK, for a request of the same size. Its key is derived for each request, as it offers it.
struct Amazon {
    params: SigningParams<'static>,
    address: String,
}

impl Amazon {
    fn new() -> anyhow::Result<Self> {
        let identity = aws_credential_types::Credentials::new(SECRET_ID, SECRET, None, None, "bench").into();
        let identity: &'static aws_smithy_runtime_api::client::identity::Identity = Box::leak(Box::new(identity));
        let params = v4::SigningParams::builder()
            .identity(identity)
            .region("us-east-1")
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs()))
            .settings(SigningSettings::default())
            .build()
            .context("all is given")?;
        Ok(Self { params: params.into(), address: format!("https://{HOST}{ADDRESS}") })
    }

    /// Makes the headers, without adding them to a request.
    fn sign(&self) -> String {
        let headers = [("host", HOST), ("x-amz-account-id", "1250000000"), ("user-agent", "bench"), ("accept", "*/*")];
        let request = SignableRequest::new("GET", self.address.as_str(), headers.into_iter(), SignableBody::Bytes(b""));
        let request = request.expect("the request can be signed");
        let output = aws_sigv4::http_request::sign(request, &self.params).expect("the request can be signed");
        let (_instructions, signature) = output.into_parts();
        signature
    }
}

/// Measures signing and verifying.
///
/// # Errors
///
/// As for [`contests`].
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let counts = contender::allocations(settings)?;
    let mut rows = Vec::new();
    for mut contest in contests()? {
        let times = contender::times(settings.rounds, &mut contest)?;
        let counted = counts.get(contest.what).context("allocations were counted")?;
        let time = |name: &str| times.get(name).cloned().unwrap_or_default();
        let count = |name: &str| Spread::exact(counted.get(name).copied().unwrap_or_default());
        let mut row = Row::new(contest.what, "µs CPU", time(OURS));
        let mut memory = Row::new(format!("{}, allocations", contest.what), "allocations", count(OURS));
        for contender in contest.contenders.iter().skip(1) {
            let name = contender.name;
            if name == SIGV4 {
                row = row.peer(name, time(name));
                memory = memory.peer(name, count(name));
            } else {
                row = row.limit(name, time(name)).goal(Goal::at_most_times(1.3, name));
            }
        }
        rows.extend([row, memory]);
    }
    let versions = [SIGV4, "hmac", "sha1"].map(|name| settings.version_of(name));
    Ok(Outcome { rows, versions: versions.into_iter().collect::<anyhow::Result<_>>()?, ..Outcome::default() })
}
