//! Every metric there is: its name, what kind it is, its labels and what it says.
//!
//! `docs/metrics.md` has a row for each, and the dashboard asks for no other; tests hold both.

/// A family of metrics.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Names of its labels. Each has few values, known when the server starts: never a job, a bucket, a key or an APPID.
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

/// Kinds of metrics, as Prometheus has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only goes up, and begins at 0 with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in ranges.
    Histogram,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $constant: Family =
            Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*

        /// All of them, in the order in which they are told.
        #[cfg(test)]
        pub(super) const ALL: &[&Family] = &[$(&$constant),*];
    };
}

families! {
    BUILD = Gauge "cos_batch_build_info" ["version"] "1, with the version of the program";
    STARTED = Gauge "cos_batch_start_time_seconds" [] "When the server started, in seconds since 1970";
    REQUESTS = Histogram "cos_batch_request_seconds" ["status"] "How long requests to the API took, by the first digit of the answer's status";
    SLOWED = Counter "cos_batch_requests_slowed_total" ["outcome"] "Requests that came sooner than their APPID may ask: delayed until it was their turn, or refused with SlowDown";
    JOBS = Gauge "cos_batch_jobs" ["status"] "Jobs that have not ended, by status: of all nodes, as the job store has them";
    JOBS_CUT = Gauge "cos_batch_jobs_cut_off" [] "1 if there are more jobs than are looked at for the two families beside this one";
    QUEUE_AGE = Gauge "cos_batch_queue_age_seconds" [] "Age of the oldest job that is New, or Ready with nobody at work on it; 0 if there is none";
    STATUS_CHANGES = Counter "cos_batch_status_changes_total" ["to"] "Changes of a job's state that this node made, by the status it then had";
    TOLD = Counter "cos_batch_webhooks_total" ["outcome"] "Changes that the webhook was to be told: delivered, given_up after all tries, or dropped since too many waited";
    PIECES = Gauge "cos_batch_work" ["kind"] "What this node works on: manifests to prepare, shards, jobs to finish, and how many of these rest before another try";
    TAKEN = Counter "cos_batch_leases_total" ["kind"] "Leases that this node took: of jobs, of files of inventories, of shards";
    TAKEOVERS = Counter "cos_batch_lease_takeovers_total" [] "Of these, leases of shards that somebody had before: given back, or left behind";
    REAPED = Counter "cos_batch_leases_reaped_total" [] "Leases that had run out and that this node ended: whoever held them was too slow, or is gone";
    LOST = Counter "cos_batch_leases_lost_total" [] "Writes of this node that were refused since their lease was not the newest any more";
    CHECKPOINTS = Counter "cos_batch_checkpoints_total" [] "Checkpoints that this node committed";
    TASKS = Counter "cos_batch_tasks_total" ["outcome"] "Tasks in these checkpoints: succeeded or failed";
    JOB_STORE = Histogram "cos_batch_job_store_seconds" ["call"] "How long calls to the job store took, waiting for the disk or the database included";
    JOB_STORE_FAILED = Counter "cos_batch_job_store_failures_total" ["call"] "Calls that the job store could not carry out";
    OPERATIONS = Histogram "cos_batch_operation_seconds" ["store"] "How long operations on objects took, each try by itself; of a copy in parts, the try in one piece";
    FAILURES = Counter "cos_batch_operation_failures_total" ["store", "class"] "Tries that failed, by class: throttled is the store asking for fewer";
    RETRIES = Counter "cos_batch_operation_retries_total" ["store", "class"] "Failed tries that were followed by another one, by class";
    SLOTS = Gauge "cos_batch_store_slots" ["store"] "Operations that the store is given at once at most, as was found out so far";
    IN_FLIGHT = Gauge "cos_batch_store_in_flight" ["store"] "Operations in flight";
    WAITING = Gauge "cos_batch_store_waiting" ["store"] "Rows that wait for one of the store's slots";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/metrics.md");
    const DASHBOARD: &str = include_str!("../../../../../packaging/grafana/cos-batch.json");

    #[test]
    fn the_page_on_metrics_has_a_row_for_each_and_no_other() {
        let row = |family: &Family| {
            let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {} | {} | {} |", family.name, family.kind.name(), labels.join(", "), family.help)
        };
        let expected: Vec<String> = ALL.iter().map(|family| row(family)).collect();
        let found: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `cos_batch_")).collect();
        assert!(found == expected, "docs/metrics.md must have these rows:\n{}", expected.join("\n"));
    }

    #[test]
    fn names_follow_the_conventions() {
        for family in ALL {
            let name = family.name;
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert!(family.kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(!family.help.contains(['\n', '\\', '|']), "{name}");
        }
        assert_eq!(ALL.iter().map(|family| family.name).collect::<BTreeSet<_>>().len(), ALL.len());
    }

    /// Names, and labels in braces and after `by`, of a query.
    fn unknown(query: &str) -> Vec<String> {
        let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        let known = |word: &str| {
            ALL.iter().any(|family| match family.kind {
                Kind::Histogram => {
                    ["_bucket", "_sum", "_count"].iter().any(|end| format!("{}{end}", family.name) == word)
                }
                _ => family.name == word,
            })
        };
        let mut unknown: Vec<String> =
            words.filter(|word| word.starts_with("cos_batch_") && !known(word)).map(str::to_owned).collect();
        let asked: Vec<&Family> = ALL.iter().filter(|family| query.contains(family.name)).copied().collect();
        let labels = query.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
        let matched = query.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let matched = matched.flat_map(|pairs| pairs.split(',')).filter_map(|pair| pair.split(['=', '!']).next());
        for label in labels.flat_map(|labels| labels.split(',')).chain(matched).map(str::trim) {
            let own = asked.iter().any(|family| family.labels.contains(&label));
            let le = label == "le" && asked.iter().any(|family| family.kind == Kind::Histogram);
            if !own && !le && !["instance", "job"].contains(&label) {
                unknown.push(label.to_owned());
            }
        }
        unknown
    }

    /// Functions that make sense of counters alone, and what of `query` they are asked of that is none.
    fn misused(query: &str) -> Vec<String> {
        let mut found = Vec::new();
        for function in ["rate(", "irate(", "increase("] {
            for asked in query.split(function).skip(1) {
                let name = asked.split(['{', '[', ')']).next().unwrap_or_default();
                let grows = ALL.iter().any(|family| match family.kind {
                    Kind::Counter => family.name == name,
                    Kind::Histogram => name.starts_with(family.name),
                    Kind::Gauge => false,
                });
                if !grows {
                    found.push(format!("{function}{name})"));
                }
            }
        }
        found
    }

    #[test]
    fn the_alerts_on_the_page_ask_only_for_what_is_told() {
        assert_eq!(misused("sum(rate(cos_batch_jobs{status=\"New\"}[5m]))"), ["rate(cos_batch_jobs)"]);
        let (_, rules) = PAGE.split_once("\n## What to be woken for\n").unwrap();
        let rules = rules.split("```").nth(1).unwrap();
        let of = |key: &str| {
            let lines = rules.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(key));
            lines.map(str::trim).collect::<Vec<&str>>()
        };
        let (names, queries) = (of("alert:"), of("expr:"));
        assert!(names.len() >= 4 && names.len() == queries.len(), "{names:?} {queries:?}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        for query in queries {
            assert_eq!(unknown(query), [""; 0], "{query}");
            assert_eq!(misused(query), [""; 0], "{query}");
            assert!(
                query.contains("cos_batch_") && query.contains(" > "),
                "nothing is asked for, or no bound: {query}"
            );
        }
        for time in of("for:") {
            let number = time.strip_suffix(['s', 'm', 'h']).map(str::parse::<u32>);
            assert!(matches!(number, Some(Ok(1..))), "{time}");
        }
    }

    #[test]
    fn the_dashboard_asks_only_for_what_is_told() {
        assert_eq!(unknown("sum by (lable) (rate(cos_batch_tasks_total{outcom=\"failed\"}[5m]))"), ["lable", "outcom"]);
        assert_eq!(
            unknown("cos_batch_task_total + cos_batch_request_seconds"),
            ["cos_batch_task_total", "cos_batch_request_seconds"]
        );
        let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
        let queries: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
        assert!(queries.len() >= panels.len() / 2, "{} queries", queries.len());
        for query in &queries {
            assert_eq!(unknown(query), [""; 0], "{query}");
            assert_eq!(misused(query), [""; 0], "{query}");
        }
        // What is worth counting is worth showing.
        for family in ALL.iter().filter(|family| family.name != BUILD.name) {
            assert!(queries.iter().any(|query| query.contains(family.name)), "{} is on no panel", family.name);
        }
    }
}
