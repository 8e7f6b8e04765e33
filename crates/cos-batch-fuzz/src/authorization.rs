//! Heads of requests and their signatures.

use cos_signature::{Credentials, KeyTime, Presented, SecretKey, Strictness, sign, verify};
use http::Request;
use http::request::Parts;

use crate::head;

pub(crate) const PROPERTY: &str = "no signature verifies with a key that it was not made with; what strict verifying \
                                   takes, compatible verifying takes; what we sign verifies";

/// A key that signed nothing in the corpus.
const OTHER_KEY: &str = "aKeyThatNobodyEverSignedWith";

/// The key of the captured requests and the fixtures.
const KEY: &str = "exampleSecretKeyNotReal0001";

const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";

pub(crate) fn target(input: &[u8]) {
    let Some((parts, _)) = head::parse(input) else { return };
    if let Ok(presented) = Presented::from_parts(&parts) {
        let now = presented.key_time.start();
        for strictness in [Strictness::Strict, Strictness::CosCompatible] {
            let with = |key: Option<&SecretKey>| verify(&parts, &presented, key, now, strictness);
            assert!(with(Some(&SecretKey::new(OTHER_KEY))).is_err(), "a wrong key verifies");
            assert!(with(None).is_err(), "no key verifies");
        }
        let key = SecretKey::new(KEY);
        if verify(&parts, &presented, Some(&key), now, Strictness::Strict).is_ok() {
            let compatible = verify(&parts, &presented, Some(&key), now, Strictness::CosCompatible);
            assert_eq!(compatible, Ok(()), "compatible verifying is stricter");
        }
    }
    signing(parts);
}

/// Signs the request anew.
fn signing(mut parts: Parts) {
    parts.headers.remove("authorization");
    if Presented::from_parts(&parts).is_ok() {
        // Signed in its query as well: two signatures are refused.
        return;
    }
    let mut request = Request::from_parts(parts, ());
    let Ok(window) = KeyTime::new(1_700_000_000, 1_700_003_600) else { return };
    let credentials = Credentials::new(SECRET_ID, KEY);
    if sign(&mut request, &credentials, window).is_err() {
        return;
    }
    let (parts, ()) = request.into_parts();
    // What looks like a signature in the query makes the request ambiguous, and may be refused.
    let Ok(presented) = Presented::from_parts(&parts) else { return };
    let verified = verify(&parts, &presented, Some(&SecretKey::new(KEY)), window.start(), Strictness::CosCompatible);
    assert_eq!(verified, Ok(()), "what we sign does not verify: {parts:?}");
}
