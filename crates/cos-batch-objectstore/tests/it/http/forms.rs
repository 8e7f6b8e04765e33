//! What is asked for where there is a choice, and what is made of listings.

use cos_batch_objectstore::{
    AclRequest, Capabilities, CopyRequest, CopySource, Directive, ErrorKind, Grant, HttpDialect, HttpStore,
    ListRequest, ListUploadsRequest, ListVersionsRequest, Metadata, ObjectStore as _,
};

use super::{
    doing::{COPIED, ETAG_AND_TIME, LATEST, copy, copy_request, store},
    script::{Script, Then, answer, error},
};

#[tokio::test]
async fn an_empty_page_that_is_not_the_last_is_followed_and_not_for_ever() {
    let empty = |token: usize| {
        let page = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/{token}</NextContinuationToken>\
             </ListBucketResult>"
        );
        (answer("200 OK", "", &page), Then::Keep)
    };
    let last = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>1</Size><ETag>e</ETag>\
                <LastModified>2026-11-01T08:30:00.000Z</LastModified></Contents></ListBucketResult>";
    let list = || ListRequest { bucket: "b-1", prefix: "", after: Some("a"), limit: 10 };
    let script = Script::start([empty(1), empty(2), (answer("200 OK", "", last), Then::Keep)]).await;
    let page = store(&script).list(list()).await.unwrap();
    assert_eq!((page.objects[0].0.as_str(), page.next), ("k", None));
    let asked = script.requests();
    assert!(asked[0].contains("start-after=a") && asked[1].contains("continuation-token=t%2F1"), "{asked:?}");
    assert!(asked[2].contains("continuation-token=t%2F2"), "{asked:?}");
    for script in [Script::start((0..200).map(empty)).await, Script::start((0..200).map(|_| empty(1))).await] {
        assert_eq!(store(&script).list(list()).await.unwrap_err().kind(), ErrorKind::InternalError);
        assert!(script.requests().len() <= 100);
    }
}

#[tokio::test]
async fn listings_that_do_not_advance_are_refused() {
    let after = Some(("k", "v1"));
    for (key, id) in [("k", "v1"), ("j", "v9"), ("", "")] {
        let page = |root: &str, id_name: &str| {
            let markers = format!("<NextKeyMarker>{key}</NextKeyMarker><{id_name}>{id}</{id_name}>");
            (answer("200 OK", "", &format!("<{root}><IsTruncated>true</IsTruncated>{markers}</{root}>")), Then::Keep)
        };
        let script = Script::start([page("ListVersionsResult", "NextVersionIdMarker")]).await;
        let request = ListVersionsRequest { bucket: "b-1", prefix: "", after, limit: 10 };
        let failed = store(&script).list_versions(request).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::InternalError, "{key} {id}");
        let script = Script::start([page("ListMultipartUploadsResult", "NextUploadIdMarker")]).await;
        let request = ListUploadsRequest { bucket: "b-1", prefix: "", after, limit: 10 };
        let failed = store(&script).list_uploads(request).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::InternalError, "{key} {id}");
    }
}

#[tokio::test]
async fn a_store_without_tags_is_not_told_about_them() {
    let script = Script::start([(answer("200 OK", "", COPIED), Then::Keep)]).await;
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address));
    let without = Capabilities { tagging: false, ..Capabilities::ALL };
    copy(&builder.capabilities(without).build().unwrap()).await.unwrap();
    assert!(!script.requests()[0].contains("tagging"), "{}", script.requests()[0]);
}

/// S3 takes a canned list or grants, not both.
#[tokio::test]
async fn a_canned_list_beside_grants_goes_into_them() {
    let grants = [Grant { grantee: "79a59df9".into(), permission: "READ".into() }];
    let set = |canned_acl| AclRequest { bucket: "b-1", key: "k", version: LATEST, grants: &grants, canned_acl };
    for (canned, list) in [
        ("private", "x-amz-grant-read: id=\"79a59df9\"\r\n"),
        (
            "public-read",
            "x-amz-grant-read: id=\"79a59df9\", uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"\r\n",
        ),
    ] {
        let script = Script::start([(answer("200 OK", "", ""), Then::Keep)]).await;
        store(&script).put_acl(set(Some(canned))).await.unwrap();
        let request = &script.requests()[0];
        assert!(request.contains(list) && !request.contains("x-amz-acl"), "{request}");
    }
    let script = Script::start([]).await;
    let failed = store(&script).put_acl(set(Some("bucket-owner-read"))).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::InvalidArgument);
    assert!(failed.message().contains("bucket-owner-read"), "{failed}");
}

