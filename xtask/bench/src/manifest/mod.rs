//! Reading manifests: lists as people write them, and compressed inventories.

mod index;
mod text;

use std::{fs, hint::black_box, io::Write as _, process::Command};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use cos_batch_figures::{Chart, Goal, Row, Scale, Series, Spread};
use flate2::{Compression, write::GzEncoder};

pub use index::made;

use crate::{
    Outcome, Settings, child, cpu,
    growth::count,
    rounds::{Round, alternate},
};

/// Rows that are read in one round.
const ROWS: u64 = 10_000_000;

/// Rows of the texts in memory, which are read again and again.
const ROWS_OF_TEXT: u64 = 1_000_000;

/// Rows of manifests that are made as they are read, to see how much memory that takes.
const LENGTHS: [u64; 4] = [100_000, 1_000_000, 10_000_000, 100_000_000];

const SCAN: &str = "a scan for line ends";
const CSV: &str = "the `csv` crate, records without text";
const WC: &str = "`wc -l`";
const INFLATE: &str = "decompressing alone, same library";
const GUNZIP: &str = "`gunzip`";

/// Measures the group.
///
/// # Errors
///
/// If a manifest is refused, or a program cannot be run.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let rows = settings.pick(ROWS_OF_TEXT, 20_000);
    let times = settings.pick(ROWS / ROWS_OF_TEXT, 2);
    let scratch = tempfile::tempdir_in(&settings.target)?;
    let mut outcome = Outcome {
        rows: vec![plain(settings, rows, times, scratch.path())?, inventory(settings, rows, times, scratch.path())?],
        ..Outcome::default()
    };
    memory(settings, &mut outcome)?;
    outcome.versions = ["csv", "flate2", "zlib-rs"]
        .into_iter()
        .map(|package| settings.version_of(package))
        .collect::<Result<_, _>>()?;
    Ok(outcome)
}

/// Gigabytes in a second of a core, of work on this many bytes.
fn rate(bytes: usize, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let begin = cpu::own();
    work()?;
    Ok(bytes as f64 / 1e9 / (cpu::own() - begin))
}

fn plain(settings: &Settings, rows: u64, times: u64, scratch: &std::path::Path) -> anyhow::Result<Row> {
    let mut text = Vec::new();
    text::plain(0..rows, &mut text);
    let path = scratch.join("manifest.csv");
    let mut file = fs::File::create(&path)?;
    (0..times).try_for_each(|_| file.write_all(&text))?;
    drop(file);
    let bytes = text.len() * usize::try_from(times)?;
    let text = &text;
    let mut contenders: Vec<Round<'_>> = vec![
        Box::new(|| rate(bytes, || Ok(ensure!(index::plain(text, times)? == rows * times, "each row is counted")))),
        Box::new(|| {
            rate(bytes, || {
                let line_ends =
                    |_| text.chunks(index::CHUNK).map(|chunk| memchr::memchr_iter(b'\n', chunk).count() as u64);
                Ok(ensure!((0..times).flat_map(line_ends).sum::<u64>() == rows * times, "each row is counted"))
            })
        }),
        Box::new(|| {
            rate(bytes, || {
                for _ in 0..times {
                    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
                    let (mut record, mut found) = (csv::ByteRecord::new(), 0);
                    while reader.read_byte_record(&mut record)? {
                        black_box(&record);
                        found += 1;
                    }
                    ensure!(found == rows, "each row is counted");
                }
                Ok(())
            })
        }),
        Box::new(|| Ok(bytes as f64 / 1e9 / child::run(Command::new("wc").arg("-l").arg(&path))?.cpu_seconds)),
    ];
    let mut rates = alternate(settings.rounds, &mut contenders)?.into_iter();
    let mut next = || rates.next().context("one figure for each contender");
    Ok(Row::new(format!("Check and cut a manifest of {} rows", count(rows * times)), "GB/s a core", next()?)
        .limit(SCAN, next()?)
        .peer(CSV, next()?)
        .peer(WC, next()?)
        .goal(Goal::AtLeast(1.0))
        .goal(Goal::at_least_times(1.0, CSV)))
}

fn inventory(settings: &Settings, rows: u64, times: u64, scratch: &std::path::Path) -> anyhow::Result<Row> {
    let mut text = Vec::new();
    text::inventory(0..rows, &mut text);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text)?;
    let compressed = Bytes::from(encoder.finish()?);
    let length = text.len() as u64;
    drop(text);
    let path = scratch.join("inventory.csv.gz");
    fs::write(&path, &compressed)?;
    let cost = |work: &dyn Fn() -> anyhow::Result<()>| {
        let begin = cpu::own();
        (0..times).try_for_each(|_| work())?;
        Ok((cpu::own() - begin) * 1e9 / (rows * times) as f64)
    };
    let file = &compressed;
    let mut contenders: Vec<Round<'_>> = vec![
        Box::new(|| cost(&|| Ok(ensure!(index::inventory(file)? == rows, "each row is counted")))),
        Box::new(|| cost(&|| Ok(ensure!(index::inflated(file)? == length, "each byte is there")))),
        Box::new(|| {
            let mut seconds = 0.0;
            for _ in 0..times {
                seconds += child::run(Command::new("gunzip").arg("-c").arg(&path))?.cpu_seconds;
            }
            Ok(seconds * 1e9 / (rows * times) as f64)
        }),
    ];
    let mut costs = alternate(settings.rounds, &mut contenders)?.into_iter();
    let mut next = || costs.next().context("one figure for each contender");
    let what = format!("Check and cut a compressed inventory: {times} files of {} rows", count(rows));
    Ok(Row::new(what, "ns CPU a row", next()?)
        .limit(INFLATE, next()?)
        .peer(GUNZIP, next()?)
        .goal(Goal::at_most_times(1.3, GUNZIP)))
}

/// Peak memory of a process that does nothing else, by the number of rows.
fn memory(settings: &Settings, outcome: &mut Outcome) -> anyhow::Result<()> {
    let mut points = Vec::new();
    let mut first = None;
    for rows in settings.pick(LENGTHS, [1_000, 10_000, 100_000, 1_000_000]) {
        let mut peaks = Vec::new();
        for _ in 0..settings.rounds.min(3) {
            let mut index = Command::new(settings.target.join("release/index"));
            peaks.push(child::run(index.arg(rows.to_string()))?.peak_memory as f64 / (1024.0 * 1024.0));
        }
        let peak = Spread::new(peaks);
        points.push((rows as f64, peak.median()));
        let row = Row::new(format!("Peak memory while {} rows are checked and cut", count(rows)), "MiB", peak.clone());
        outcome.rows.push(match &first {
            None => row,
            Some((name, spread)) => {
                let name: &String = name;
                row.limit(name.clone(), Spread::clone(spread)).goal(Goal::at_most_times(1.05, name.clone()))
            }
        });
        first.get_or_insert((format!("{} rows", count(rows)), peak));
    }
    outcome.charts.push(Chart {
        file: "manifest-memory".to_owned(),
        title: "Peak memory of reading a manifest by the number of its rows".to_owned(),
        across: "rows".to_owned(),
        up: "MiB".to_owned(),
        across_scale: Scale::Logarithmic,
        up_scale: Scale::Linear,
        series: vec![Series { name: "process".to_owned(), points }],
    });
    Ok(())
}
