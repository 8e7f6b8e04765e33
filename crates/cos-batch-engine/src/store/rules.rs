//! What every store checks alike. For those who write a [`JobStore`](crate::JobStore).

use std::{collections::BTreeMap, time::Duration};

use super::{CODES_MAX, Checkpoint, Cursor, FileOutcome, JobChange, OTHER_CODE, ResultFile, Shard, StoreError};
use crate::clock::UnixMillis;

/// No count, row number or offset may be above this: databases keep them as signed 64-bit integers.
pub const COUNT_MAX: u64 = i64::MAX.unsigned_abs();

/// When a lease that begins now runs out.
#[must_use]
pub fn deadline(now: UnixMillis, ttl: Duration) -> UnixMillis {
    now.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
}

/// Checks a change of a job.
///
/// # Errors
/// `Misuse`.
pub fn check_change(change: &JobChange) -> Result<(), StoreError> {
    if change.total.is_some_and(|total| total > COUNT_MAX) {
        return Err(StoreError::Misuse("the number of tasks is out of range"));
    }
    Ok(())
}

/// Checks a shard that is to be added.
///
/// # Errors
/// `Misuse`.
pub fn check_shard(shard: &Shard) -> Result<(), StoreError> {
    if shard.rows == 0 {
        return Err(StoreError::Misuse("a shard has at least one row"));
    }
    if shard.first_row.checked_add(shard.rows).is_none_or(|end| end > COUNT_MAX) {
        return Err(StoreError::Misuse("a row number of a shard is out of range"));
    }
    let bytes = shard.source.bytes();
    if bytes.start > bytes.end || bytes.end > COUNT_MAX {
        return Err(StoreError::Misuse("the bytes of a shard are out of range"));
    }
    Ok(())
}

/// Checks what is said to have come of a file.
///
/// # Errors
/// `Misuse`.
pub fn check_outcome(outcome: &FileOutcome) -> Result<(), StoreError> {
    let FileOutcome::Index(index) = outcome else { return Ok(()) };
    if index.pieces.iter().any(|piece| piece.rows == 0) {
        return Err(StoreError::Misuse("a piece of a file has at least one row"));
    }
    if index.pieces.iter().any(|piece| piece.start > piece.end || piece.end > COUNT_MAX) {
        return Err(StoreError::Misuse("the bytes of a piece are out of range"));
    }
    if index.rows() > COUNT_MAX {
        return Err(StoreError::Misuse("the rows of a file are out of range"));
    }
    Ok(())
}

/// Checks a step of a shard that stands at `cursor` and is held with `epoch`.
///
/// # Errors
/// `Misuse`.
pub fn check_step(
    shard: &Shard,
    epoch: u64,
    cursor: Cursor,
    next_segment: u32,
    step: &Checkpoint,
) -> Result<(), StoreError> {
    let bytes = shard.source.bytes();
    let Some(advance) = step.cursor.rows.checked_sub(cursor.rows) else {
        return Err(StoreError::Misuse("a cursor never goes back"));
    };
    if step.cursor.offset < cursor.offset {
        return Err(StoreError::Misuse("the offset of a cursor never goes back"));
    }
    if step.cursor.rows > shard.rows || step.cursor.offset > bytes.end.saturating_sub(bytes.start) {
        return Err(StoreError::Misuse("a cursor stays within its shard"));
    }
    if step.succeeded.checked_add(step.failed) != Some(advance) {
        return Err(StoreError::Misuse("the counts of a step are the rows that it advances"));
    }
    if step.codes.values().try_fold(0u64, |sum, tasks| sum.checked_add(*tasks)) != Some(step.failed) {
        return Err(StoreError::Misuse("the error codes of a step add up to its failed tasks"));
    }
    if step.report_bytes > COUNT_MAX {
        return Err(StoreError::Misuse("the bytes of a step's report are out of range"));
    }
    if let Some(segment) = &step.segment {
        if segment.number != next_segment {
            return Err(StoreError::Misuse("segments of a shard are numbered without gaps"));
        }
        if segment.shard != shard.index || segment.epoch != epoch {
            return Err(StoreError::Misuse("a segment names the shard and the epoch of the lease"));
        }
        if segment.succeeded_rows > COUNT_MAX || segment.failed_rows > COUNT_MAX {
            return Err(StoreError::Misuse("the rows of a segment are out of range"));
        }
    }
    Ok(())
}

