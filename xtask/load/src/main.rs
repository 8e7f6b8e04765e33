//! `cos-batch-load`: load on a server, or a bare server. Messages come as JSON, one in a line; what was found goes out so.
#![expect(clippy::print_stdout, reason = "a command line tool")]

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use cos_batch_engine::{Clock as _, SystemClock, store::JobStatus};
use cos_batch_load::{
    Message, bare, jobs,
    layers::{self, Layer},
    run::{Load, run},
};

#[derive(Parser)]
#[command(about = "Puts load on a server over HTTP, or serves one answer to everything")]
enum Command {
    /// Send requests and tell how they were answered
    Run {
        /// The server
        #[arg(long)]
        address: SocketAddr,
        /// File with the requests
        #[arg(long, value_name = "FILE")]
        requests: PathBuf,
        /// Connections
        #[arg(long, value_name = "N", default_value_t = 32)]
        connections: usize,
        /// Seconds that are not counted
        #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
        warm_up: f64,
        /// Seconds that are counted
        #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
        seconds: f64,
        /// Send each request once, and no more
        #[arg(long)]
        once: bool,
    },
    /// Put jobs into a job store, which is made if there is none; writes their ids
    Fill {
        /// The database
        #[arg(long, value_name = "FILE")]
        database: PathBuf,
        /// How many complete jobs
        #[arg(long, value_name = "N", default_value_t = 0)]
        jobs: usize,
        /// How many jobs that wait for their confirmation
        #[arg(long, value_name = "N", default_value_t = 0)]
        waiting: usize,
    },
    /// Write signed requests
    Sign {
        /// Host and port of the server
        #[arg(long)]
        host: String,
        /// Id of the key
        #[arg(long)]
        secret_id: String,
        /// The key
        #[arg(long)]
        secret_key: String,
        /// Look at the jobs whose ids are in this file
        #[arg(long, value_name = "FILE")]
        describe: Option<PathBuf>,
        /// List so many jobs
        #[arg(long, value_name = "N")]
        list: Option<u16>,
        /// Make so many jobs
        #[arg(long, value_name = "N")]
        create: Option<usize>,
    },
    /// Answer everything with the same bytes
    Bare {
        /// File with the answer
        #[arg(long, value_name = "FILE")]
        answer: PathBuf,
        /// How much more than that is done for it
        #[arg(long, value_enum, default_value_t = Layer::Hyper)]
        layer: Layer,
        /// Folder with the jobs, where they are in SQLite
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Run { address, requests, connections, warm_up, seconds, once } => {
            let load = Load {
                address,
                connections,
                warm_up: Duration::from_secs_f64(warm_up),
                time: Duration::from_secs_f64(seconds),
                once,
            };
            // One thread: on a machine with two processors the server needs the other one.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let taken = runtime.block_on(run(load, &messages(&requests)?))?;
            println!("{}", serde_json::to_string(&taken)?);
            Ok(())
        }
        Command::Fill { database, jobs, waiting } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            for (count, status) in [(jobs, JobStatus::Complete), (waiting, JobStatus::Suspended)] {
                for id in runtime.block_on(jobs::fill(&database, count, status))? {
                    println!("{id}");
                }
            }
            Ok(())
        }
        Command::Sign { host, secret_id, secret_key, describe, list, create } => {
            let now = SystemClock.now() / 1000;
            let signer = jobs::Signer::new(&host, &secret_id, &secret_key, now)?;
            let mut all = Vec::new();
            if let Some(path) = describe {
                for id in fs::read_to_string(&path)?.lines() {
                    all.push(signer.describe(id)?);
                }
            }
            if let Some(results) = list {
                all.push(signer.list(results)?);
            }
            for number in 0..create.unwrap_or_default() {
                all.push(signer.create(&format!("load-{now}-{number}"))?);
            }
            for message in all {
                println!("{}", serde_json::to_string(&message)?);
            }
            Ok(())
        }
        Command::Bare { answer, layer, data } => {
            let answer = messages(&answer)?.pop().context("the file has no answer")?;
            // As `cos-batch serve`.
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(async {
                let (listener, address) = bare::bind().await?;
                println!("listening on http://{address}");
                layers::serve(listener, &answer, layer, data.as_deref()).await
            })
        }
    }
}

fn messages(path: &PathBuf) -> anyhow::Result<Vec<Message>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
