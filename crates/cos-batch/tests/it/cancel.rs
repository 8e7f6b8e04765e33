//! Cancelling a running job.

use std::{collections::BTreeSet, fs, time::Duration};

use crate::support::{Place, Server, TARGET, figures};

/// So often each object is named: enough rows that no machine is through before the cancel, however fast.
const ROUNDS: usize = 300;

#[test]
fn nothing_begins_later_than_a_second_after_a_cancel_is_answered() {
    let place = Place::new();
    let rows = place.fill(1000);
    let etag = place.write_manifest(&rows.text.repeat(ROUNDS));
    let all = (rows.count * ROUNDS) as u64;
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &[]);
    server.look_until(&job, |seen| seen["Status"] == "Active" && figures(seen)[0] > 0);

    let answer = server.run(&["cancel", &job, "--reason", "wrong list"]).with_code(0);
    // The file system's own clock, which also stamps the copies.
    let marker = place.file("answered");
    fs::write(&marker, "").unwrap();
    let answered = fs::metadata(&marker).unwrap().modified().unwrap();
    assert!(answer.contains("is Cancelling") || answer.contains("is Cancelled"), "{answer}");

    let said = server.run(&["wait", &job]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.out.contains("wrong list"), "{said:?}");
    let seen = server.describe(&job);
    assert_eq!(seen["Status"], "Cancelled");
    let [succeeded, failed, total] = figures(&seen);
    assert!(failed == 0 && total == all && succeeded > 0 && succeeded < total, "{seen:#}");

    let report = place.report(&job);
    assert_eq!(report.values().map(Vec::len).sum::<usize>() as u64, succeeded);
    assert!(report.values().flatten().all(|outcome| outcome[0] == "succeeded"));
    let reported: BTreeSet<String> = report.into_keys().map(|(_, key)| key).collect();
    place.assert_copied(&reported);
    for key in &reported {
        let begun = fs::metadata(place.bucket(TARGET).join(key)).unwrap().modified().unwrap();
        let late = begun.duration_since(answered).unwrap_or_default();
        assert!(late <= Duration::from_secs(1), "{key} was copied {late:?} after the answer");
    }

    let again = server.run(&["cancel", &job]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("InvalidRequest (400)"), "{again:?}");
    server.run(&["priority", &job, "5"]).with_code(8);
}
