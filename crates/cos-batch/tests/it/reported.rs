//! A report that was published to a store over HTTP.

use std::collections::BTreeMap;

use cos_batch_nullstore::NullStore;
use serde_json::Value;

/// The keys that a job's report names, and how often; each row says that its task succeeded.
#[track_caller]
pub(crate) fn reported(store: &NullStore, bucket: &str, job: &str) -> BTreeMap<String, u32> {
    let list = store.kept(bucket, &format!("reports/job-{job}/manifest.json")).expect("the report is published");
    let list: Value = serde_json::from_slice(&list).unwrap();
    let mut reported = BTreeMap::new();
    for file in list["Results"].as_array().unwrap() {
        assert_eq!(file["TaskExecutionStatus"], "succeeded");
        let body = store.kept(bucket, file["Key"].as_str().unwrap()).unwrap();
        for line in std::str::from_utf8(&body).unwrap().lines() {
            *reported.entry(line.split(',').nth(1).unwrap().to_owned()).or_default() += 1;
        }
    }
    reported
}
