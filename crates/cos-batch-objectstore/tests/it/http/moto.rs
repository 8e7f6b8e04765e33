//! The contract of object stores, held by moto behind our store in the dialect of S3. It has keys of any form, versions,
//! access lists and restores, which SeaweedFS has not.

use cos_batch_objectstore::{Capabilities, contract::Lacks};
use http::Method;

use super::{python::moto, s3::S3Server, signed};

async fn start() -> S3Server {
    let (server, port) = moto();
    let address = format!("127.0.0.1:{port}");
    let ready = async || matches!(signed::send(&address, Method::PUT, "/ready", "").await, Some((200, _)));
    server.wait(port, ready).await;
    S3Server {
        address,
        capabilities: Capabilities { acl: false, ..Capabilities::ALL },
        lacks: Lacks {
            operation_ids: true,
            encryption: true,
            version_names_in_plain_buckets: true,
            null_versions: true,
            times_in_conditions: true,
            tags_reset_by_copies: true,
            locks_without_versions: true,
            ..Lacks::default()
        },
        // It matches paths line by line.
        allows_key: |key| !key.contains('\n'),
        breaks: &[
            ("an_abort_drops_the_parts", "completing an aborted upload is an internal error"),
            ("buckets_come_and_go", "a bucket with uploads in parts is deleted"),
            ("completing_checks_the_parts", "an ETag that is not the part's is accepted"),
            ("delete_leaves_a_marker", "removing a marker that is not the newest does not say that it was one"),
            ("kept_versions_are_not_removed", "asking for a retention is an internal error"),
            ("large_objects_are_copied_in_parts", "a range beyond the end is accepted"),
            ("parts_become_one_object", "completing a completed upload is an internal error"),
            ("parts_come_in_pieces", "a part for a completed upload is an internal error"),
            ("retentions_get_weaker_only_where_they_may", "each takes the place of the one before"),
            ("uploads_and_parts_are_listed_in_pages", "the answer has the root ListPartsResponse"),
            ("versions_are_listed", "deleting what does not exist makes no marker"),
            ("versions_are_listed_in_pages", "markers stand behind all versions"),
        ],
        _server: server,
    }
}

/// All cases with one server, which takes some seconds to come up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds() {
    start().await.hold_to_the_contract().await;
}
