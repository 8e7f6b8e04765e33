//! `cargo xtask torture`: tests that go on for long, each round with another seed.

use std::path::Path;

use clap::{Subcommand, ValueEnum};
use xshell::{Shell, cmd};

use crate::{target, test::nginx};

/// What is tortured.
#[derive(Subcommand)]
pub(crate) enum Torture {
    /// Kill, freeze and cut off nodes that share a PostgreSQL, and that too, and see that nothing is lost or counted twice.
    Nodes {
        /// Rounds begin for so long.
        #[arg(long, value_name = "N", default_value_t = 30)]
        minutes: u64,
        /// Seed of the first round; the next has the next number.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Kill a server of a release build again and again in the middle of one job.
    Kill {
        /// Rows of the job.
        #[arg(long, value_name = "N", default_value_t = 1_000_000)]
        rows: u64,
        /// Kills.
        #[arg(long, value_name = "N", default_value_t = 200)]
        kills: u64,
        /// Where the moments of the kills come from.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Where the objects are.
        #[arg(long, value_enum, default_value_t = Objects::Remote)]
        objects: Objects,
    },
    /// Let the power go while a job store is written, at very many points, and let each call to its disk fail.
    Power {
        /// Points at which the power goes.
        #[arg(long, value_name = "N", default_value_t = 1000)]
        cuts: u64,
        /// Where the points come from.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Let each call to the disk fail below the folders of a job's objects and of the spool and in the database of jobs; and kill
    /// the process before each.
    Disk {
        /// Rows of the job, ten at least: the calls of the test's job are those of a few checkpoints, of more rows there are more.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(10..=900))]
        rows: u64,
    },
    /// Send a server behind nginx requests that say two things about where they end, and see that it answers none that nginx
    /// did not see.
    Front,
    /// Run jobs on a store that fails, is silent, is throttled or gone, for longer than the test does.
    Weather {
        /// Rows of each job.
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        rows: u64,
        /// How long the store is gone.
        #[arg(long, value_name = "N", default_value_t = 60)]
        outage_seconds: u64,
        /// How long each rate of a throttled store is looked at.
        #[arg(long, value_name = "N", default_value_t = 60)]
        throttled_seconds: u64,
    },
    /// Give the client of object stores random answers, good and bad, and see that it reads none as another than `hyper` does.
    Answers {
        /// Answers.
        #[arg(long, value_name = "N", default_value_t = 30_000)]
        cases: u32,
    },
    /// Let many clients do what comes to their mind, and see whether an order of their calls explains every answer.
    History {
        /// Clients at a time.
        #[arg(long, value_name = "N", default_value_t = 64)]
        clients: u64,
        /// What each of them does.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        actions: u64,
        /// Who asks for a job with the same token at the same time.
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        askers: u64,
        /// Where the actions come from.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Whom they ask; if not given, first the one and then the others.
        #[arg(long, value_enum)]
        on: Option<Servers>,
    },
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Servers {
    /// One server with its own state.
    One,
    /// Three nodes that share a PostgreSQL.
    Nodes,
}

/// Where the objects of a job are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Objects {
    /// In a store over HTTP.
    Remote,
    /// In folders, one of which keeps versions.
    Folder,
}

/// Runs one of them.
///
/// # Errors
///
/// If something was lost; the output names the seed.
pub(crate) fn run(root: &Path, torture: &Torture) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let number = |number: &u64| number.to_string();
    match torture {
        Torture::Nodes { minutes, seed } => {
            let test = "nodes::chaos::nothing_is_lost_or_counted_twice";
            cmd!(shell, "cargo test -p cos-batch --test it -- --exact {test} --nocapture")
                .env("COS_BATCH_TORTURE_SECONDS", number(&(minutes * 60)))
                .env("COS_BATCH_TORTURE_SEED", number(seed))
                .run()?;
        }
        Torture::Kill { rows, kills, seed, objects } => {
            cmd!(shell, "cargo build --release --quiet -p cos-batch").run()?;
            let test = match objects {
                Objects::Remote => "kills::remote",
                Objects::Folder => "kills::folder",
            };
            cmd!(shell, "cargo test -p cos-batch --test it -- {test} --nocapture")
                .env("COS_BATCH_PROGRAM", target(root).join("release/cos-batch"))
                .env("COS_BATCH_TORTURE_ROWS", number(rows))
                .env("COS_BATCH_TORTURE_KILLS", number(kills))
                .env("COS_BATCH_TORTURE_SEED", number(seed))
                .run()?;
        }
        Torture::Power { cuts, seed } => {
            // What one commit was found to do says nothing of another, nor one seed; what was cut off goes on where it was.
            let commit = cmd!(shell, "git rev-parse --short=12 HEAD").read()?;
            let progress = target(root).join(format!("torture-power-{commit}-{seed}.tsv"));
            cmd!(shell, "cargo test -p cos-batch-jobstore --test it -- power:: --nocapture")
                .env("COS_BATCH_POWER_CUTS", number(cuts))
                .env("COS_BATCH_POWER_SEED", number(seed))
                .env("COS_BATCH_POWER_STEP", "1")
                .env("COS_BATCH_POWER_PROGRESS", progress)
                .run()?;
        }
        Torture::Disk { rows } => {
            cmd!(shell, "cargo test -p cos-batch-engine --all-features --test it -- disk:: --nocapture")
                .env("COS_BATCH_DISK_STEP", "1")
                .env("COS_BATCH_DISK_ROWS", number(rows))
                .run()?;
        }
        Torture::Front => {
            nginx::is_there(&shell);
            cmd!(shell, "cargo test -p cos-batch-server --all-features --test it -- front:: --nocapture")
                .env("COS_BATCH_FRONT", "1")
                .run()?;
        }
        Torture::Answers { cases } => {
            let test = "http::answers::no_answer_is_read_as_another_than_others_read";
            cmd!(shell, "cargo test -p cos-batch-objectstore --all-features --test it -- --exact {test} --nocapture")
                .env("COS_BATCH_ANSWERS_CASES", cases.to_string())
                .run()?;
        }
        Torture::Weather { rows, outage_seconds, throttled_seconds } => {
            cmd!(shell, "cargo build --release --quiet -p cos-batch").run()?;
            cmd!(shell, "cargo test -p cos-batch --test it -- weather:: --nocapture --test-threads 1")
                .env("COS_BATCH_PROGRAM", target(root).join("release/cos-batch"))
                .env("COS_BATCH_WEATHER_ROWS", number(rows))
                .env("COS_BATCH_WEATHER_OUTAGE_SECONDS", number(outage_seconds))
                .env("COS_BATCH_WEATHER_THROTTLED_SECONDS", number(throttled_seconds))
                .run()?;
        }
        Torture::History { clients, actions, askers, seed, on } => {
            // `history::` alone is in the names of both.
            let tests: &[&str] = match on {
                Some(Servers::One) => &["history::one_", "history::sound::"],
                Some(Servers::Nodes) => &["nodes::history::"],
                None => &["history::"],
            };
            cmd!(shell, "cargo build --release --quiet -p cos-batch").run()?;
            cmd!(shell, "cargo test -p cos-batch --test it -- {tests...} --nocapture --test-threads 1")
                .env("COS_BATCH_PROGRAM", target(root).join("release/cos-batch"))
                .env("COS_BATCH_TORTURE_CLIENTS", number(clients))
                .env("COS_BATCH_TORTURE_ACTIONS", number(actions))
                .env("COS_BATCH_TORTURE_ASKERS", number(askers))
                .env("COS_BATCH_TORTURE_SEED", number(seed))
                .run()?;
        }
    }
    Ok(())
}
