//! One copy in parts under way.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cos_batch_objectstore::{
    CompleteRequest, CompletedPart, CopySource, ErrorKind, ObjectMeta, ObjectStore, PartCopyRequest, StoreError,
    VersionSelector,
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::Instant;

use super::{
    Large, Left,
    patience::{Patience, retried},
};
use crate::{
    runtime::{
        gate::Slot,
        line::Line,
        stop::{Level, Stop},
        uploads::Upload,
    },
    task::{
        Outcome, Task,
        parts::Plan,
        retry::{self, Class},
    },
};

/// Parts of one object in flight at most, if there are slots for them: enough to hide what a request takes, few enough
/// that one object does not take all slots.
const PARTS_IN_FLIGHT: usize = 8;

/// How long the copy of one part may take. Stores copy some hundred megabytes a second; the largest part has 5 GB.
const PART_TIME_MAX: Duration = Duration::from_secs(10 * 60);

/// A worker that is asked to make room waits so long for parts that are under way; those that take longer are copied again
/// by whoever goes on.
const YIELD_PATIENCE: Duration = Duration::from_secs(5);

/// Parts listed at once: as many as stores tell.
const PARTS_PER_PAGE: usize = 1000;

/// How an upload ended.
pub(super) enum End {
    /// The object is there.
    Whole,
    /// Somebody else has ended the upload, and the object is not what it would have made.
    Gone,
    /// The object is not there.
    Left(Left),
}

impl End {
    pub(super) fn result(self) -> Result<(), Left> {
        match self {
            Self::Whole => Ok(()),
            Self::Gone => {
                let message = "the upload was ended by somebody else while its parts were copied";
                let kind = ErrorKind::NoSuchUpload;
                Err(Left::Failed(Outcome::failure(kind.status(), kind.code(), message)))
            }
            Self::Left(left) => Err(left),
        }
    }
}

/// The parts that an upload has, if all are such as this plan makes.
pub(super) async fn parts_of(
    store: &Arc<dyn ObjectStore>,
    upload: &Upload,
    plan: Plan,
) -> Result<Vec<CompletedPart>, StoreError> {
    let mut parts = Vec::new();
    let mut after = 0;
    loop {
        let (page, more) = store.list_parts(upload.named(), after, PARTS_PER_PAGE).await?;
        for part in &page {
            let range = plan.range(part.number);
            if !(1..=plan.parts()).contains(&part.number) || part.size != range.end - range.start {
                let message = format!("part {} has {} bytes", part.number, part.size);
                return Err(StoreError::new(ErrorKind::InvalidPart, message));
            }
            parts.push(CompletedPart { number: part.number, etag: part.etag.clone() });
        }
        match page.last() {
            Some(last) if more => after = last.number,
            _ => return Ok(parts),
        }
    }
}

/// One copy under way.
pub(super) struct Copying<'a> {
    pub(super) large: &'a Large,
    pub(super) store: &'a Arc<dyn ObjectStore>,
    pub(super) task: &'a Task,
    pub(super) stop: &'a Stop,
    pub(super) line: &'a Line,
    /// The version that is copied.
    pub(super) version: &'a VersionSelector,
    pub(super) source: &'a ObjectMeta,
    pub(super) plan: Plan,
    /// When a part was copied last.
    pub(super) moved: Mutex<Option<Instant>>,
}

impl<'a> Copying<'a> {
    /// Copies all parts but those that are there, and puts them together. Another holder of the row may have done so, or do it now.
    pub(super) async fn finish(&self, upload: &Upload, there: Vec<CompletedPart>) -> End {
        let result = match self.parts(upload, there).await {
            Ok(mut parts) => {
                parts.sort_by_key(|part| part.number);
                self.complete(upload, &parts).await
            }
            Err(left) => Err(left),
        };
        match result {
            Ok(()) => End::Whole,
            Err(Left::Refused(error, _)) if error.kind() == ErrorKind::NoSuchUpload => {
                match retried(&self.large.gate, self.stop, || self.look(upload)).await {
                    Ok(true) => End::Whole,
                    Ok(false) => End::Gone,
                    Err(left) => End::Left(left),
                }
            }
            Err(left) => End::Left(left),
        }
    }

