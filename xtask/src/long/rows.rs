//! `cargo xtask long rows`: one job over very many rows, end to end, and what memory the server took for it.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::{ValueEnum, builder::PossibleValue};
use flate2::{Compression, write::GzEncoder};
use md5::{Digest as _, Md5};
use xshell::{Shell, cmd};

use crate::{listener::Listener, target};

/// Most memory that the server may take at its peak, whatever the number of rows.
const PEAK_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// How much higher the peak may be for the largest job than for the smallest, in percent: an allocator does not give everything
/// back, and the system drops pages of the program's text as it likes.
const GROWTH_PERCENT_MAX: u64 = 10;

/// How much more memory of its own, without pages of files, the server may hold for the largest job than for the smallest.
const OWN_GROWTH_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Objects in one folder of the source.
const FOLDER_ROWS: u64 = 1000;

/// So many names lead to one file: a run measures the job and not the making of millions of files. File systems count the
/// names of a file, up to some ten thousand of them.
const FILE_NAMES: u64 = 10_000;

/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

const SOURCE: &str = "photos-1250000000";
const TARGET: &str = "copies-1250000000";
const MANIFEST: &str = "lists/all.csv";
const LIST: &str = "lists/manifest.json";
const CHECKSUM: &str = "lists/manifest.checksum";
const DATA: &str = "lists/data.csv.gz";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rows of each job; a server of its own for each.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    rows: Vec<u64>,
    /// Where the objects are.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Objects::Folder, Objects::Null])]
    objects: Vec<Objects>,
    /// What lists the objects.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Format::Csv])]
    format: Vec<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A CSV of current objects.
    Csv,
    /// A compressed inventory of all versions; every second row is of an old one, whose task fails.
    Inventory,
}

/// Objects that list objects, the first of which a job names.
struct Lists {
    files: Vec<(String, Vec<u8>)>,
    format: &'static str,
    /// How the program that waits for the job ends.
    exit: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Objects {
    /// In the server's own folder.
    Folder,
    /// In a store over HTTP that answers at once and does nothing.
    Null,
}

/// What one job took.
struct Taken {
    rows: u64,
    seconds: f64,
    processor_seconds: f64,
    peak: u64,
    /// The most that was seen of the server's own memory.
    own: u64,
}

/// Runs the jobs, prints what they took, and fails if one took too much.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    cmd!(shell, "cargo build --release --quiet -p cos-batch -p cos-batch-nullstore").run()?;
    let programs = target(root).join("release");
    let name = |value: Option<PossibleValue>| value.map_or_else(String::new, |value| value.get_name().to_owned());
    let all = arguments.objects.iter().flat_map(|objects| arguments.format.iter().map(move |format| (objects, format)));
    for (objects, format) in all {
        let (where_, what) = (name(objects.to_possible_value()), name(format.to_possible_value()));
        println!("objects: {where_}, format: {what}");
        println!(
            "{:>12} {:>9} {:>9} {:>12} {:>9} {:>9}",
            "rows", "seconds", "CPU s", "CPU µs/row", "peak MiB", "own MiB"
        );
        let mut all = Vec::new();
        for rows in &arguments.rows {
            // Removing so many files takes longer than the job, on some disks by far: what it took is told before.
            let place = tempfile::tempdir()?;
            let taken = job(&programs, place.path(), *objects, *format, *rows)?;
            println!(
                "{:>12} {:>9.1} {:>9.1} {:>12.1} {:>9.1} {:>9.1}",
                taken.rows,
                taken.seconds,
                taken.processor_seconds,
                taken.processor_seconds * 1e6 / taken.rows as f64,
                taken.peak as f64 / 1024.0 / 1024.0,
                taken.own as f64 / 1024.0 / 1024.0
            );
            all.push(taken);
        }
        check(&all)?;
    }
    Ok(())
}

