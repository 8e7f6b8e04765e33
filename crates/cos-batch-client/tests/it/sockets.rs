//! Over real sockets: what the transport makes of connections that go well or badly.

use std::sync::Arc;
use std::time::Duration;

use cos_batch_client::{Client, Error, RESPONSE_BYTES_MAX, RetryPolicy, TransportErrorKind};
use cos_batch_model::{ErrorCode, ListJobsRequest, ListJobsResult, Priority};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::samples;
use crate::server::{Server, client_of, kind, read_request, serve};

async fn list_error(client: &Client) -> Error {
    client.list_jobs(ListJobsRequest::default()).await.unwrap_err()
}

#[tokio::test]
async fn all_actions_go_over_one_kept_connection() {
    let server = Server::start(serve).await;
    let (client, id) = (server.client(), samples::job_id());
    client.create_job(samples::create()).await.unwrap();
    client.describe_job(&id).await.unwrap();
    client.clone().list_jobs(ListJobsRequest::default()).await.unwrap();
    client.update_job_priority(&id, Priority::default()).await.unwrap();
    client.confirm(&id, Some("seen & checked".parse().unwrap())).await.unwrap();
    client.delete_job(&id).await.unwrap();
    client.wait(&id).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_does_no_harm() {
    // The answer does not say that the connection ends, and then it does.
    let body = String::from_utf8(cos_batch_model::xml::to_bytes(&ListJobsResult::default()).to_vec()).unwrap();
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Server::answering(text).await;
    let client = server.client();
    for _ in 0..5 {
        client.list_jobs(ListJobsRequest::default()).await.unwrap();
    }
    assert!(server.connections() >= 5);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client_of("http", address).build().unwrap();
    let error = client.confirm(&samples::job_id(), None).await.unwrap_err();
    assert_eq!(kind(&error), TransportErrorKind::Connect);
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(kind(&client.create_job(samples::create()).await.unwrap_err()), TransportErrorKind::Connect);
}

#[tokio::test]
async fn a_connection_that_ends_inside_the_answer() {
    for text in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<ListJobs",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<List\r\n",
    ] {
        let server = Server::answering(text).await;
        assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::Reset, "{text:?}");
        assert_eq!(server.connections(), 3, "{text:?}: asking again is safe");

        let server = Server::answering(text).await;
        let error = server.client().cancel(&samples::job_id(), None).await.unwrap_err();
        assert_eq!(kind(&error), TransportErrorKind::Reset, "{text:?}");
        assert_eq!(server.connections(), 1, "{text:?}: it may have been carried out");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_end() {
    for text in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<ListJobs"] {
        let server = Server::stalling_after(text).await;
        let client = client_of("http", server.address)
            .timeout(Duration::from_millis(50))
            .retry(RetryPolicy { attempts: 2, base: Duration::ZERO, cap: Duration::ZERO })
            .build()
            .unwrap();
        assert_eq!(kind(&list_error(&client).await), TransportErrorKind::Timeout, "{text:?}");
        assert_eq!(server.connections(), 2, "{text:?}: a connection in use is not used again");
    }
}

#[tokio::test]
async fn the_longest_answer_is_taken_and_no_longer_one() {
    for (length, is_taken) in [(RESPONSE_BYTES_MAX, true), (RESPONSE_BYTES_MAX + 1, false)] {
        let head = [
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n"),
        ];
        for head in head {
            let mut answer = head.into_bytes();
            answer.resize(answer.len() + length, b' ');
            answer.extend_from_slice(b"\r\n0\r\n\r\n");
            let server = Server::answering(answer).await;
            match server.client().describe_job_response(&samples::job_id()).await {
                Ok(response) => assert!(is_taken && response.body().len() == length, "{length}"),
                Err(error) => {
                    assert!(!is_taken, "{length}");
                    assert_eq!(kind(&error), TransportErrorKind::TooLarge);
                }
            }
            assert_eq!(server.connections(), 1, "it would be as long the next time");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_left() {
    let ended = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&ended);
    let server = Server::start(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            read_request(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            told.notify_one();
        }
    })
    .await;
    assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::TooLarge);
    ended.notified().await;
}

#[tokio::test]
async fn a_head_without_end_is_left() {
    let answer = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "a".repeat(200_000));
    let server = Server::answering(answer).await;
    assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::TooLarge);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn something_else_than_http_answers() {
    for text in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"] {
        let server = Server::answering(text).await;
        assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::Protocol, "{text:?}");
        assert_eq!(server.connections(), 1, "{text:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let text =
            format!("HTTP/1.1 {status}\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let server = Server::answering(text).await;
        let error = list_error(&server.client()).await;
        let answered = error.api().unwrap();
        assert!(answered.status.is_redirection() && matches!(answered.code, ErrorCode::Unknown(_)), "{error}");
        assert_eq!(server.connections(), 1);
    }
}
