//! Settings of the engine in the configuration of `serve`.

use std::{fs, time::Duration};

use crate::support::{Place, Rows, SOURCE, Server, TARGET, figures};

fn start(place: &Place, config: &str) -> Server {
    let file = place.file("config.toml");
    fs::write(&file, config).unwrap();
    Server::start_with(place, &["--config", file.to_str().unwrap()])
}

#[test]
fn jobs_obey_their_cap_and_their_number() {
    let place = Place::new();
    let rows = place.fill(40);
    let etag = place.write_manifest(&rows.text);
    let appid = "[[appid]]\nappid = \"1250000000\"\njob_operations_per_second = 20\n";
    let server = start(&place, &format!("[engine]\nlive_jobs_max = 1\n{appid}"));
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(0);
    assert_eq!(figures(&server.describe(&job)), [40, 0, 40]);
    let times = rows.keys.iter().map(|key| fs::metadata(place.bucket(TARGET).join(key)).unwrap().modified().unwrap());
    let (first, last) = (times.clone().min().unwrap(), times.max().unwrap());
    // What may begin at once at first is less than what may begin in a second.
    let took = last.duration_since(first).unwrap();
    assert!(took > Duration::from_millis(900), "40 operations within {took:?} at 20 a second");

    server.create_copy(&etag, &["--confirm-required"]);
    let refused = server.try_create_copy(&etag, &[]);
    assert!(refused.code != 0 && refused.err.contains("TooManyJobs"), "{refused:?}");
}

#[test]
fn the_threshold_of_failures_is_a_setting() {
    let place = Place::new();
    let mut rows = Rows::default();
    (0..40).for_each(|number| rows.add_failing(SOURCE, &format!("gone/{number}")));
    let etag = place.write_manifest(&rows.text);
    for (percent, status) in [(50, "Failed"), (100, "Complete")] {
        let config = format!("[engine]\nfailed_percent_max = {percent}\nfailed_percent_tasks_above = 10\n");
        let server = start(&place, &config);
        let job = server.create_copy(&etag, &[]);
        server.run(&["wait", &job]);
        let described = server.describe(&job);
        assert_eq!(described["Status"], status, "{described:#}");
        assert_eq!(described.to_string().contains("FailureThresholdExceeded"), percent == 50, "{described:#}");
    }
}

#[test]
fn a_setting_out_of_its_range_is_refused_by_name() {
    let place = Place::new();
    let file = place.file("config.toml");
    fs::write(&file, "[engine]\nworkers = 0\n").unwrap();
    let mut command = crate::support::program();
    let said = crate::support::run(command.arg("serve").arg("--data").arg(place.data()).arg("--config").arg(file));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("engine: workers must be from 1 to 256, not 0"), "{said:?}");
}
