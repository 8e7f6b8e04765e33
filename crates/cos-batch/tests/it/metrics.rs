//! `/metrics` of a server that works.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    plain::get,
    support::{Place, SOURCE, Server, TARGET},
};

/// Each line that is no comment: what is counted, and the number.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples: Vec<(&str, f64)> = lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, number)| (name, number.parse().unwrap()))
        .collect();
    let distinct: BTreeMap<&str, f64> = samples.iter().copied().collect();
    assert_eq!(distinct.len(), samples.len(), "something is told twice:\n{text}");
    distinct
}

#[test]
fn what_a_job_did_is_told_by_the_names_on_the_page() {
    let place = Place::new();
    let mut rows = place.fill(30);
    rows.add_failing(SOURCE, "in/gone.txt");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start_with(&place, &["--metrics-listen", "127.0.0.1:0"]);
    let address = server.metrics().unwrap();
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(4);
    server.create_copy(&etag, &["--confirm-required"]);

    let (status, text) = get(address, "/metrics");
    assert_eq!(status, 200);
    let page = include_str!("../../../../docs/metrics.md");
    let on_page: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| name.starts_with("cos_batch_"))
        .collect();
    let told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(told, on_page);
    let found = samples(&text);
    for (name, number) in [
        ("cos_batch_tasks_total{outcome=\"succeeded\"}", 30.0),
        ("cos_batch_tasks_total{outcome=\"failed\"}", 1.0),
        ("cos_batch_status_changes_total{to=\"Complete\"}", 1.0),
        ("cos_batch_operation_failures_total{store=\"local\",class=\"transient\"}", 0.0),
        ("cos_batch_store_in_flight{store=\"local\"}", 0.0),
        ("cos_batch_work{kind=\"shard\"}", 0.0),
        ("cos_batch_leases_total{kind=\"shard\"}", 1.0),
        ("cos_batch_lease_takeovers_total", 0.0),
        ("cos_batch_leases_reaped_total", 0.0),
        ("cos_batch_jobs_cut_off", 0.0),
    ] {
        assert_eq!(found.get(name), Some(&number), "{name}\n{text}");
    }
    for name in [
        "cos_batch_checkpoints_total",
        "cos_batch_job_store_seconds_count{call=\"checkpoint\"}",
        "cos_batch_request_seconds_count{status=\"2xx\"}",
    ] {
        assert!(found[name] >= 1.0, "{name}\n{text}");
    }
    assert!(found["cos_batch_operation_seconds_count{store=\"local\"}"] >= 31.0, "{text}");
    assert_eq!(
        found["cos_batch_operation_seconds_bucket{store=\"local\",le=\"+Inf\"}"],
        found["cos_batch_operation_seconds_count{store=\"local\"}"]
    );
    // What the alerts select is there, label for label.
    let selectors = page.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let selectors = selectors.flat_map(|query| query.split("cos_batch_").skip(1)).map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let pairs = rest[end..].strip_prefix('{').and_then(|pairs| pairs.split('}').next()).unwrap_or_default();
        (format!("cos_batch_{}", &rest[..end]), pairs.split(',').map(str::trim).collect::<Vec<&str>>())
    });
    let selectors: Vec<(String, Vec<&str>)> = selectors.collect();
    assert!(selectors.len() >= 4, "{selectors:?}");
    for (name, pairs) in &selectors {
        let selects = |sample: &&str| {
            sample.split('{').next() == Some(name.as_str()) && pairs.iter().all(|pair| sample.contains(pair))
        };
        assert!(found.keys().any(selects), "nothing is told that is {name} {pairs:?}\n{text}");
    }
    for secret in [SOURCE, TARGET, "1250000000", &job] {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }

    // The API's address has none, and this one has nothing else.
    assert!((400..500).contains(&get(server.endpoint.strip_prefix("http://").unwrap(), "/metrics").0));
    assert_eq!(get(address, "/jobs").0, 404);
    assert_eq!(server.terminate().code(), Some(0));
}