/// The peak is bounded, and does not grow with the rows.
fn check(all: &[Taken]) -> anyhow::Result<()> {
    for taken in all {
        ensure!(
            taken.peak <= PEAK_BYTES_MAX,
            "a job of {} rows took {} bytes of memory, more than {PEAK_BYTES_MAX}",
            taken.rows,
            taken.peak
        );
    }
    let (Some(least), Some(most)) = (all.iter().min_by_key(|t| t.rows), all.iter().max_by_key(|t| t.rows)) else {
        bail!("--rows names no job");
    };
    ensure!(
        most.peak * 100 <= least.peak * (100 + GROWTH_PERCENT_MAX),
        "a job of {} rows took {} bytes of memory, one of {} rows {}",
        least.rows,
        least.peak,
        most.rows,
        most.peak
    );
    ensure!(
        most.own <= least.own + OWN_GROWTH_BYTES_MAX,
        "for a job of {} rows the server held {} bytes of memory of its own, for one of {} rows {}",
        least.rows,
        least.own,
        most.rows,
        most.own
    );
    Ok(())
}

/// One job from beginning to end, on a server of its own.
fn job(programs: &Path, place: &Path, objects: Objects, format: Format, rows: u64) -> anyhow::Result<Taken> {
    let data = place.join("data");
    let lists = match format {
        Format::Csv => csv(rows),
        Format::Inventory => inventory(rows)?,
    };
    let mut serve = Command::new(programs.join("cos-batch"));
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"]).arg(&data);
    // Held until the job is through.
    let _store = match objects {
        Objects::Folder => {
            fill(&data, &lists, rows)?;
            None
        }
        Objects::Null => {
            let store = Listener::start(&mut Command::new(programs.join("cos-batch-nullstore")))?;
            for (key, body) in &lists.files {
                store.put(&format!("/{SOURCE}/{key}"), body)?;
            }
            let config = place.join("config.toml");
            fs::write(&config, config_of(&store.address, &[SOURCE, TARGET]))?;
            // It has a key in it, which must be for its owner alone.
            fs::set_permissions(&config, fs::Permissions::from_mode(0o600))?;
            serve.arg("--config").arg(config);
            Some(store)
        }
    };
    let server = Listener::start(&mut serve)?;
    let (manifest, body) = lists.files.first().context("a job has a manifest")?;
    let etag = md5(body);
    let begin = Instant::now();
    let mut create = Command::new(programs.join("cos-batch"));
    create.env("COS_BATCH_ENDPOINT", format!("http://{}", server.address));
    create.env("COS_CREDENTIALS", data.join("credentials.toml"));
    create.args(["create", "--wait", "--operation", "copy", "--target", TARGET, "--etag", &etag]);
    create.args(["--manifest", &format!("{SOURCE}/{manifest}"), "--format", lists.format]);
    create.args(["--report-bucket", TARGET, "--report-prefix", "reports"]);
    let (output, own) = watched(&mut create, &server)?;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.code() == Some(lists.exit), "the job did not succeed: {said}{complained}");
    Ok(Taken {
        rows,
        seconds: begin.elapsed().as_secs_f64(),
        processor_seconds: server.processor_seconds()?,
        peak: server.peak_memory()?,
        own,
    })
}

/// Runs a client to its end, and gives the most memory of its own that the server was seen with meanwhile.
fn watched(client: &mut Command, server: &Listener) -> anyhow::Result<(Output, u64)> {
    let (ends, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let looking = scope.spawn(move || {
            let mut most = 0;
            // The other end is dropped when the client has ended.
            while ended.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
                most = most.max(server.own_memory()?);
            }
            anyhow::Ok(most)
        });
        let output = client.output();
        drop(ends);
        let most = looking.join().map_err(|_| anyhow!("whoever looks at the memory panicked"))??;
        Ok((output?, most))
    })
}

fn md5(body: &[u8]) -> String {
    Md5::digest(body).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn key(row: u64) -> String {
    format!("in/{:05}/{:03}.txt", row / FOLDER_ROWS, row % FOLDER_ROWS)
}

fn manifest(rows: u64) -> String {
    (0..rows).fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{SOURCE},{}", key(row));
        text
    })
}

fn csv(rows: u64) -> Lists {
    let files = vec![(MANIFEST.to_owned(), manifest(rows).into_bytes())];
    Lists { files, format: "COSBatchOperations_CSV_V1", exit: 0 }
}

