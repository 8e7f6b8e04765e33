//! Legal holds and retentions (S3 Object Lock).

use http::{HeaderName, Method};

use super::{check_version, document, with_read_version};
use crate::{
    ErrorKind, LegalHoldRequest, ObjectLock, Retention, RetentionMode, RetentionRequest, StoreError, VersionSelector,
    http::{
        Inner,
        call::{Answer, Call},
        xml::Writer,
    },
};

/// Codes that say that an object has nothing of the kind: one of S3, and two of SeaweedFS.
const NONE: [&str; 3] =
    ["NoSuchObjectLockConfiguration", "NoSuchObjectLegalHold", "ObjectLockConfigurationNotFoundError"];

/// The header that says that a retention in the mode GOVERNANCE may be made weaker.
static BYPASS: HeaderName = HeaderName::from_static("x-amz-bypass-governance-retention");

impl Inner {
    /// COS has no word for either.
    fn check_locks(&self, what: &str) -> Result<(), StoreError> {
        if self.capabilities.lock {
            return Ok(());
        }
        Err(StoreError::new(ErrorKind::NotImplemented, format!("this object store cannot {what}")))
    }

    pub(crate) async fn put_legal_hold(&self, request: &LegalHoldRequest<'_>) -> Result<(), StoreError> {
        let LegalHoldRequest { bucket, key, version, on } = request;
        self.check_locks("put_legal_hold")?;
        check_version(version)?;
        let body = Writer::document("LegalHold", self.dialect.namespace(), |root| {
            root.text("Status", if *on { "ON" } else { "OFF" });
        });
        let call = Call::object(Method::PUT, bucket, key).flag("legal-hold").version(version);
        let done = self.order(call.document(body).repeatable()).await;
        done.map(drop).map_err(|error| with_read_version(error, version))
    }

    pub(crate) async fn put_retention(&self, request: &RetentionRequest<'_>) -> Result<(), StoreError> {
        let RetentionRequest { bucket, key, version, retention, bypass_governance } = request;
        self.check_locks("put_retention")?;
        check_version(version)?;
        let until = retention.as_ref().map(|retention| written(retention.until)).transpose()?;
        let body = Writer::document("Retention", self.dialect.namespace(), |root| {
            if let (Some(retention), Some(until)) = (retention, &until) {
                root.text("Mode", retention.mode.name());
                root.text("RetainUntilDate", until);
            }
        });
        let mut call = Call::object(Method::PUT, bucket, key).flag("retention").version(version).repeatable();
        if *bypass_governance {
            call.header(&BYPASS, "true")?;
        }
        let done = self.order(call.document(body)).await;
        done.map(drop).map_err(|error| with_read_version(error, version))
    }

    pub(crate) async fn get_lock(
        &self,
        bucket: &str,
        key: &str,
        version: &VersionSelector,
    ) -> Result<ObjectLock, StoreError> {
        self.check_locks("get_lock")?;
        let mut lock = ObjectLock::default();
        if let Some(answer) = self.ask_lock("legal-hold", bucket, key, version).await? {
            document(&answer, "LegalHold", |path, text| {
                if path == "LegalHold/Status" {
                    lock.legal_hold = text == "ON";
                }
            })?;
        }
        if let Some(answer) = self.ask_lock("retention", bucket, key, version).await? {
            let (mut mode, mut until) = (String::new(), String::new());
            document(&answer, "Retention", |path, text| match path {
                "Retention/Mode" => text.clone_into(&mut mode),
                "Retention/RetainUntilDate" => text.clone_into(&mut until),
                _ => {}
            })?;
            if !mode.is_empty() || !until.is_empty() {
                let read = RetentionMode::of_name(&mode).zip(until.parse::<jiff::Timestamp>().ok());
                let (mode, until) =
                    read.ok_or_else(|| answer.nonsense("it has no mode, or no date, of a retention"))?;
                lock.retention = Some(Retention { mode, until: until.as_second() });
            }
        }
        Ok(lock)
    }

    /// None: there is nothing of the kind.
    async fn ask_lock(
        &self,
        what: &str,
        bucket: &str,
        key: &str,
        version: &VersionSelector,
    ) -> Result<Option<Answer>, StoreError> {
        check_version(version)?;
        match self.send(Call::object(Method::GET, bucket, key).flag(what).version(version)).await {
            // Some have nothing to say then.
            Ok(answer) => Ok(Some(answer).filter(|answer| !answer.body.trim_ascii().is_empty())),
            Err(error) if NONE.contains(&error.code().as_ref()) => Ok(None),
            Err(error) => Err(with_read_version(error, version)),
        }
    }
}

/// A moment as it is sent.
fn written(seconds: i64) -> Result<String, StoreError> {
    let moment = jiff::Timestamp::from_second(seconds);
    let illegal = |_| StoreError::new(ErrorKind::InvalidArgument, format!("{seconds} is no moment of a retention"));
    moment.map(|moment| moment.to_string()).map_err(illegal)
}
