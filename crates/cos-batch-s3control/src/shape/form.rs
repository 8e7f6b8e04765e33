//! What texts look like: the patterns of the service model, each as a function.

/// A pattern that a text must match as a whole.
///
/// Source: S3 Control, service model, the `pattern` of the shape that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// No pattern.
    Any,
    /// `AccountId`: twelve digits.
    Account,
    /// `S3BucketArnString` and `S3KeyArnString`: `arn:<partition>:s3:…`.
    S3Arn,
    /// `S3RegionalOrS3ExpressBucketArnString`: `arn:<partition>:s3:…` or `arn:<partition>:s3express:…`.
    S3OrExpressArn,
    /// `IAMRoleArn`: `arn:<partition>:iam::<account>:role/…`.
    RoleArn,
    /// `FunctionArnString`: a function of Lambda, by ARN, part of one, or name.
    FunctionArn,
    /// `NonEmptyKmsKeyArnString`: a key of KMS.
    KmsKeyArn,
    /// `TagKeyString` and `TagValueString`: letters, separators, digits and `_.:/=+-@`. Letters are those that Unicode calls
    /// alphabetic, which takes in vowel signs without which several scripts cannot be written.
    Tag,
    /// `JobId`.
    JobId,
    /// `StringForNextToken`.
    NextToken,
}

impl Form {
    /// The pattern in words, after "must be".
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::Any => "any text",
            Self::Account => "twelve digits",
            Self::S3Arn => "of the form arn:aws:s3:::<bucket>, with /<key> for an object",
            Self::S3OrExpressArn => "of the form arn:aws:s3:::<bucket>",
            Self::RoleArn => "of the form arn:aws:iam::<account of twelve digits>:role/<name>",
            Self::FunctionArn => "the name or the ARN of a function",
            Self::KmsKeyArn => "of the form arn:aws:kms:<region>:<account>:key/<id>",
            Self::Tag => "of letters, spaces, digits and _.:/=+-@",
            Self::JobId => "of ASCII letters, digits, - and _",
            Self::NextToken => "a token that this API gave out",
        }
    }

    /// Whether the text looks so.
    #[must_use]
    pub fn matches(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Account => is_account(text),
            Self::S3Arn => arn(text).is_some_and(|(_, rest)| rest.strip_prefix("s3:").is_some_and(is_line)),
            Self::S3OrExpressArn => arn(text).is_some_and(|(_, rest)| {
                rest.strip_prefix("s3:").or_else(|| rest.strip_prefix("s3express:")).is_some_and(is_line)
            }),
            Self::RoleArn => arn(text).is_some_and(|(_, rest)| {
                let role = rest.strip_prefix("iam::").and_then(|rest| rest.split_once(":role/"));
                role.is_some_and(|(account, name)| is_account(account) && is_line(name))
            }),
            Self::FunctionArn => is_function(text),
            Self::KmsKeyArn => is_kms_key(text),
            Self::Tag => text.chars().all(|c| {
                c.is_alphabetic() || c.is_numeric() || c.is_whitespace() && !c.is_control() || "_.:/=+-@".contains(c)
            }),
            Self::JobId => all(text, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
            // `#-_` in the pattern is a range: from `#` to `_`.
            Self::NextToken => all(text, |b| b.is_ascii_alphanumeric() || (b'#'..=b'_').contains(&b)),
        }
    }
}

fn all(text: &str, legal: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(legal)
}

/// What `.` in a pattern stands for.
fn is_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Partition and the rest of `arn:<partition>:<rest>`.
fn arn(text: &str) -> Option<(&str, &str)> {
    let (partition, rest) = text.strip_prefix("arn:")?.split_once(':')?;
    (!partition.is_empty()).then_some((partition, rest))
}

