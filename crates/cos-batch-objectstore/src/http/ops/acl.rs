//! Access control lists.

use http::{HeaderName, Method};

use super::{check_version, document, with_read_version};
use crate::{
    Acl, AclRequest, CopySource, Directive, ErrorKind, Grant, StoreError, VersionSelector,
    http::{Inner, call::Call},
    rules,
};

/// What the names of groups end in.
const ALL_USERS: &str = "/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "/groups/global/AuthenticatedUsers";

/// The groups as S3 names them.
const ALL_USERS_URI: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS_URI: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

impl Inner {
    pub(crate) async fn get_acl(&self, bucket: &str, key: &str, version: &VersionSelector) -> Result<Acl, StoreError> {
        check_version(version)?;
        let call = Call::object(Method::GET, bucket, key).flag("acl").version(version);
        let answer = self.send(call).await.map_err(|error| with_read_version(error, version))?;
        let mut acl = Acl::default();
        let (mut owner, mut grantee, mut permission) = (String::new(), String::new(), String::new());
        document(&answer, "AccessControlPolicy", |path, text| {
            if path == "AccessControlPolicy/Owner/ID" {
                text.clone_into(&mut owner);
            }
            let Some(rest) = path.strip_prefix("AccessControlPolicy/AccessControlList/Grant") else { return };
            match rest {
                "/Grantee/ID" | "/Grantee/URI" | "/Grantee/EmailAddress" => text.clone_into(&mut grantee),
                "/Permission" => text.clone_into(&mut permission),
                "" => acl
                    .grants
                    .push(Grant { grantee: std::mem::take(&mut grantee), permission: std::mem::take(&mut permission) }),
                _ => {}
            }
        })?;
        acl.canned = answer.header(&self.dialect.names().acl).map(str::to_owned);
        // What its owner has anyway was never set.
        let told = acl.grants.len();
        acl.grants.retain(|grant| !(grant.grantee == owner && grant.permission == "FULL_CONTROL"));
        if !self.dialect.grants_to_groups() {
            // A group can have come by its grant in one way only.
            acl.grants.retain(|grant| {
                match canned_with_group(acl.canned.as_deref(), &grant.grantee, &grant.permission) {
                    Ok(canned) => {
                        acl.canned = Some(canned.to_owned());
                        false
                    }
                    Err(_) => true,
                }
            });
        }
        if acl.grants.is_empty() && acl.canned.is_none() && told > 0 {
            acl.canned = Some("private".to_owned());
        }
        if acl.canned.as_deref() == Some(self.dialect.default_acl()) {
            // What the bucket says is none of the object's own.
            acl = Acl::default();
        }
        Ok(acl)
    }

    pub(crate) async fn put_acl(&self, request: &AclRequest<'_>) -> Result<(), StoreError> {
        let AclRequest { bucket, key, version, grants, canned_acl } = request;
        check_version(version)?;
        rules::check_grants(grants, *canned_acl).map_err(|fail| fail.about(bucket, key))?;
        let canned = canned_acl.or_else(|| grants.is_empty().then(|| self.dialect.default_acl()));
        let mut call = Call::object(Method::PUT, bucket, key).flag("acl").version(version).repeatable();
        self.write_acl(&mut call, grants, canned)?;
        match self.order(call).await {
            Ok(_) => Ok(()),
            Err(error) => Err(with_read_version(error, version)),
        }
    }

