//! Our reader of manifests, as the engine drives it.

use std::io::Read;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use cos_batch_engine::{
    manifest::{Columns, Cut, Indexer, Inflated, Inflater, Step},
    spec::Column,
};

use super::text;

/// Bytes that are given at a time.
pub(super) const CHUNK: usize = 256 * 1024;

/// Columns of [`text::plain`].
const PLAIN: [Column; 2] = [Column::Bucket, Column::Key];

/// Columns of [`text::inventory`].
const INVENTORY: [Column; 6] =
    [Column::Appid, Column::Bucket, Column::Key, Column::Ignore, Column::Ignore, Column::Ignore];

fn feed(indexer: &mut Indexer, mut input: &[u8], end: bool) -> anyhow::Result<()> {
    loop {
        match indexer.step(&mut input, end).map_err(|error| anyhow::anyhow!("{error:?}"))? {
            Step::More | Step::End => return Ok(()),
            _ => {}
        }
    }
}

/// Checks and cuts a text of [`text::plain`] so many times over, as if it were one manifest; the number of its rows.
///
/// # Errors
///
/// If a row is refused.
pub(super) fn plain(text: &[u8], times: u64) -> anyhow::Result<u64> {
    let mut indexer = Indexer::new(Columns::new(&PLAIN).context("these columns do")?, Cut::default(), u64::MAX);
    for _ in 0..times {
        text.chunks(CHUNK).try_for_each(|chunk| feed(&mut indexer, chunk, false))?;
    }
    feed(&mut indexer, &[], true)?;
    Ok(indexer.rows())
}

/// Checks and cuts rows of [`text::plain`] that are made as they are read; the number of its rows.
///
/// # Errors
///
/// If a row is refused.
pub fn made(rows: u64) -> anyhow::Result<u64> {
    /// Rows that are made at a time.
    const STEP: u64 = 4096;
    let mut indexer = Indexer::new(Columns::new(&PLAIN).context("these columns do")?, Cut::default(), u64::MAX);
    let (mut chunk, mut done) = (Vec::new(), 0);
    while done < rows {
        let next = rows.min(done + STEP);
        chunk.clear();
        text::plain(done..next, &mut chunk);
        feed(&mut indexer, &chunk, false)?;
        done = next;
    }
    feed(&mut indexer, &[], true)?;
    Ok(indexer.rows())
}

/// Decompresses, checks and cuts a file of [`text::inventory`]; the number of its rows.
///
/// # Errors
///
/// If it cannot be decompressed, or a row is refused.
pub(super) fn inventory(file: &Bytes) -> anyhow::Result<u64> {
    let columns = Columns::of_inventory(&INVENTORY).context("these columns do")?;
    let (mut indexer, mut inflater) = (Indexer::new(columns, Cut::default(), u64::MAX), Inflater::default());
    let mut out = vec![0; CHUNK];
    inflater.feed(file.clone());
    inflater.finish();
    while let Inflated::Bytes(count) = inflater.read(&mut out).map_err(|error| anyhow::anyhow!("{error:?}"))? {
        feed(&mut indexer, &out[..count], false)?;
    }
    feed(&mut indexer, &[], true)?;
    Ok(indexer.rows())
}

/// Decompresses a file with the same library, and does nothing else; the number of its bytes.
///
/// # Errors
///
/// If it cannot be decompressed.
pub(super) fn inflated(file: &[u8]) -> anyhow::Result<u64> {
    let (mut reader, mut out, mut total) = (flate2::read::MultiGzDecoder::new(file), vec![0; CHUNK], 0);
    loop {
        let count = reader.read(&mut out)?;
        total += count as u64;
        if count == 0 {
            ensure!(total > 0, "the file is not empty");
            return Ok(total);
        }
    }
}
