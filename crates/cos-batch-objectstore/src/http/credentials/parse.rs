//! The JSON in which programs and services hand out credentials.

use cos_signature::Credentials;
use serde::Deserialize;

use super::Fetched;
use crate::http::encoding;

/// Bytes of such a document at most: a token has some thousand.
pub(super) const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// In the names of AWS (a `credential_process`, the services of ECS and EC2) and of Tencent Cloud (its metadata service, STS).
#[derive(Deserialize)]
struct Document {
    #[serde(alias = "AccessKeyId", alias = "TmpSecretId", alias = "SecretId", alias = "secret_id")]
    id: String,
    #[serde(alias = "SecretAccessKey", alias = "TmpSecretKey", alias = "SecretKey", alias = "secret_key")]
    secret: String,
    #[serde(default, alias = "SessionToken", alias = "Token", alias = "session_token")]
    token: Option<String>,
    /// ISO 8601
    #[serde(default, alias = "Expiration")]
    expiration: Option<String>,
    /// Unix seconds
    #[serde(default, alias = "ExpiredTime")]
    expired_time: Option<i64>,
}

/// Reads credentials; the error shows nothing of them.
pub(super) fn parse(text: &[u8]) -> Result<Fetched, String> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("more than {DOCUMENT_BYTES_MAX} bytes"));
    }
    let document: Document = serde_json::from_slice(text).map_err(|error| {
        // What it says about data may repeat them.
        let what = if error.is_data() { "a key id, its secret, or both are missing" } else { "it is not JSON" };
        format!("line {}, column {}: {what}", error.line(), error.column())
    })?;
    let expires = match (&document.expiration, document.expired_time) {
        (_, Some(seconds)) => Some(seconds),
        (Some(text), None) => {
            Some(encoding::parse_iso_time(text).ok_or("its Expiration is not a time in ISO 8601".to_owned())?)
        }
        (None, None) => None,
    };
    let credentials = Credentials::new(document.id, document.secret);
    let credentials = match document.token.filter(|token| !token.is_empty()) {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    };
    Ok(Fetched { credentials, expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_of_names_are_read() {
        let aws = r#"{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-11-01T08:30:00Z"}"#;
        let cos = r#"{"TmpSecretId":"AKID","TmpSecretKey":"s","Token":"t","ExpiredTime":1793521800,"Code":"Success"}"#;
        for text in [aws, cos] {
            let fetched = parse(text.as_bytes()).unwrap();
            assert_eq!(fetched.expires, Some(1_793_521_800));
            assert_eq!(fetched.credentials.secret_id, "AKID");
            assert_eq!(fetched.credentials.security_token.as_deref(), Some("t"));
        }
        let plain = parse(br#"{"secret_id":"AKID","secret_key":"s"}"#).unwrap();
        assert_eq!((plain.expires, plain.credentials.security_token), (None, None));
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        for text in ["", "hush", r#"{"AccessKeyId":"hush"}"#, r#"{"SecretAccessKey":"hush"}"#, r#"["hush"]"#] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(!error.contains("hush"), "{error}");
        }
        let odd = r#"{"AccessKeyId":"a","SecretAccessKey":"hush","Expiration":"soon"}"#;
        assert_eq!(parse(odd.as_bytes()).unwrap_err(), "its Expiration is not a time in ISO 8601");
        assert!(parse(&vec![b' '; DOCUMENT_BYTES_MAX + 1]).is_err());
    }
}