    /// Writes grants and a canned list into headers. What the dialect has no way for is refused by name.
    pub(crate) fn write_acl(
        &self,
        call: &mut Call<'_>,
        grants: &[Grant],
        canned: Option<&str>,
    ) -> Result<(), StoreError> {
        let names = self.dialect.names();
        let refuse = |reason: String| Err(StoreError::new(ErrorKind::InvalidArgument, reason));
        let to_groups = self.dialect.grants_to_groups();
        let (mut canned, mut expanded) = (canned, None);
        if let (Some(name), true, false) = (canned, to_groups, grants.is_empty()) {
            // S3 takes the one or the other, so the list goes into the grants. What it grants the owner, he has anyway.
            expanded = match name {
                "private" => None,
                "public-read" => Some(ALL_USERS_URI),
                "authenticated-read" => Some(AUTHENTICATED_USERS_URI),
                _ => return refuse(format!("the canned list {name:?} cannot be set together with grants here")),
            };
            canned = None;
        }
        let mut lists: [(&str, &HeaderName, String); 4] = [
            ("READ", &names.grant_read, String::new()),
            ("READ_ACP", &names.grant_read_acp, String::new()),
            ("WRITE_ACP", &names.grant_write_acp, String::new()),
            ("FULL_CONTROL", &names.grant_full_control, String::new()),
        ];
        let granted = grants.iter().map(|grant| (grant.grantee.as_str(), grant.permission.as_str()));
        for (grantee, permission) in granted.chain(expanded.map(|group| (group, "READ"))) {
            let Some((_, _, list)) = lists.iter_mut().find(|(name, _, _)| *name == permission) else {
                return refuse(format!("an object has no permission {permission:?}"));
            };
            if grantee.contains('"') {
                return refuse(format!("the grantee {grantee:?} has a quotation mark"));
            }
            let is_group = grantee.starts_with("http://") || grantee.starts_with("https://");
            if is_group && !to_groups {
                canned = Some(canned_with_group(canned, grantee, permission)?);
                continue;
            }
            if !list.is_empty() {
                list.push_str(", ");
            }
            let form = match grantee {
                _ if is_group => "uri",
                address if address.contains('@') => "emailAddress",
                _ => "id",
            };
            list.push_str(form);
            list.push_str("=\"");
            list.push_str(grantee);
            list.push('"');
        }
        for (_, name, list) in &lists {
            if !list.is_empty() {
                call.header(name, list)?;
            }
        }
        if let Some(canned) = canned {
            call.header(&names.acl, canned)?;
        }
        Ok(())
    }

    /// Writes the access control list that the target of a copy gets. No dialect has a directive for it, so that it is read from
    /// the source where it goes along.
    pub(crate) async fn write_copied_acl(
        &self,
        call: &mut Call<'_>,
        grants: &Directive<&[Grant]>,
        canned: Option<&str>,
        source: &CopySource<'_>,
    ) -> Result<(), StoreError> {
        let (new, kept) = match grants {
            Directive::Replace(new) => (*new, Acl::default()),
            Directive::Copy => (&[][..], self.get_acl(source.bucket, source.key, source.version).await?),
            Directive::Add(new) => (*new, self.get_acl(source.bucket, source.key, source.version).await?),
        };
        let mut all = kept.grants;
        for grant in new {
            if !all.contains(grant) {
                all.push(grant.clone());
            }
        }
        let canned = canned.or(kept.canned.as_deref());
        rules::check_grants(&all, canned).map_err(|fail| fail.about(source.bucket, source.key))?;
        self.write_acl(call, &all, canned)
    }
}

/// The canned list that grants a group something besides what `canned` grants: COS has no other way to name a group.
fn canned_with_group<'a>(canned: Option<&'a str>, group: &str, permission: &str) -> Result<&'a str, StoreError> {
    let refuse = |reason: String| Err(StoreError::new(ErrorKind::InvalidArgument, reason));
    let everybody = match permission {
        "READ" if group.ends_with(ALL_USERS) => true,
        "READ" if group.ends_with(AUTHENTICATED_USERS) => false,
        _ => return refuse(format!("the group {group:?} cannot be granted {permission} here")),
    };
    match canned {
        None | Some("private" | "authenticated-read") if everybody => Ok("public-read"),
        None | Some("private" | "authenticated-read") => Ok("authenticated-read"),
        Some("public-read") => Ok("public-read"),
        Some(other) => {
            refuse(format!("the group {group:?} cannot be granted {permission} besides the canned list {other:?} here"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_widens_the_canned_list_or_is_refused() {
        let all = "http://cam.qcloud.com/groups/global/AllUsers";
        let some = "http://cam.qcloud.com/groups/global/AuthenticatedUsers";
        for (canned, group, expected) in [
            (None, all, Some("public-read")),
            (Some("private"), all, Some("public-read")),
            (Some("authenticated-read"), all, Some("public-read")),
            (Some("public-read"), some, Some("public-read")),
            (None, some, Some("authenticated-read")),
            (Some("bucket-owner-read"), all, None),
            (Some("default"), all, None),
            (None, "http://cam.qcloud.com/groups/global/Others", None),
        ] {
            assert_eq!(canned_with_group(canned, group, "READ").ok(), expected, "{canned:?} {group}");
        }
        assert!(canned_with_group(None, all, "FULL_CONTROL").is_err());
    }
}
