//! The contract of object stores, held by SeaweedFS behind our store in the dialect of S3.
//!
//! SeaweedFS keeps objects as files of a tree: what no path can be, it has no place for.

use cos_batch_objectstore::{Capabilities, contract::Lacks};
use http::Method;

use super::{
    python::{Server, free_ports, programs},
    s3::S3Server,
    signed,
};

async fn start() -> S3Server {
    let [master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc] = free_ports();
    let settings = format!(
        r#"{{"identities":[{{"name":"tests","credentials":[{{"accessKey":"{}","secretKey":"{}"}}],
            "actions":["Admin","Read","Write","List","Tagging"]}}]}}"#,
        signed::SECRET_ID,
        signed::SECRET_KEY
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), settings).unwrap();
    let arguments = [
        "-logtostderr=true".to_owned(),
        "server".to_owned(),
        "-dir={}".to_owned(),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        // It reports to its makers otherwise.
        "-master.telemetry=false".to_owned(),
        format!("-master.port={master}"),
        format!("-master.port.grpc={master_grpc}"),
        // Each bucket takes several volumes.
        "-master.volumeSizeLimitMB=16".to_owned(),
        "-volume.max=1000".to_owned(),
        format!("-volume.port={volume}"),
        format!("-volume.port.grpc={volume_grpc}"),
        "-filer".to_owned(),
        format!("-filer.port={filer}"),
        format!("-filer.port.grpc={filer_grpc}"),
        "-s3".to_owned(),
        "-s3.autoCreateBucket=false".to_owned(),
        format!("-s3.port={s3}"),
        format!("-s3.port.grpc={s3_grpc}"),
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
        format!("-s3.config={}", file.path().display()),
    ];
    let server = Server::start(&programs().join("weed"), &arguments);
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
