//! The aws command line, as it comes, against a server of ours: every action of S3 Control on jobs.

use std::{path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::{
    python::{interpreter, without_settings},
    support::{Place, Server},
};

/// The program, in a virtual environment of its own, which is made if it is not there.
fn program() -> PathBuf {
    interpreter("python-aws", "awscli.txt").with_file_name("aws")
}

/// Commands to one server, with its own key.
struct Aws<'a> {
    server: &'a Server,
    program: PathBuf,
}

impl Aws<'_> {
    /// A command that must succeed; gives what it said.
    fn run(&self, words: &[&str]) -> Value {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        // Some say nothing.
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    fn command(&self, words: &[&str]) -> Command {
        // By the interpreter: the script's own first line still names where the environment was made.
        let mut command = Command::new(self.program.with_file_name("python"));
        without_settings(&mut command);
        command.arg(&self.program);
        command.args(["s3control", words[0], "--account-id", "123456789012"]).args(&words[1..]);
        let (id, secret) = self.server.key();
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        command.env("AWS_DEFAULT_REGION", "snow").env("AWS_ENDPOINT_URL_S3_CONTROL", &self.server.endpoint);
        command.env("AWS_MAX_ATTEMPTS", "1");
        command
    }
}

#[test]
fn the_aws_command_line_does_every_action() {
    let place = Place::new();
    let rows = place.fill(2);
    let etag = place.write_manifest(&rows.text);
    let server = &Server::start(&place);
    let aws = Aws { server, program: program() };
    let manifest = format!(
        "Spec={{Format=S3BatchOperations_CSV_20180820,Fields=[Bucket,Key]}},\
         Location={{ObjectArn=arn:aws:s3:::photos-1250000000/lists/all.csv,ETag={etag}}}"
    );
    let made = aws.run(&[
        "create-job",
        "--operation",
        r#"{"S3PutObjectCopy":{"TargetResource":"arn:aws:s3:::archive-1250000000"}}"#,
        "--manifest",
        &manifest,
        "--report",
        "Bucket=arn:aws:s3:::archive-1250000000,Format=Report_CSV_20180820,Enabled=true,Prefix=reports,ReportScope=AllTasks",
        "--priority",
        "10",
        "--role-arn",
        "arn:aws:iam::123456789012:role/batch",
        "--tags",
        "Key=a,Value=1",
    ]);
    let job = made["JobId"].as_str().unwrap();
    let id = ["--job-id", job];
    let with = |word: &'static str, more: &[&'static str]| aws.run(&[&[word], &id[..], more].concat());
    // Nobody said that it need not be confirmed.
    server.look_until(job, |job| job["Status"] == "Suspended");
    assert_eq!(with("get-job-tagging", &[])["Tags"], json!([{ "Key": "a", "Value": "1" }]));
    with("put-job-tagging", &["--tags", "Key=b,Value=2"]);
    assert_eq!(with("get-job-tagging", &[])["Tags"], json!([{ "Key": "b", "Value": "2" }]));
    with("delete-job-tagging", &[]);
    assert_eq!(with("update-job-priority", &["--priority", "3"])["Priority"], 3);
    assert_eq!(with("update-job-status", &["--requested-job-status", "Ready"])["JobId"], job);
    server.look_until(job, |job| job["Status"] == "Complete");
    let seen = &with("describe-job", &[])["Job"];
    let counts = (&seen["ProgressSummary"]["NumberOfTasksSucceeded"], &seen["Priority"], &seen["Status"]);
    assert_eq!(counts, (&json!(2), &json!(3), &json!("Complete")), "{seen:#}");
    assert_eq!(aws.run(&["list-jobs", "--job-statuses", "Complete"])["Jobs"][0]["JobId"], job);
    let late =
        aws.command(&[&["update-job-status"], &id[..], &["--requested-job-status", "Cancelled"]].concat()).output();
    let late = String::from_utf8(late.unwrap().stderr).unwrap();
    assert!(late.contains("JobStatusException"), "{late}");
    place.assert_copied(&rows.keys);
}
