//! Signing and verifying a request.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings},
    sign::v4,
};
use cos_batch_figures::{Goal, Row, Spread};
use cos_batch_instructions::signature::{
    ADDRESS, Bare, HOST, NOW, SECRET, SECRET_ID, credentials, hour, key, request, signed, verified,
};
use cos_signature::{sign, sign_with};

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

/// Who signs and verifies.
///
/// # Errors
///
/// If the request cannot be made, or contenders do not agree.
pub fn contests() -> anyhow::Result<Vec<Contest>> {
    Ok(vec![signing()?, signing_with(), verifying()?])
}

fn signing() -> anyhow::Result<Contest> {
    let (mut ours, credentials, bare) = (request(), credentials(), Bare::default());
    let amazon = Amazon::new()?;
    let contenders = vec![
        Contender::new(OURS, move || sign(&mut ours, &credentials, hour())),
        Contender::new(SIGV4, move || amazon.sign()),
        Contender::new(BARE, move || bare.derived()),
    ];
    Ok(Contest { what: SIGN, contenders })
}

fn signing_with() -> Contest {
    let (mut ours, credentials, bare, key) = (request(), credentials(), Bare::default(), key());
    let bare_kept = bare.clone();
    let contenders = vec![
        Contender::new(OURS, move || sign_with(&mut ours, &credentials, &key)),
        Contender::new(BARE, move || bare.derived()),
        Contender::new(BARE_KEPT, move || bare_kept.kept()),
    ];
    Contest { what: SIGN_WITH, contenders }
}

fn verifying() -> anyhow::Result<Contest> {
    let (parts, credentials, bare) = (signed(), credentials(), Bare::default());
    ensure!(verified(&parts, &credentials).is_ok(), "what we sign we verify");
    let contenders = vec![
        Contender::new(OURS, move || verified(&parts, &credentials)),
        Contender::new(BARE, move || bare.derived()),
    ];
    Ok(Contest { what: VERIFY, contenders })
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
                row = row.limit(name, time(name));
            }
            // A signature is two HMACs and a hash; that one of them can be spared is told beside it.
            if name == BARE {
                row = row.goal(Goal::at_most_times(1.3, name));
            }
        }
        rows.extend([row, memory]);
    }
    let versions = [SIGV4, "hmac", "sha1"].map(|name| settings.version_of(name));
    Ok(Outcome { rows, versions: versions.into_iter().collect::<anyhow::Result<_>>()?, ..Outcome::default() })
}
