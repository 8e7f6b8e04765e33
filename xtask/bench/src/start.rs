//! How soon `cos-batch serve` accepts requests.

use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use cos_batch_figures::{Goal, Row, Spread};

use crate::{
    Outcome, Settings,
    api::Bed,
    child::{READY, Server},
};

/// Jobs in the store that is not empty.
const JOBS: usize = 100_000;

/// Measures the group.
///
/// # Errors
///
/// What cannot be built or started.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let empty = Bed::new(settings, 0)?;
    let full = Bed::new(settings, settings.pick(JOBS, 2000))?;
    let (mut bare, mut fresh, mut stored) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..settings.rounds {
        let mut contenders: [&mut dyn FnMut() -> anyhow::Result<()>; 3] = [
            // What the system takes to start this program and to end it.
            &mut || {
                let begin = Instant::now();
                Command::new(empty.program("cos-batch")).arg("--version").stdout(Stdio::null()).status()?;
                bare.push(begin.elapsed().as_secs_f64() * 1e3);
                Ok(())
            },
            &mut || {
                let folder = tempfile::tempdir_in(&settings.target)?;
                let mut serve = Command::new(empty.program("cos-batch"));
                serve.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", "127.0.0.1:0"]);
                let log = fs::File::create(folder.path().join("log"))?;
                let server = Server::start(serve.env_remove("RUST_LOG").stderr(log), READY)?;
                fresh.push(server.started_in * 1e3);
                Ok(())
            },
            &mut || {
                stored.push(full.serve()?.started_in * 1e3);
                Ok(())
            },
        ];
        if round % 2 == 1 {
            contenders.reverse();
        }
        for contender in contenders {
            contender()?;
        }
    }
    let version = "cos-batch --version";
    let bare = Spread::new(bare);
    let rows = vec![
        Row::new("serve accepts on a folder that does not exist yet", "ms", Spread::new(fresh))
            .limit(version, bare.clone())
            .goal(Goal::AtMost(50.0)),
        Row::new(format!("serve accepts with {} jobs stored", full.ids.len()), "ms", Spread::new(stored))
            .limit(version, bare)
            .goal(Goal::AtMost(200.0)),
    ];
    Ok(Outcome { rows, versions: vec![settings.version_of("libsqlite3-sys")?], ..Outcome::default() })
}
