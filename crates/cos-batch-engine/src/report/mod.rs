//! Completion reports: rows, files and their manifest.

pub mod manifest;
pub mod row;
pub mod spool;

use uuid::Uuid;

use crate::spec::ReportSpec;

/// Key of the folder of a job's report, without a slash at the end.
#[must_use]
pub fn folder(report: &ReportSpec, job: Uuid) -> String {
    match report.prefix.trim_end_matches('/') {
        "" => format!("job-{job}"),
        prefix => format!("{prefix}/job-{job}"),
    }
}

/// Key of the report's manifest, which is published last.
#[must_use]
pub fn manifest_key(report: &ReportSpec, job: Uuid) -> String {
    format!("{}/manifest.json", folder(report, job))
}

/// Key of a shard's result file. Each shard has a number for its succeeded rows and one for its failed ones.
#[must_use]
pub fn result_key(report: &ReportSpec, job: Uuid, shard: u32, failed: bool) -> String {
    format!("{}/results/{}.csv", folder(report, job), u64::from(shard) * 2 + u64::from(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_report() {
        let mut report = ReportSpec { bucket: "b-1".into(), prefix: "a/b/".into(), all_tasks: true };
        let job = Uuid::from_u128(7);
        let name = "job-00000000-0000-0000-0000-000000000007";
        assert_eq!(manifest_key(&report, job), format!("a/b/{name}/manifest.json"));
        assert_eq!(result_key(&report, job, 3, true), format!("a/b/{name}/results/7.csv"));
        report.prefix.clear();
        assert_eq!(result_key(&report, job, u32::MAX, false), format!("{name}/results/8589934590.csv"));
    }
}
