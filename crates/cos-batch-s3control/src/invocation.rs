//! How a function is called for a task, and what its answer means: the invocation schema of S3 Batch Operations.
//!
//! One call is for one task, as in S3. What a user says goes into the body and nowhere else. Pure: whoever sends it, and
//! where to, is the program's affair.
//!
//! Source: Amazon S3 User Guide, *Invoke AWS Lambda function*.

use std::collections::BTreeMap;

use cos_batch_engine::{
    kinds::{KindTask, PERMANENT_FAILURE, temporary_failure},
    report::row::{MESSAGE_BYTES_MAX, encode_key},
    task::Outcome,
};
use cos_batch_objectstore::{StoreError, VersionSelector};
use serde::{Deserialize, Serialize};

/// The version of the schema that is used unless another one is asked for.
pub const SCHEMA_DEFAULT: &str = "1.0";

/// The version that has arguments of the job, and buckets by their names.
pub const SCHEMA_WITH_ARGUMENTS: &str = "2.0";

/// Most bytes of an answer: the report has a kilobyte of what a task has to tell, and the rest is a few names.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The HTTP status of a task whose function answered, whatever it said: the call worked.
const ANSWERED: u16 = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    invocation_schema_version: &'a str,
    invocation_id: &'a str,
    job: Job<'a>,
    tasks: [Task<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Job<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_arguments: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    task_id: String,
    s3_key: String,
    s3_version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_bucket_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_bucket: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    treat_missing_keys_as: Option<ResultCode>,
    results: Vec<TaskResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskResult {
    task_id: String,
    result_code: ResultCode,
    #[serde(default)]
    result_string: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum ResultCode {
    Succeeded,
    TemporaryFailure,
    PermanentFailure,
}

/// What a task is called in each of its calls: by its job and its row, so that a function knows a repeat.
#[must_use]
pub fn task_id(task: &KindTask<'_>) -> String {
    format!("{}-{}", task.job, task.row)
}

/// The body of the call for a task. Keys are percent-encoded, as in manifests.
#[must_use]
pub fn request(task: &KindTask<'_>, invocation_id: &str) -> Vec<u8> {
    let schema = task.spec.schema.as_deref().unwrap_or(SCHEMA_DEFAULT);
    let by_name = schema == SCHEMA_WITH_ARGUMENTS;
    let invocation = Invocation {
        invocation_schema_version: schema,
        invocation_id,
        job: Job { id: task.job.to_string(), user_arguments: by_name.then_some(&task.spec.arguments) },
        tasks: [Task {
            task_id: task_id(task),
            s3_key: encode_key(task.key),
            s3_version_id: match task.version {
                VersionSelector::Latest => None,
                VersionSelector::Id(id) => Some(id),
            },
            s3_bucket_arn: (!by_name).then(|| format!("arn:aws:s3:::{}", task.bucket)),
            s3_bucket: by_name.then_some(task.bucket),
        }],
    };
    // Texts and a map with texts for keys: nothing that JSON has no form for.
    serde_json::to_vec(&invocation).unwrap_or_default()
}

/// What the answer of a function says of a task.
///
/// # Errors
/// What the function calls a passing failure.
pub fn outcome(task: &KindTask<'_>, answer: &[u8]) -> Result<Outcome, StoreError> {
    let answer: Answer = match serde_json::from_slice(answer) {
        Ok(answer) => answer,
        Err(error) => {
            let message = format!("the function's answer does not follow the schema: {error}");
            return Ok(Outcome::failure(ANSWERED, PERMANENT_FAILURE, message));
        }
    };
    let id = task_id(task);
    let (code, told) = match answer.results.into_iter().find(|result| result.task_id == id) {
        Some(result) => (result.result_code, result.result_string.unwrap_or_default()),
        None => {
            let code = answer.treat_missing_keys_as.unwrap_or(ResultCode::PermanentFailure);
            (code, "the function's answer has no result for the task".to_owned())
        }
    };
    let told = &told[..told.floor_char_boundary(MESSAGE_BYTES_MAX)];
    match code {
        ResultCode::Succeeded => Ok(Outcome::success(ANSWERED).telling(told)),
        ResultCode::TemporaryFailure => Err(temporary_failure(told)),
        ResultCode::PermanentFailure => Ok(Outcome::failure(ANSWERED, PERMANENT_FAILURE, told)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cos_batch_engine::spec::CustomSpec;
    use cos_batch_objectstore::{MemoryStore, ObjectStore};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn with<T>(schema: Option<&str>, arguments: &[(&str, &str)], look: impl FnOnce(&KindTask<'_>) -> T) -> T {
        let arguments = arguments.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let spec = CustomSpec { kind: "f".to_owned(), schema: schema.map(str::to_owned), arguments };
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        let version = VersionSelector::Id("v1".to_owned());
        look(&KindTask {
            job: Uuid::from_u128(7),
            tenant: "1250000000",
            row: 3,
            bucket: "b-1",
            key: "a b/+\u{e9}",
            version: &version,
            spec: &spec,
            store: &store,
        })
    }

    #[test]
    fn both_versions_of_the_schema() {
        let id = "00000000-0000-0000-0000-000000000007";
        let sent: Value = with(None, &[], |task| serde_json::from_slice(&request(task, "i")).unwrap());
        let expected = json!({
            "invocationSchemaVersion": "1.0", "invocationId": "i", "job": { "id": id },
            "tasks": [{
                "taskId": format!("{id}-3"), "s3Key": "a%20b/%2B%C3%A9", "s3VersionId": "v1",
                "s3BucketArn": "arn:aws:s3:::b-1",
            }],
        });
        assert_eq!(sent, expected);
        let told = [("to", "there\"")];
        let sent: Value = with(Some("2.0"), &told, |task| serde_json::from_slice(&request(task, "i")).unwrap());
        let expected = json!({
            "invocationSchemaVersion": "2.0", "invocationId": "i",
            "job": { "id": id, "userArguments": { "to": "there\"" } },
            "tasks": [{
                "taskId": format!("{id}-3"), "s3Key": "a%20b/%2B%C3%A9", "s3VersionId": "v1", "s3Bucket": "b-1",
            }],
        });
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_answers_mean() {
        let ends = |answer: Value| {
            with(None, &[], |task| match outcome(task, answer.to_string().as_bytes()) {
                Ok(Outcome { failure: None, told, .. }) => format!("ok {}", told.unwrap_or_default()),
                Ok(Outcome { failure: Some(failure), .. }) => format!("{} {}", failure.code, failure.message),
                Err(error) => format!("again {error}"),
            })
        };
        let result = |id: &str, code: &str| json!({ "results": [{ "taskId": id, "resultCode": code, "resultString": "told" }], "treatMissingKeysAs": code });
        let id = "00000000-0000-0000-0000-000000000007-3";
        assert_eq!(ends(result(id, "Succeeded")), "ok told");
        assert_eq!(ends(result(id, "TemporaryFailure")), "again TemporaryFailure: told");
        assert_eq!(ends(result(id, "PermanentFailure")), "PermanentFailure told");
        let missing = "the function's answer has no result for the task";
        assert_eq!(ends(result("other", "Succeeded")), format!("ok {missing}"));
        assert_eq!(ends(result("other", "TemporaryFailure")), format!("again TemporaryFailure: {missing}"));
        assert_eq!(ends(json!({ "results": [] })), format!("PermanentFailure {missing}"));
        for nonsense in [json!({}), json!([]), result(id, "Perhaps"), json!({ "results": [{ "taskId": 1 }] })] {
            assert!(ends(nonsense).starts_with("PermanentFailure the function's answer does not follow the schema: "));
        }
        let long =
            json!({ "results": [{ "taskId": id, "resultCode": "Succeeded", "resultString": "\u{e9}".repeat(9999) }] });
        assert!(ends(long).len() <= "ok ".len() + MESSAGE_BYTES_MAX);
    }

    #[test]
    fn the_code_that_is_tried_again_is_known_to_the_table() {
        use cos_batch_engine::task::retry::{Class, classify};
        assert_eq!(classify(&temporary_failure("x")), Class::Transient);
    }
}