/// Without a version in its row an object is looked for as it is now.
fn inventory(rows: u64) -> anyhow::Result<Lists> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for row in 0..rows {
        writeln!(encoder, "{SOURCE},{},,{},false", key(row), row % 2 == 0)?;
    }
    let list = format!(
        "{{\"sourceBucket\": \"{SOURCE}\", \"fileFormat\": \"CSV\", \"fileSchema\": \"Bucket, Key, VersionId, IsLatest, \
         IsDeleteMarker\", \"files\": [{{\"key\": \"{DATA}\"}}]}}"
    );
    let checksum = md5(list.as_bytes());
    let files = vec![
        (LIST.to_owned(), list.into_bytes()),
        (CHECKSUM.to_owned(), checksum.into_bytes()),
        (DATA.to_owned(), encoder.finish()?),
    ];
    // Complete, and some tasks failed.
    Ok(Lists { files, format: "COSInventoryReport_CSV_V1", exit: 4 })
}

fn fill(data: &Path, lists: &Lists, rows: u64) -> anyhow::Result<()> {
    let buckets = data.join("buckets");
    let source = buckets.join(SOURCE);
    for folder in [source.join("in"), source.join("lists"), buckets.join(TARGET)] {
        fs::create_dir_all(folder)?;
    }
    for (key, body) in &lists.files {
        fs::write(source.join(key), body)?;
    }
    let mut file = source.clone();
    for row in 0..rows {
        let path = source.join(key(row));
        if row % FOLDER_ROWS == 0 {
            fs::create_dir(source.join(format!("in/{:05}", row / FOLDER_ROWS)))?;
        }
        if row % FILE_NAMES == 0 {
            fs::write(&path, [b'x'; 1024])?;
            file = path;
        } else {
            fs::hard_link(&file, path)?;
        }
    }
    Ok(())
}

/// A store without users' own keys: it does not look at signatures.
pub(super) fn config_of(address: &str, buckets: &[&str]) -> String {
    let mut text = format!(
        "[[store]]\nname = \"null\"\nkind = \"s3\"\nendpoint = \"http://{address}\"\nregion = \"local\"\nstyle = \"path\"\n\
         secret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\n"
    );
    for bucket in buckets {
        let _ = write!(text, "\n[[bucket]]\nname = \"{bucket}\"\nstore = \"null\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rows: u64, mib: u64) -> Taken {
        Taken { rows, seconds: 1.0, processor_seconds: 1.0, peak: mib * 1024 * 1024, own: mib * 512 * 1024 }
    }

    #[test]
    fn memory_is_bounded_and_flat() {
        check(&[taken(1000, 20), taken(1_000_000, 22)]).unwrap();
        let error = check(&[taken(1000, 20), taken(1_000_000, 23)]).unwrap_err().to_string();
        assert!(error.contains("one of 1000000 rows"), "{error}");
        assert!(check(&[taken(1000, 101)]).is_err());
        let own = |rows, bytes| Taken { own: bytes, ..taken(rows, 20) };
        check(&[own(1000, 1 << 20), own(1_000_000, 3 << 20)]).unwrap();
        let error = check(&[own(1000, 1 << 20), own(1_000_000, (3 << 20) + 1)]).unwrap_err().to_string();
        assert!(error.contains("memory of its own, for one of 1000000 rows 3145729"), "{error}");
        assert!(check(&[]).is_err());
    }

    #[test]
    fn each_row_names_an_object_of_its_own_that_is_there() {
        let rows = 2 * FOLDER_ROWS + 1;
        let place = tempfile::tempdir().unwrap();
        fill(place.path(), &csv(rows), rows).unwrap();
        let text = manifest(rows);
        let keys: std::collections::BTreeSet<_> = text.lines().map(|line| line.split_once(',').unwrap().1).collect();
        assert_eq!(keys.len() as u64, rows);
        let source = place.path().join("buckets").join(SOURCE);
        assert!(keys.iter().all(|key| source.join(key).is_file()));
    }

    #[test]
    fn what_the_server_holds_meanwhile_is_seen() {
        let server =
            Listener::start(Command::new("sh").args(["-c", "echo listening on http://x; exec sleep 60"])).unwrap();
        let (output, own) = watched(Command::new("sh").args(["-c", "sleep 0.3; echo done"]), &server).unwrap();
        assert_eq!(output.stdout, b"done\n");
        assert!(own > 0);
    }
}
