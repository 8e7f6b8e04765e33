//! The example of a backend of one's own, over a real socket.

use cos_batch_model::*;

use crate::{custom_server, support::*};

#[tokio::test]
async fn it_describes_and_names_what_it_does_not_offer() {
    let server = Server::start(custom_server::service().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    let answer =
        connection.ask(format!("GET /jobs/{JOB} HTTP/1.1\r\nHost: h\r\nx-cos-appid: 1250000007\r\n\r\n")).await;
    let described = DescribeJobResult::from_http(&answer).unwrap().job;
    assert_eq!(described.job_id, job_id());
    assert_eq!(described.status.known(), Some(&JobStatus::Complete));
    assert_eq!(described.manifest.location.object_arn.bucket(), "lists-1250000007");

    let others = [
        ("GET", "/jobs", "ListJobs"),
        ("POST", "/jobs/j/priority?priority=1", "UpdateJobPriority"),
        ("POST", "/jobs/j/status?requestedJobStatus=Ready", "UpdateJobStatus"),
        ("DELETE", "/jobs/j", "DeleteJob"),
    ];
    for (method, uri, action) in others {
        let answer = connection.ask(format!("{method} {uri} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")).await;
        let failure = error(&answer);
        assert_eq!(answer.status(), 501);
        assert_eq!(failure.code, ErrorCode::NotImplemented);
        assert!(failure.message.contains(action), "{failure}");
    }
    let length = CREATE.len();
    let answer =
        connection.ask(format!("POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{CREATE}")).await;
    assert!(error(&answer).message.contains("CreateJob"));
    drop(connection);
    server.stop().await;
}
