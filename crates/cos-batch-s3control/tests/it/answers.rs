//! Whole messages of every action: requests as boto3 sends them, and what is answered, byte for byte.
//!
//! The answers are kept in `fixtures/answers/s3control`; `cargo xtask fixtures` writes them anew.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use bytes::Bytes;
use cos_batch_s3control::{
    action::route,
    sigv4::{Payload, Presented, verify},
};
use cos_signature::SecretKey;
use http::{Request, Response};
use sha2::{Digest as _, Sha256};

use crate::world::{NOBODY, World, captured, fixtures, full};

/// Set to `write`: answers are written, not compared.
const VARIABLE: &str = "COS_BATCH_FIXTURES";

/// Where answers are kept.
const FOLDER: &str = "answers/s3control";

/// When the requests were captured, in Unix seconds; their key, and its secret.
const CAPTURED_AT: i64 = 1_796_014_268;
const KEY: &str = "AKIDEXAMPLEONLYNOTREAL0001";
const SECRET: &str = "exampleSecretKeyNotReal0001";

/// What a request becomes before it is sent: nothing that is told apart by more than its text.
type Edit<'a> = &'a dyn Fn(String) -> String;

/// A conversation, of which answers are kept.
struct Talk {
    world: World,
    /// Jobs that were made, in this order: their ids are replaced by numbers.
    jobs: Vec<String>,
    kept: BTreeSet<String>,
}

impl Talk {
    /// Sends a request, and keeps the answer under a name; gives its body.
    async fn ask(&mut self, capture: &str, answer: &str, edit: Edit<'_>) -> String {
        let (head, body) = captured(capture);
        let target = edit(head.uri.to_string());
        let body = edit(String::from_utf8(body.to_vec()).unwrap());
        let mut request = Request::builder().method(head.method).uri(target);
        for (name, value) in &head.headers {
            // It is as long as it is.
            if name != "content-length" {
                request = request.header(name, value);
            }
        }
        let response = self.world.send(request.body(full(body)).unwrap()).await;
        self.keep(answer, response)
    }