/// Checks report files that are to be recorded together; with `shard`, all must be of that one.
///
/// # Errors
/// `Misuse`.
pub fn check_results(results: &[ResultFile], shard: Option<u32>) -> Result<(), StoreError> {
    let mut seen = std::collections::BTreeSet::new();
    for result in results {
        if shard.is_some_and(|shard| shard != result.shard) {
            return Err(StoreError::Misuse("a finished shard records its own report files only"));
        }
        if !seen.insert((result.shard, result.failed)) {
            return Err(StoreError::Misuse("a shard has one report file of each kind"));
        }
        if result.rows > COUNT_MAX {
            return Err(StoreError::Misuse("the rows of a report file are out of range"));
        }
    }
    Ok(())
}

/// The new totals of the error codes that a step touches: beyond [`CODES_MAX`] codes, new ones are counted under
/// [`OTHER_CODE`] (which is not one of the `CODES_MAX`).
#[must_use]
pub fn add_codes(known: &BTreeMap<String, u64>, step: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut free = CODES_MAX.saturating_sub(known.keys().filter(|code| *code != OTHER_CODE).count());
    let mut changed = BTreeMap::<String, u64>::new();
    for (code, tasks) in step.iter().filter(|(_, tasks)| **tasks > 0) {
        let code = if code == OTHER_CODE || known.contains_key(code) {
            code.as_str()
        } else if free > 0 {
            free -= 1;
            code.as_str()
        } else {
            OTHER_CODE
        };
        let total = changed.entry(code.to_owned()).or_insert_with(|| known.get(code).copied().unwrap_or(0));
        *total = total.saturating_add(*tasks);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ShardSource;

    fn shard(start: u64, end: u64, first_row: u64, rows: u64) -> Shard {
        Shard { index: 3, source: ShardSource::Bytes { start, end }, first_row, rows }
    }

    #[test]
    fn shards_stay_within_signed_integers() {
        assert!(check_shard(&shard(0, COUNT_MAX, 0, COUNT_MAX)).is_ok());
        assert!(check_shard(&shard(0, COUNT_MAX + 1, 0, 1)).is_err());
        assert!(check_shard(&shard(0, 1, 1, COUNT_MAX)).is_err());
        assert!(check_shard(&shard(0, 1, u64::MAX, 1)).is_err());
        assert!(check_shard(&shard(2, 1, 0, 1)).is_err());
        assert!(check_shard(&shard(0, 1, 0, 0)).is_err());
    }

    #[test]
    fn counts_that_overflow_are_no_match() {
        let step = Checkpoint {
            cursor: Cursor { rows: 1, offset: 1 },
            succeeded: u64::MAX,
            failed: 2,
            codes: BTreeMap::from([("A".to_owned(), u64::MAX), ("B".to_owned(), 3)]),
            segment: None,
            report_bytes: 0,
        };
        assert!(matches!(
            check_step(&shard(0, 9, 0, 9), 1, Cursor::default(), 0, &step),
            Err(StoreError::Misuse("the counts of a step are the rows that it advances"))
        ));
    }

    #[test]
    fn codes_beyond_the_limit_are_counted_together() {
        let step: BTreeMap<_, _> = (0..CODES_MAX + 2).map(|n| (format!("Code{n:03}"), 2)).collect();
        let mut known = add_codes(&BTreeMap::new(), &step);
        assert_eq!(known.len(), CODES_MAX + 1);
        assert_eq!(known[OTHER_CODE], 4);

        known.extend(add_codes(&known, &BTreeMap::from([("Code000".to_owned(), 1), ("New".to_owned(), 5)])));
        assert_eq!(known.len(), CODES_MAX + 1);
        assert_eq!((known["Code000"], known[OTHER_CODE]), (3, 9));
    }

    #[test]
    fn codes_of_no_task_are_not_kept() {
        assert!(add_codes(&BTreeMap::new(), &BTreeMap::from([("A".to_owned(), 0)])).is_empty());
    }

    #[test]
    fn a_lease_without_end_does_not_overflow() {
        assert_eq!(deadline(5, Duration::MAX), i64::MAX);
        assert_eq!(deadline(5, Duration::from_millis(7)), 12);
    }
}
