//! Our tables against the service model as botocore has it, and requests drawn from that model.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use cos_batch_s3control::{
    request::CreateJobRequest,
    shape::{Form, Shape},
    shapes::job::{CREATE_JOB, PUT_JOB_TAGGING},
};
use serde_json::{Value, json};

/// Requests drawn from the model; about half of them break one of its rules.
const REQUESTS: usize = 10_000;

/// Where the model names no longest list, ours have as many entries as a document may have.
const ENTRIES_MAX: usize = cos_batch_model::xml::MAX_LIST_ENTRIES;

fn interpreter() -> PathBuf {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/python/environment.py");
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

fn botocore(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/model.py");
    let output = Command::new(interpreter()).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The pattern that a form stands for.
fn pattern(form: Form) -> Option<&'static str> {
    Some(match form {
        Form::Any => return None,
        Form::Account => r"^\d{12}$",
        Form::S3Arn => "arn:[^:]+:s3:.*",
        Form::S3OrExpressArn => "arn:[^:]+:(s3|s3express):.*",
        Form::RoleArn => r"arn:[^:]+:iam::\d{12}:role/.*",
        Form::FunctionArn => {
            r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
        }
        Form::KmsKeyArn => "arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+",
        Form::Tag => r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$",
        Form::JobId => r"[a-zA-Z0-9\-\_]+",
        Form::NextToken => r"^[A-Za-z0-9\+\:\/\=\?\#-_]+$",
    })
}

/// A shape in the words of the script.
fn told(shape: &Shape) -> Value {
    let most = |max: usize| (max != ENTRIES_MAX).then_some(max);
    let members = |members: &[cos_batch_s3control::shape::Member]| {
        let entries = members.iter().map(|member| {
            (member.name.to_owned(), json!({ "required": member.required, "shape": told(member.shape) }))
        });
        Value::Object(entries.collect())
    };
    match shape {
        Shape::Text { min, max, form } => json!({ "text": [min, max, pattern(*form)] }),
        Shape::Number { min, max } => json!({ "number": [min, max] }),
        Shape::Flag => json!("flag"),
        Shape::Time => json!("time"),
        Shape::Choice(allowed) => json!({ "choice": allowed }),
        Shape::List { entry, of, min, max } => json!({ "list": [entry, told(of), min, most(*max)] }),
        Shape::Map { min, max, key, value } => json!({ "map": [told(key), told(value), min, max] }),
        Shape::Structure(all) => json!({ "structure": members(all) }),
        Shape::OneOf(all) => json!({ "one of": members(all) }),
    }
}

#[test]
fn our_tables_are_those_of_the_published_model() {
    let model: Value = serde_json::from_str(&botocore(&["shapes"])).unwrap();
    assert_eq!(told(&CREATE_JOB), model["CreateJobRequest"]);
    assert_eq!(told(&PUT_JOB_TAGGING), model["PutJobTaggingRequest"]);
}

#[test]
fn requests_drawn_from_the_model_are_accepted_or_refused_as_it_says() {
    let (mut good, mut bad) = (0, 0);
    for line in botocore(&["requests", &REQUESTS.to_string()]).lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let body = case["body"].as_str().unwrap();
        let result = CreateJobRequest::read(body.as_bytes());
        match case["broken"].as_str() {
            None => {
                good += 1;
                if let Err(error) = result {
                    panic!("refused: {error}\n{body}");
                }
            }
            Some(broken) => {
                bad += 1;
                assert!(result.is_err(), "accepted: {broken}\n{body}");
            }
        }
    }
    assert_eq!(good + bad, REQUESTS);
    assert!(good > REQUESTS / 4 && bad > REQUESTS / 4, "{good} good, {bad} bad");
}
