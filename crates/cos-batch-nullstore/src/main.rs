//! `cos-batch-nullstore`: the store as a process of its own.
#![expect(clippy::print_stdout, reason = "a command line tool: printing is its output")]

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use clap::Parser;
use cos_batch_nullstore::{Faults, NullStore, Options};

/// An object store that answers at once, keeps next to nothing, and fails as told.
#[derive(Parser)]
struct Arguments {
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Operations of a thousand that are answered with 500 or 503
    #[arg(long, default_value_t = 0)]
    errors: u16,
    /// Operations of a thousand that are answered with 503 SlowDown
    #[arg(long, default_value_t = 0)]
    slow_downs: u16,
    /// Operations of a thousand whose connection is cut off before they are applied
    #[arg(long, default_value_t = 0)]
    resets: u16,
    /// Operations of a thousand whose connection is cut off after they were applied
    #[arg(long, default_value_t = 0)]
    lost_answers: u16,
    /// Operations of a thousand that are answered with 200 and an error in the body
    #[arg(long, default_value_t = 0)]
    errors_in_200: u16,
    /// Operations of a thousand whose answer breaks off after they were applied
    #[arg(long, default_value_t = 0)]
    truncated: u16,
    /// Operations of a thousand that are applied and never answered
    #[arg(long, default_value_t = 0)]
    hangs: u16,
    /// Reads of a thousand whose answer breaks off
    #[arg(long, default_value_t = 0)]
    reads_truncated: u16,
    /// Another seed, another sequence of faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long an operation takes, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Operations in a second that are taken; the rest is answered with 503 SlowDown
    #[arg(long)]
    operations_per_second: Option<NonZeroU32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        listen,
        errors,
        slow_downs,
        resets,
        lost_answers,
        errors_in_200,
        truncated,
        hangs,
        reads_truncated,
        seed,
        latency,
        operations_per_second,
    } = Arguments::parse();
    let faults =
        Faults { errors, slow_downs, resets, lost_answers, errors_in_200, truncated, hangs, reads_truncated, seed };
    let options = Options {
        listen,
        faults,
        latency: Duration::from_millis(latency),
        operations_per_second,
        ..Options::default()
    };
    let store = NullStore::start(options).await?;
    println!("listening on http://{}", store.address());
    store.run().await?;
    Ok(())
}
