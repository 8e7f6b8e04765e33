//! What other jobs in the store cost a job that runs.

use std::{
    fmt::Write as _,
    process::{Command, Stdio},
};

use anyhow::ensure;
use cos_batch_figures::{Chart, Goal, Row, Scale, Series, Spread};
use cos_batch_load::jobs::APPID;
use md5::{Digest as _, Md5};

use crate::{
    Outcome, Settings,
    api::Bed,
    child::{READY, Server},
};

/// Jobs in the store beside the one that runs: half of them complete, half waiting for somebody to confirm them, which are
/// the ones that the engine has to look past.
const STORED: [usize; 5] = [0, 10, 100, 1000, 9998];

/// Rows of the job.
const ROWS: usize = 50_000;

/// Sources; rows name them again and again.
const FILES: usize = 1000;

/// A row and its chart, for the group on growth.
///
/// # Errors
///
/// What cannot be built, started or run.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let rows = settings.pick(ROWS, 2000);
    let rounds = settings.rounds.min(5);
    settings.programs(&["cos-batch-nullstore"])?;
    let mut values = vec![Vec::new(); STORED.len()];
    for round in 0..rounds {
        for step in 0..STORED.len() {
            let index = if round % 2 == 0 { step } else { STORED.len() - 1 - step };
            values[index].push(job(settings, STORED[index], rows)?);
        }
    }
    let spreads: Vec<Spread> = values.into_iter().map(Spread::new).collect();
    let name = |stored: usize| format!("{} job{} in the store", stored + 1, if stored == 0 { "" } else { "s" });
    let (most, least) = (STORED[STORED.len() - 1], name(STORED[0]));
    let mut row = Row::new(
        format!("Copy {rows} objects behind HTTP with {}", name(most)),
        "µs CPU per object",
        spreads[STORED.len() - 1].clone(),
    );
    for (stored, spread) in STORED.iter().zip(&spreads).take(STORED.len() - 1) {
        row = row.limit(name(*stored), spread.clone());
    }
    let points = STORED.iter().zip(&spreads).map(|(stored, spread)| ((stored + 1) as f64, spread.median())).collect();
    let chart = Chart {
        file: "growth-jobs".to_owned(),
        title: "What a copy costs, by the jobs in the store".to_owned(),
        across: "jobs in the store".to_owned(),
        up: "µs CPU per object".to_owned(),
        across_scale: Scale::Logarithmic,
        up_scale: Scale::Linear,
        series: vec![Series { name: "cos-batch serve".to_owned(), points }],
    };
    // As good as the same, in the noise of a machine.
    let row = row.goal(Goal::at_most_times(1.1, least));
    Ok(Outcome { rows: vec![row], charts: vec![chart], ..Outcome::default() })
}

/// Processor time of the server for each object of one job, in microseconds, the making and preparing of the job included.
fn job(settings: &Settings, stored: usize, rows: usize) -> anyhow::Result<f64> {
    let bed = Bed::with(settings, stored - stored / 2, stored / 2)?;
    let store = Server::start(&mut Command::new(bed.program("cos-batch-nullstore")), READY)?;
    let source = format!("src-{APPID}");
    let target = format!("dst-{APPID}");
    let manifest = (0..rows).fold(String::new(), |mut text, row| {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{source},in/{:04}.txt", row % FILES);
        text
    });
    let etag = Md5::digest(&manifest).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    cos_batch_load::run::put(&store.address, &format!("/{source}/all.csv"), manifest)?;
    let server = bed.serve_with_store(&store.address, &[&source, &target])?;
    let mut create = Command::new(bed.program("cos-batch"));
    create.env("COS_BATCH_ENDPOINT", format!("http://{}", server.address)).env("COS_CREDENTIALS", bed.keys());
    create.args(["create", "--wait", "--operation", "copy", "--target", &target, "--etag", &etag]);
    create.args(["--manifest", &format!("{source}/all.csv"), "--format", "COSBatchOperations_CSV_V1"]);
    create.args(["--report-bucket", &target, "--report-prefix", "reports"]);
    // Beside what serving takes when nobody asks for anything.
    let before = server.cpu_seconds()?;
    let status = create.stdout(Stdio::null()).status()?;
    ensure!(status.success(), "the job did not succeed: {status}");
    Ok((server.cpu_seconds()? - before) * 1e6 / rows as f64)
}
