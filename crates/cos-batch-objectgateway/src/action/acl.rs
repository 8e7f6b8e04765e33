//! PUT and GET Object acl.

use cos_batch_objectstore::{AclRequest, Grant, ObjectMeta};
use http::{HeaderName, StatusCode};

use super::{Answer, Call, document, empty, expect, malformed, read_xml};
use crate::{
    body::RequestBody,
    error::Failure,
    headers::{self, AccessList},
    xml::{Document, Node},
};

/// What stands before the group of everybody, and of everybody with a key.
const GROUPS: &str = "http://cam.qcloud.com/groups/global/";
const XSI: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
/// What names a grantee, and what else the SDKs have for it: the official Python SDK makes an element of the attribute
/// `xsi:type`.
const GRANTEE: [&str; 6] = ["DisplayName", "ID", "Subaccount", "Type", "URI", "uin"];
const PERMISSIONS: [&str; 4] = ["READ", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"];

/// An account as access lists name it.
pub(super) fn account(id: &str) -> String {
    headers::grantee_of(id)
}

pub(super) async fn put(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    let given = headers::access_list(call.headers)?;
    // If both are given, the headers count.
    let list = if given.given {
        body.xml().await?;
        given
    } else {
        of_body(&read_xml(body, "AccessControlPolicy").await?, &account(&call.owner()))?
    };
    let (bucket, key) = call.object();
    let version = call.version();
    call.store
        .call(|store| async move {
            let AccessList { canned, grants, .. } = list;
            let request = AclRequest {
                bucket: &bucket,
                key: &key,
                version: &version,
                grants: &grants,
                canned_acl: canned.as_deref(),
            };
            store.put_acl(request).await
        })
        .await?;
    Ok(empty(StatusCode::OK))
}

/// The list of a body. A grant to read for everybody is what `public-read` says; that the owner may do everything need not
/// be said, and is what `private` says if nothing else is.
fn of_body(root: &Node, owner: &str) -> Result<AccessList, Failure> {
    // What the official Python SDK reads has a CannedACL, which it makes of the list; here the list counts.
    expect(root, &["AccessControlList", "CannedACL", "Owner"], &[])?;
    let list = root
        .child("AccessControlList")
        .ok_or_else(|| malformed("an AccessControlPolicy needs one AccessControlList"))?;
    let mut found = AccessList { given: true, ..AccessList::default() };
    let mut names_owner = false;
    expect(list, &[], &["Grant"])?;
    for grant in list.children("Grant") {
        expect(grant, &["Grantee", "Permission"], &[])?;
        let permission = grant.text_of("Permission").filter(|permission| PERMISSIONS.contains(permission));
        let permission =
            permission.ok_or_else(|| malformed(format!("a Permission must be one of {}", PERMISSIONS.join(", "))))?;
        let grantee = grant.child("Grantee");
        grantee.map_or(Ok(()), |grantee| expect(grantee, &GRANTEE, &[]))?;
        let (id, uri) = (grantee.and_then(|g| g.text_of("ID")), grantee.and_then(|g| g.text_of("URI")));
        match (id, uri.and_then(|uri| uri.strip_prefix(GROUPS))) {
            (Some(id), None) if permission == "FULL_CONTROL" && account(id) == owner => names_owner = true,
            (Some(id), None) if !id.is_empty() => {
                found.grants.push(Grant { grantee: account(id), permission: permission.to_owned() });
            }
            (None, Some("AllUsers")) if permission == "READ" => found.canned = Some("public-read".to_owned()),
            (None, Some("AuthenticatedUsers")) if permission == "READ" => {
                found.canned = Some("authenticated-read".to_owned());
            }
            _ => {
                return Err(malformed("a Grantee has one ID, or the URI of a group that is granted READ"));
            }
        }
    }
    if names_owner && found.canned.is_none() && found.grants.is_empty() {
        found.canned = Some("private".to_owned());
    }
    Ok(found)
}

pub(super) async fn get(call: &Call<'_>) -> Answer {
    let meta = call.head_of(call.version()).await?;
    let owner = account(&call.owner());
    let bytes = Document::whole("AccessControlPolicy", |policy| {
        policy.element("Owner", |inner| {
            inner.text("ID", &owner);
            inner.text("DisplayName", &owner);
        });
        policy.element("AccessControlList", |list| show(list, &meta, &owner));
    });
    let mut response = document(bytes);
    if meta.canned_acl.is_none() && meta.grants.is_empty() {
        headers::put(response.headers_mut(), HeaderName::from_static("x-cos-acl"), "default");
    }
    Ok(response)
}

fn show(list: &mut Document, meta: &ObjectMeta, owner: &str) {
    // An object without a list of its own inherits the bucket's, and shows none.
    if meta.canned_acl.is_none() && meta.grants.is_empty() {
        return;
    }
    let group = match meta.canned_acl.as_deref() {
        Some("public-read") => Some("AllUsers"),
        Some("authenticated-read") => Some("AuthenticatedUsers"),
        _ => None,
    };
    if let Some(group) = group {
        list.element("Grant", |grant| {
            grant.attributed("Grantee", &format!("{XSI} xsi:type=\"Group\""), |grantee| {
                grantee.text("URI", &format!("{GROUPS}{group}"));
            });
            grant.text("Permission", "READ");
        });
    }
    let own = (owner, "FULL_CONTROL");
    let others = meta.grants.iter().map(|grant| (grant.grantee.as_str(), grant.permission.as_str()));
    for (grantee, permission) in std::iter::once(own).chain(others) {
        list.element("Grant", |grant| {
            grant.attributed("Grantee", &format!("{XSI} xsi:type=\"CanonicalUser\""), |inner| {
                inner.text("ID", grantee);
                inner.text("DisplayName", grantee);
            });
            grant.text("Permission", permission);
        });
    }
}
