//! The contract of object stores, held by SeaweedFS behind our store in the dialect of S3.
//!
//! SeaweedFS keeps objects as files of a tree: what no path can be, it has no place for.

use cos_batch_objectstore::{Capabilities, contract::Lacks};
use http::Method;

use super::{python::seaweedfs, s3::S3Server, signed};

async fn start() -> S3Server {
    let (server, s3) = seaweedfs(signed::SECRET_ID, signed::SECRET_KEY);
    let address = format!("127.0.0.1:{s3}");
    // It listens before it can keep anything.
    let ready = async || {
        let made = signed::send(&address, Method::PUT, "/ready", "").await;
        let put = signed::send(&address, Method::PUT, "/ready/object", "x").await;
        matches!((made, put), (Some(_), Some((200, _))))
    };
    server.wait(s3, ready).await;
    S3Server {
        address,
        capabilities: Capabilities { restore: false, acl: false, ..Capabilities::ALL },
        lacks: Lacks {
            operation_ids: true,
            encryption: true,
            keys_below_keys: true,
            byte_order: true,
            version_names_in_plain_buckets: true,
            null_markers: true,
            codes_of_target_buckets: true,
            locks_without_versions: true,
            ..Lacks::default()
        },
        allows_key: |key| {
            let segments = || key.split('/');
            segments().all(|segment| !matches!(segment, "" | "." | "..") && segment.len() <= 255)
                && !key.contains(['\0', '\\'])
        },
        breaks: &[
            ("an_abort_drops_the_parts", "an upload can be aborted twice"),
            ("buckets_come_and_go", "a bucket with uploads in parts is deleted"),
            ("completing_checks_the_parts", "an ETag that is not the part's is accepted"),
            ("large_objects_are_copied_in_parts", "a part that was copied has the ETag of its source"),
            ("parts_have_numbers_and_can_be_replaced", "the ETag of a part that was replaced is accepted"),
            ("retentions_get_weaker_only_where_they_may", "an empty retention is refused as such"),
            ("uploads_and_parts_are_listed_in_pages", "uploads are listed without their storage class"),
            ("versions_are_listed", "deleting a key with empty segments makes no marker"),
            ("versions_are_listed_in_pages", "keys with a slash at their end have no versions"),
        ],
        _server: server,
    }
}

/// All cases with one server, which takes some seconds to come up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds() {
    start().await.hold_to_the_contract().await;
}