/// `(arn:(aws[a-zA-Z-]*)?:lambda:)?(<region>:)?(<account>:)?(function:)?<name>(:<version>)?`
fn is_function(text: &str) -> bool {
    let lambda = arn_of_lambda(text).unwrap_or(text);
    let region = lambda.split_once(':').filter(|(region, _)| is_region(region)).map_or(lambda, |(_, rest)| rest);
    let account = region.split_once(':').filter(|(account, _)| is_account(account)).map_or(region, |(_, rest)| rest);
    let parts: Vec<&str> = account.split(':').collect();
    let name = |part: &str| all(part, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let version = |part: &str| part == "$LATEST" || name(part);
    match parts[..] {
        [only] => name(only),
        // Also `function:<name>`: the word is a name as well.
        [first, last] => name(first) && version(last),
        [function, first, last] => function == "function" && name(first) && version(last),
        _ => false,
    }
}

/// The name of a function in what [`Form::FunctionArn`] lets through, and the version or alias after it.
#[must_use]
pub fn function_name(text: &str) -> Option<(&str, Option<&str>)> {
    if !is_function(text) {
        return None;
    }
    let lambda = arn_of_lambda(text).unwrap_or(text);
    let mut parts: Vec<&str> = lambda.split(':').collect();
    let is_place: [fn(&str) -> bool; 3] = [is_region, is_account, |part| part == "function"];
    for is_place in is_place {
        // The last part is a name, whatever it looks like.
        if parts.len() > 1 && is_place(parts[0]) {
            parts.remove(0);
        }
    }
    match parts[..] {
        [name] => Some((name, None)),
        [name, qualifier] => Some((name, Some(qualifier))),
        _ => None,
    }
}

fn arn_of_lambda(text: &str) -> Option<&str> {
    let (partition, rest) = text.strip_prefix("arn:")?.split_once(':')?;
    let legal = partition.is_empty()
        || partition.strip_prefix("aws").is_some_and(|end| end.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'));
    if legal { rest.strip_prefix("lambda:") } else { None }
}

/// `[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lower = |part: &str| all(part, |b| b.is_ascii_lowercase());
    let special = |part: &str| {
        part == "gov" || part.strip_prefix("iso").is_some_and(|end| end.is_empty() || end.len() == 1 && lower(end))
    };
    let (land, place, number) = match parts[..] {
        [land, place, number] => (land, place, number),
        [land, kind, place, number] if special(kind) => (land, place, number),
        _ => return false,
    };
    land.len() == 2 && lower(land) && lower(place) && number.len() == 1 && all(number, |b| b.is_ascii_digit())
}

/// `arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+`
fn is_kms_key(text: &str) -> bool {
    let Some((partition, rest)) = arn(text) else { return false };
    let parts: Vec<&str> = rest.split(':').collect();
    let [service, region, account, key] = parts[..] else { return false };
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    partition.strip_prefix("aws").is_some_and(|end| end.bytes().all(word))
        && service == "kms"
        && all(region, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && is_account(account)
        && key.strip_prefix("key/").is_some_and(|id| all(id, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: Form, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(form.matches(text), "{form:?} {text}");
        }
        for text in bad {
            assert!(!form.matches(text), "{form:?} {text}");
        }
    }

    #[test]
    fn functions_have_a_name_in_each_form() {
        for (text, expected) in [
            ("name", Some(("name", None))),
            ("function", Some(("function", None))),
            ("123456789012", Some(("123456789012", None))),
            ("name:$LATEST", Some(("name", Some("$LATEST")))),
            ("function:name", Some(("name", None))),
            ("123456789012:name", Some(("name", None))),
            ("us-east-1:123456789012:function:name", Some(("name", None))),
            ("arn:aws:lambda:us-gov-east-1:123456789012:function:name:live", Some(("name", Some("live")))),
            ("arn:aws:s3:::b", None),
            ("a:b:c", None),
        ] {
            assert_eq!(function_name(text), expected, "{text}");
        }
    }

    #[test]
    fn patterns_match_whole_texts() {
        check(Form::Account, &["123456789012"], &["12345678901", "1234567890123", "12345678901x", "", "１23456789012"]);
        check(
            Form::S3Arn,
            &["arn:aws:s3:::b", "arn:aws-cn:s3:us-east-1:1:x/y"],
            &["arn::s3:::b", "arn:aws:s3express:::b", "aws:s3:::b", "arn:aws:s3:::b\nc", "qcs::cos:s3::b-1"],
        );
        check(Form::S3OrExpressArn, &["arn:aws:s3:::b", "arn:aws:s3express:::b"], &["arn:aws:s3outposts:::b"]);
        check(
            Form::RoleArn,
            &["arn:aws:iam::123456789012:role/a/b"],
            &[
                "arn:aws:iam::12345678901:role/a",
                "arn:aws:iam:eu:123456789012:role/a",
                "arn:aws:iam::123456789012:user/a",
            ],
        );
        check(
            Form::FunctionArn,
            &[
                "name",
                "name:$LATEST",
                "function:name",
                "function:name:3",
                "123456789012:name",
                "us-east-1:123456789012:function:name",
                "arn:aws:lambda:us-gov-east-1:123456789012:function:name:live",
                "arn::lambda:name",
                "us-isob-east-1:name",
            ],
            &["", "a b", "$LATEST", "a:b:c", "function:a:b:c", "arn:aws:s3:::b", "name:", "us-east-12:1:2:3"],
        );
        check(
            Form::KmsKeyArn,
            &["arn:aws-cn:kms:eu-1:123456789012:key/a-1"],
            &[
                "arn:aws:kms:EU:123456789012:key/a",
                "arn:aws:kms:eu:123456789012:alias/a",
                "arn:x:kms:eu:123456789012:key/a",
            ],
        );
        check(Form::Tag, &["", "a b", "é好9_.:/=+-@", "\u{2003}"], &["a\tb", "a,b", "#", "\u{7f}", "☃"]);
        check(Form::JobId, &["a-1_B"], &["", "a/b", "é"]);
        check(Form::NextToken, &["a+/=:?#-_", "[]"], &["", "a b", "\"", "~", "é"]);
    }
}
