//! `cos-batch config`

mod connect;

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use clap::{Args, Subcommand};
use cos_batch_engine::{Buckets, Spool};
use cos_batch_objectstore::{MemoryStore, ObjectStore};

use super::serve::Serve;
use crate::{
    config::{Settings, printed},
    credentials::Credentials,
    exit::{Error, Exit},
    output::Terminal,
};

/// Look at the settings of `serve`, and start nothing.
#[derive(Args, Debug)]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say whether `serve` would accept its settings, given in the same way
    ///
    /// Looks at flags, variables, the file of --config and the file of keys, and at whether what they name is there; asks no
    /// database, and no store without --connect.
    Check(Box<Check>),
    /// Show every setting as it holds, and where it comes from
    ///
    /// The settings are given as for `serve`. Secrets are not shown. What is written is a file for --config.
    Print(Box<Serve>),
}

/// The settings, and how closely to look.
#[derive(Args, Debug)]
struct Check {
    #[command(flatten)]
    serve: Serve,
    /// Ask each configured store whether it has the buckets that are said to be there, and the spool's
    #[arg(long)]
    connect: bool,
}

impl Config {
    pub(super) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        match self.what {
            What::Check(check_of) => {
                let Check { serve, connect } = *check_of;
                let settings = serve.settings()?;
                let (buckets, spool) = check(&settings)?;
                terminal.line("the settings are right")?;
                for bucket in settings.config.ownerless() {
                    // With the error output gone there is nobody to be told.
                    let _ = writeln!(
                        io::stderr().lock(),
                        "[[bucket]] {bucket} belongs to nobody: owner = \"APPID\" says to whom; till then a [[grant]] in the file \
                         of keys is the only way in"
                    );
                }
                if connect {
                    connect::ask(&settings.config, &buckets, spool.as_ref(), terminal).await?;
                }
            }
            What::Print(serve) => terminal.bytes(printed(&serve.settings()?)?.as_bytes())?,
        }
        Ok(Exit::Ok)
    }
}

/// All that can be known of settings without a server; and what they say of buckets and the spool.
fn check(settings: &Settings) -> Result<(Buckets, Option<Spool>), Error> {
    settings.check()?;
    let config = &settings.config;
    config.blocking_threads()?;
    config.descriptors()?;
    config.webhook()?;
    // In place of the data folder, which is made at the start.
    let local = settings.given.jobs.is_none().then(|| Arc::new(MemoryStore::new()) as Arc<dyn ObjectStore>);
    let shared = local.is_none();
    let (buckets, spool) = config.buckets(local)?;
    if shared && spool.is_none() {
        return Err(Error::usage(
            "--jobs: nodes share a spool: name its store and bucket as [spool] in the file of --config",
        ));
    }
    if let Some(path) = &settings.given.credentials {
        Credentials::read(path)?;
    }
    Ok((buckets, spool))
}
