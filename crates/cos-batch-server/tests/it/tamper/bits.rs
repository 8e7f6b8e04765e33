//! Single bits of bodies.

use bytes::Bytes;
use cos_batch_model::ErrorCode;
use http::Request;
use http_body_util::Full;

use crate::support::*;

/// How many bits are flipped.
const FLIPS: usize = 10_000;

/// From one flipped bit to the next: a prime.
const STEP: usize = 7919;

#[tokio::test]
async fn ten_thousand_flipped_bits_of_create_jobs_are_noticed() {
    let recorder = Recorder::default();
    let service = strict(recorder.clone());
    let captured = std::fs::read_to_string(captured_path("02-create-copy-every-field")).unwrap();
    let body = captured.split_once("\r\n\r\n").unwrap().1.to_owned();
    // The step is prime to the number of bits, so that the flips are spread over the body and none comes twice.
    let bits = body.len() * 8;
    assert!(bits >= FLIPS && !bits.is_multiple_of(STEP), "{bits}");
    let head = signed(create_with(body.clone())).into_parts().0;
    let untouched = Request::from_parts(head.clone(), Full::<Bytes>::from(body.clone()));
    assert_eq!(send(&service, untouched).await.status(), 200);
    recorder.take();

    for flip in 0..FLIPS {
        let bit = flip * STEP % bits;
        let mut flipped = body.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut head = head.clone();
        let expected = if flip % 2 == 0 {
            ErrorCode::BadDigest
        } else {
            // Whoever flips a bit can also say the digest of what he made, but cannot sign it.
            head.headers.insert("content-md5", md5_of(&flipped).parse().unwrap());
            ErrorCode::SignatureDoesNotMatch
        };
        let answer = send(&service, Request::from_parts(head, Full::new(Bytes::from(flipped)))).await;
        assert_eq!(error(&answer).code, expected, "bit {bit}");
    }
    assert!(recorder.take().is_empty());
}