    async fn complete(&self, upload: &Upload, parts: &[CompletedPart]) -> Result<(), Left> {
        let mut patience = Patience::new(u64::from(u16::MAX));
        loop {
            self.pass().await?;
            let error = match self.store.complete_multipart(CompleteRequest { upload: upload.named(), parts }).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match patience.pause(self.stop, &self.large.gate, error, None).await {
                Ok(()) => {}
                // Its answer may have been lost. There is no time for more than one look.
                Err(Left::Stopped) if self.look(upload).await.unwrap_or(false) => return Ok(()),
                Err(left) => return Err(left),
            }
        }
    }

    /// What each request passes that changes something. None begins after a stop, however long it waited here, nor while somebody else
    /// may have the row by now.
    async fn pass(&self) -> Result<(), Left> {
        tokio::select! {
            biased;
            () = self.stop.above(Level::Yield) => return Err(Left::Stopped),
            () = self.large.gate.pass() => {}
        }
        self.leased().await
    }

    /// Waits for the row to be nobody else's.
    pub(super) async fn leased(&self) -> Result<(), Left> {
        tokio::select! {
            biased;
            () = self.stop.above(Level::Yield) => Err(Left::Stopped),
            () = self.line.leased() => Ok(()),
        }
    }

    /// Has completing made the target what it is?
    async fn look(&self, upload: &Upload) -> Result<bool, StoreError> {
        match self.store.head(&upload.bucket, &upload.key, &VersionSelector::Latest).await {
            Ok(target) => Ok(upload.has_made(&target)),
            Err(error) if retry::classify(&error) == Class::Permanent => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Copies the parts that are not there, several at a time as far as there are slots.
    async fn parts(&self, upload: &Upload, there: Vec<CompletedPart>) -> Result<Vec<CompletedPart>, Left> {
        let known: BTreeSet<u16> = there.iter().map(|part| part.number).collect();
        let mut done = there;
        let mut in_flight = FuturesUnordered::new();
        let mut numbers = (1..=self.plan.parts()).filter(|number| !known.contains(number));
        let mut next = numbers.next();
        let leave = async {
            self.stop.above(Level::Run).await;
            tokio::select! {
                biased;
                () = tokio::time::sleep(YIELD_PATIENCE) => {}
                () = self.stop.above(Level::Yield) => {}
            }
        };
        let mut leave = std::pin::pin!(leave);
        loop {
            while let Some(number) = next
                && in_flight.len() < PARTS_IN_FLIGHT
                && self.stop.level() == Level::Run
            {
                // The task's own slot is for one part; each further one needs a slot that nobody else wants now.
                let slot = if in_flight.is_empty() { None } else { self.large.gate.spare() };
                if slot.is_none() && !in_flight.is_empty() {
                    break;
                }
                in_flight.push(self.part(upload, number, slot));
                next = numbers.next();
            }
            tokio::select! {
                biased;
                part = in_flight.next() => match part {
                    Some(part) => done.push(part?),
                    None if next.is_none() => return Ok(done),
                    None => return Err(Left::Stopped),
                },
                () = &mut leave => return Err(Left::Stopped),
            }
        }
    }

    /// Copies one part, with retries.
    async fn part(&self, upload: &Upload, number: u16, _slot: Option<Slot>) -> Result<CompletedPart, Left> {
        // Consistent after every statement.
        let moved = || self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut patience = Patience::new(u64::from(number));
        loop {
            self.pass().await?;
            let copy = self.store.upload_part_copy(PartCopyRequest {
                upload: upload.named(),
                number,
                source: CopySource { bucket: &self.task.bucket, key: &self.task.key, version: self.version },
                range: Some(self.plan.range(number)),
                source_etag: Some(&self.source.etag),
            });
            let error = match tokio::time::timeout(PART_TIME_MAX, copy).await {
                Ok(Ok(part)) => {
                    *moved() = Some(Instant::now());
                    self.line.answered();
                    return Ok(CompletedPart { number, etag: part.etag });
                }
                Ok(Err(error)) if error.kind() == ErrorKind::PreconditionFailed => {
                    let message = "the object changed while it was copied in parts";
                    let kind = error.kind();
                    return Err(Left::Failed(Outcome::failure(kind.status(), kind.code(), message)));
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    let seconds = PART_TIME_MAX.as_secs();
                    let message = format!("part {number} was not copied within {seconds} seconds");
                    return Err(Left::Refused(StoreError::new(ErrorKind::RequestTimeout, message), 1));
                }
            };
            let last = *moved();
            patience.pause(self.stop, &self.large.gate, error, last).await?;
        }
    }
}
