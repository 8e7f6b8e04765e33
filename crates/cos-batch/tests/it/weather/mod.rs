//! A store over HTTP on a bad day: errors, refusals for haste, connections cut off before and after the work was done, answers
//! that break off or never come, and a store that is gone. Each test sees that this happened, and that no row fails for it.
//!
//! `cargo xtask torture weather` does the same to a release build, with more rows and for longer.

mod gone;
mod passing;
mod silent;
mod throttled;

use std::{collections::BTreeMap, env, fmt::Write as _};

use cos_batch_nullstore::NullStore;

use crate::{
    remote,
    reported::reported,
    support::{Place, Server, etag_of, figures},
};

/// Buckets of the store; not the ones of the data folder.
const FROM: &str = "weather-1250000000";
const TO: &str = "weather-copies-1250000000";

/// Rows of each job, in place of those of the tests.
const ROWS_VARIABLE: &str = "COS_BATCH_WEATHER_ROWS";

/// This number, unless the environment wants another one.
fn number(variable: &str, usual: u64) -> u64 {
    env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// A server whose buckets are in a store, and a job of so many rows there.
struct Job {
    place: Place,
    server: Server,
    id: String,
    rows: u64,
}

impl Job {
    /// Makes it. `settings` are further ones of the store, `engine` those of the engine.
    fn create(store: &NullStore, rows: u64, settings: &str, engine: &str) -> Self {
        let manifest = (0..rows).fold(String::new(), |mut text, row| {
            writeln!(text, "{FROM},in/{row}").unwrap();
            text
        });
        let etag = etag_of(&manifest);
        store.keep(FROM, "lists/all.csv", manifest.into());
        let place = Place::new();
        let config = remote::config(&place, store, &[FROM, TO], settings, &format!("[engine]\n{engine}"));
        let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
        let manifest = format!("{FROM}/lists/all.csv");
        let words = ["create", "--operation", "copy", "--manifest", &manifest, "--etag", &etag, "--target", TO];
        let report = ["--report-bucket", TO, "--report-prefix", "reports"];
        let id = server.run(&[&words[..], &report].concat()).with_code(0).trim().to_owned();
        Self { place, server, id, rows }
    }

    /// Waits for its end. No row failed, each object was copied, and each row is reported once.
    #[track_caller]
    fn ends_well(&self, store: &NullStore) {
        self.server.run(&["wait", &self.id]).with_code(0);
        assert_eq!(figures(&self.server.describe(&self.id)), [self.rows, 0, self.rows]);
        assert_eq!(store.applied_to().len() as u64, self.rows, "each object is copied");
        let reported: BTreeMap<String, u32> = reported(store, TO, &self.id);
        assert_eq!(reported.len() as u64, self.rows, "rows that are reported");
        assert_eq!(reported.iter().find(|(_, times)| **times > 1), None, "reported more than once");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.file("serve.log")).unwrap()
    }
}