    fn keep(&mut self, answer: &str, response: Response<Bytes>) -> String {
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let request_id = head.headers["x-amz-request-id"].to_str().unwrap().to_owned();
        let mut text = format!("HTTP/1.1 {}\r\n", head.status);
        for (name, value) in &head.headers {
            write!(text, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
        write!(text, "\r\n{body}").unwrap();
        text = text.replace(&request_id, "3b241101-e2bb-4255-8caf-4136c566a962");
        for (number, id) in self.jobs.iter().enumerate() {
            text = text.replace(id, &name_of(number));
        }
        assert!(self.kept.insert(format!("{answer}.http")), "{answer} is made twice");
        let path = fixtures(FOLDER).join(format!("{answer}.http"));
        if std::env::var_os(VARIABLE).is_some_and(|word| word == "write") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        } else {
            let found = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(found, text, "{}: see the differences that `cargo xtask fixtures` makes", path.display());
        }
        body
    }

    /// Makes a job, and gives its id.
    async fn create(&mut self, capture: &str, answer: &str) -> String {
        let number = self.jobs.len();
        // Its id has its name already where it is kept.
        let (head, body) = captured(capture);
        let response = self.world.send(Request::from_parts(head, full(body))).await;
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let id =
            text.split_once("<JobId>").and_then(|(_, rest)| rest.split_once("</JobId>")).expect(&text).0.to_owned();
        assert!(!self.jobs.contains(&id) && name_of(number) != id);
        self.jobs.push(id.clone());
        self.keep(answer, response);
        id
    }

    /// The same about a job.
    async fn about(&mut self, job: &str, capture: &str, answer: &str) -> String {
        self.ask(capture, answer, &|text| text.replace(NOBODY, job)).await
    }
}

/// What a job is called in what is kept.
fn name_of(number: usize) -> String {
    format!("0193a1b2-c3d4-7e5f-8a6b-{:012}", number + 1)
}

/// As it is.
fn same(text: String) -> String {
    text
}

#[tokio::test]
async fn answers_are_as_they_are_kept() {
    let world = World::open().await;
    world.put("a b.jpg", "photo").await;
    world.put("lists/all.csv", "photos-1250000000,a%20b.jpg\nphotos-1250000000,missing.jpg\n").await;
    let mut talk = Talk { world, jobs: Vec::new(), kept: BTreeSet::new() };
    let talk = &mut talk;

    let copy = talk.create("01-create-copy-every-field", "CreateJob/created").await;
    talk.ask("02-create-other-request", "CreateJob/token-used", &same).await;
    talk.ask("07-create-without-manifest", "CreateJob/no-manifest", &same).await;
    talk.ask("08-create-lambda", "CreateJob/no-function", &same).await;
    talk.ask("09-create-report-elsewhere", "CreateJob/denied", &same).await;
    talk.world.until(&copy, "Suspended").await;
    talk.about(&copy, "10-describe", "DescribeJob/suspended-copy-every-field").await;
    talk.about(&copy, "16-priority", "UpdateJobPriority/raised").await;
    talk.about(&copy, "19-get-tagging", "GetJobTagging/first").await;
    talk.about(&copy, "20-put-tagging", "PutJobTagging/put").await;
    talk.about(&copy, "19-get-tagging", "GetJobTagging/second").await;
    talk.about(&copy, "21-put-tagging-too-many", "PutJobTagging/too-many").await;
    talk.about(&copy, "22-delete-tagging", "DeleteJobTagging/deleted").await;
    talk.about(&copy, "19-get-tagging", "GetJobTagging/none").await;

    let tagging = talk.create("03-create-tagging", "CreateJob/created-tagging").await;
    talk.world.until(&tagging, "Complete").await;
    talk.about(&tagging, "10-describe", "DescribeJob/complete-tagging").await;
    let restore = talk.create("05-create-restore-inventory", "CreateJob/created-restore").await;
    talk.world.until(&restore, "Failed").await;
    talk.about(&restore, "10-describe", "DescribeJob/failed-restore-inventory").await;
    let acl = talk.create("04-create-acl", "CreateJob/created-acl").await;
    talk.world.until(&acl, "Suspended").await;
    talk.about(&acl, "10-describe", "DescribeJob/suspended-acl").await;
    let generated = talk.create("06-create-generator", "CreateJob/created-generator").await;
    talk.world.until(&generated, "Suspended").await;
    talk.about(&generated, "10-describe", "DescribeJob/suspended-generator").await;
    talk.ask("03-create-tagging", "CreateJob/too-many", &|text| text.replace("token-2", "token-6")).await;

    talk.ask("11-list", "ListJobs/all", &same).await;
    talk.ask("12-list-filtered", "ListJobs/first-page", &same).await;
    talk.about(&acl, "13-list-after", "ListJobs/last-page").await;
    talk.about("ffffffff-ffff-7fff-8fff-ffffffffffff", "13-list-after", "ListJobs/nothing").await;
    talk.ask("14-list-bad-token", "ListJobs/bad-token", &same).await;
    talk.ask("15-list-unknown-status", "ListJobs/unknown-status", &same).await;

    talk.about(&copy, "18-status-cancel", "UpdateJobStatus/cancelled").await;
    talk.world.until(&copy, "Cancelled").await;
    talk.about(&copy, "17-status-confirm", "UpdateJobStatus/finished").await;
    talk.about(&copy, "16-priority", "UpdateJobPriority/finished").await;
    talk.about(&acl, "17-status-confirm", "UpdateJobStatus/confirmed").await;

    for (capture, action) in [
        ("10-describe", "DescribeJob"),
        ("16-priority", "UpdateJobPriority"),
        ("18-status-cancel", "UpdateJobStatus"),
        ("19-get-tagging", "GetJobTagging"),
        ("20-put-tagging", "PutJobTagging"),
        ("22-delete-tagging", "DeleteJobTagging"),
    ] {
        talk.ask(capture, &format!("{action}/no-such-job"), &same).await;
    }
    talk.ask("10-describe", "other/unknown-path", &|text| text.replace("/jobs/", "/accesspoint/")).await;
    talk.ask("16-priority", "other/another-method", &|text| text.split("/priority").next().unwrap().to_owned()).await;

    // Nothing is kept that nobody makes.
    let folder = fixtures(FOLDER);
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap().path();
        for file in fs::read_dir(&entry).unwrap() {
            let name = file.unwrap().path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            assert!(talk.kept.contains(&name), "{name}: nothing makes it");
        }
    }
}

#[test]
fn each_request_is_signed_and_for_an_action() {
    let mut names = BTreeSet::new();
    for file in fs::read_dir(fixtures("captures/s3control")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "http") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (head, body) = captured(name);
        let presented = Presented::from_parts(&head).unwrap();
        assert_eq!(presented.secret_id, KEY);
        verify(&head, &presented, Some(&SecretKey::new(SECRET)), CAPTURED_AT).unwrap();
        assert_eq!(presented.payload, Payload::Hash(hex::encode(Sha256::digest(&body))), "{name}");
        names.insert(route(&head.method, head.uri.path()).unwrap().0.as_str());
    }
    assert_eq!(names.len(), 8, "each action has a request: {names:?}");
}