/// Two names for one bucket: a copy that looks like one to elsewhere is onto the object itself.
#[tokio::test]
async fn a_copy_onto_itself_is_known_under_another_name() {
    let script = Script::start([(answer("200 OK", ETAG_AND_TIME, ""), Then::Keep)]).await;
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address));
    let store = builder.rename("b-2", "b-1").build().unwrap();
    let request = CopyRequest { target_bucket: "b-2", target_key: "from", ..copy_request(Directive::Copy) };
    assert_eq!(store.copy(request).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert!(script.requests()[0].starts_with("HEAD /b-1/from"));
}

#[tokio::test]
async fn a_source_that_changes_is_read_again_and_not_for_ever() {
    let head = answer("200 OK", &format!("{ETAG_AND_TIME}content-language: de\r\nx-amz-meta-old: 1\r\n"), "");
    let changed = error("412 Precondition Failed", "PreconditionFailed");
    let turn = [(head, Then::Keep), (changed, Then::Keep)];
    let new = Metadata { user: [("new".to_owned(), "2".to_owned())].into(), ..Metadata::default() };

    let script = Script::start((0..9).flat_map(|_| turn.clone())).await;
    let failed = store(&script).copy(copy_request(Directive::Add(&new))).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(script.requests().len(), 8);

    let copied = [turn[0].clone(), (answer("200 OK", "", COPIED), Then::Keep)];
    let script = Script::start(turn.into_iter().chain(copied)).await;
    store(&script).copy(copy_request(Directive::Add(&new))).await.unwrap();
    let last = &script.requests()[3];
    for line in [
        "content-language: de",
        "x-amz-meta-old: 1",
        "x-amz-meta-new: 2",
        "x-amz-metadata-directive: REPLACE",
        "if-match: \"one\"",
    ] {
        assert!(last.contains(line), "{last}");
    }
}

/// Names of user metadata become names of headers, which have no case.
#[tokio::test]
async fn metadata_in_letters_of_another_case_takes_the_place_of_what_is_there_and_is_not_written_twice() {
    let head = answer("200 OK", &format!("{ETAG_AND_TIME}x-amz-meta-color: old\r\nx-amz-meta-size: 1\r\n"), "");
    let script = Script::start([(head, Then::Keep), (answer("200 OK", "", COPIED), Then::Keep)]).await;
    let user = |pairs: &[(&str, &str)]| {
        let user = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Metadata { user, ..Metadata::default() }
    };
    let new = user(&[("Color", "new")]);
    store(&script).copy(copy_request(Directive::Add(&new))).await.unwrap();
    let sent = &script.requests()[1];
    assert!(sent.contains("x-amz-meta-color: new") && sent.contains("x-amz-meta-size: 1"), "{sent}");
    assert!(!sent.contains("old"), "{sent}");

    let script = Script::start([]).await;
    let twice = user(&[("Color", "red"), ("color", "blue")]);
    let failed = store(&script).copy(copy_request(Directive::Replace(&twice))).await.unwrap_err();
    assert_eq!((failed.kind(), script.connections()), (ErrorKind::InvalidArgument, 0), "{failed}");
    assert!(failed.message().contains("x-amz-meta-color twice"), "{failed}");
}

#[tokio::test]
async fn what_users_write_does_not_become_a_host() {
    let script = Script::start([]).await;
    let store = HttpStore::builder(HttpDialect::Cos, "http://localhost:1".to_owned())
        .proxy(format!("http://{}", script.address))
        .build()
        .unwrap();
    for bucket in ["evil.example/", "a@evil.example", "a:80", "a b", "A", "..", "", "a\r\nhost: x", "-a"] {
        assert_eq!(store.head(bucket, "k", LATEST).await.unwrap_err().kind(), ErrorKind::NoSuchBucket, "{bucket:?}");
        let source = CopySource { bucket, key: "k", version: LATEST };
        let request = CopyRequest { source, ..copy_request(Directive::Copy) };
        assert_eq!(store.copy(request).await.unwrap_err().kind(), ErrorKind::NoSuchBucket, "{bucket:?}");
    }
    assert_eq!(script.connections(), 0);
}
