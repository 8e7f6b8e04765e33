//! Settings of the engine in the configuration of `serve`.

use std::{fs, time::Duration};

use crate::support::{Place, Rows, SOURCE, Server, TARGET, etag_of, figures, write_private};

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

/// The settings of a table as `config print` shows them: the name, the value as it stands there, and the origin.
fn shown(text: &str, table: &str) -> Vec<(String, String, String)> {
    let rest = text.split_once(&format!("[{table}]\n")).unwrap().1;
    let lines = rest.lines().take_while(|line| !line.is_empty());
    let setting = |line: &str| {
        let (setting, origin) = line.rsplit_once(" # ").unwrap();
        let setting = setting.trim().trim_start_matches("# ");
        let (name, value) = setting.split_once(" = ").unwrap_or((setting.trim_end_matches(" is not set"), ""));
        (name.to_owned(), value.to_owned(), origin.to_owned())
    };
    lines.map(setting).collect()
}

/// Whoever adds a setting that is not said in one of the ways is told here.
#[test]
fn the_engine_is_told_by_file_variable_and_flag_in_this_order() {
    let place = Place::new();
    let print = |file: Option<u64>, variable: Option<u64>, flag: Option<u64>, names: &[String]| {
        let mut command = crate::support::program();
        command.args(["config", "print", "--data", "x"]);
        if let Some(value) = file {
            let path = place.file("config.toml");
            let lines: String = names.iter().map(|name| format!("{name} = {value}\n")).collect();
            fs::write(&path, format!("[engine]\n{lines}")).unwrap();
            command.arg("--config").arg(path);
        }
        for name in names {
            if let Some(value) = variable {
                command.env(format!("COS_BATCH_ENGINE_{}", name.to_uppercase()), value.to_string());
            }
            if let Some(value) = flag {
                command.arg(format!("--engine-{}", name.replace('_', "-"))).arg(value.to_string());
            }
        }
        shown(&crate::support::run(&mut command).with_code(0), "engine")
    };
    let default = print(None, None, None, &[]);
    let names: Vec<String> = default.iter().map(|(name, ..)| name.clone()).collect();
    assert!(names.len() > 10 && default.iter().all(|(.., origin)| origin == "default"), "{default:?}");
    for (file, variable, flag, value, origin) in [
        (Some(30), None, None, "30", "file"),
        (Some(30), Some(20), None, "20", "variable COS_BATCH_ENGINE_"),
        (Some(30), Some(20), Some(40), "40", "flag"),
        (None, Some(20), None, "20", "variable COS_BATCH_ENGINE_"),
    ] {
        for (name, found, from) in print(file, variable, flag, &names) {
            let origin =
                if origin.ends_with('_') { format!("{origin}{}", name.to_uppercase()) } else { origin.to_owned() };
            assert_eq!((found.as_str(), from.as_str()), (value, origin.as_str()), "{name}");
        }
    }
}

#[test]
fn what_stands_once_in_a_file_may_be_a_variable() {
    let place = Place::new();
    let file = place.file("config.toml");
    let store = "[[store]]\nname = \"s\"\nkind = \"s3\"\nendpoint = \"http://127.0.0.1:9\"\nanonymous = true\n";
    let hook = "[webhook]\nurl = \"http://127.0.0.1:9/of-file\"\nsecret_env = \"COS_BATCH_HOOK_SECRET\"\n";
    fs::write(&file, format!("local_buckets = false\n{store}{hook}")).unwrap();
    let command = |what: &str, variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = crate::support::program();
        command.args(["config", what, "--data", "x", "--config"]).arg(&file).args(flags);
        crate::support::run(command.envs(variables.iter().copied()))
    };
    let variables = [
        ("COS_BATCH_LOCAL_BUCKETS", "true"),
        ("COS_BATCH_SPOOL_STORE", "s"),
        ("COS_BATCH_SPOOL_BUCKET", "of-variable"),
        ("COS_BATCH_WEBHOOK_URL", "http://127.0.0.1:9/hush"),
        ("COS_BATCH_WEBHOOK_SECRET", "hush-hush-hush-hush-hush"),
        ("COS_BATCH_WEBHOOK_STATUSES", "Complete, Failed"),
    ];
    let flags = ["--spool-bucket", "of-flag"];
    let out = command("print", &variables, &flags).with_code(0);
    assert!(out.lines().next().unwrap().ends_with("# variable COS_BATCH_LOCAL_BUCKETS"), "{out}");
    let setting = |name: &str, value: &str, origin: &str| (name.to_owned(), value.to_owned(), origin.to_owned());
    assert_eq!(
        shown(&out, "spool"),
        [setting("store", "\"s\"", "variable COS_BATCH_SPOOL_STORE"), setting("bucket", "\"of-flag\"", "flag")]
    );
    // The secret of the variable takes the place of the one that the file says where to find.
    assert_eq!(
        shown(&out, "webhook"),
        [
            setting("url", "\"***\"", "variable COS_BATCH_WEBHOOK_URL"),
            setting("secret", "\"***\"", "variable COS_BATCH_WEBHOOK_SECRET"),
            setting("secret_env", "", "default"),
            setting("statuses", "[\"Complete\", \"Failed\"]", "variable COS_BATCH_WEBHOOK_STATUSES"),
        ]
    );
    assert!(!out.contains("hush"), "{out}");
    assert_eq!(command("check", &variables, &flags).with_code(0), "the settings are right\n");

    for (variable, value, says) in [
        ("COS_BATCH_ENGINE_WORKERS", "0", "the variable COS_BATCH_ENGINE_WORKERS: it must be from 1 to 256, not 0"),
        ("COS_BATCH_LOCAL_BUCKETS", "no", "the variable COS_BATCH_LOCAL_BUCKETS: \"no\" is neither true nor false"),
        ("COS_BATCH_SPOOL_STORE", "s", "spool: `bucket` is missing"),
        ("COS_BATCH_WEBHOOK_STATUSES", "Done", "the variable COS_BATCH_WEBHOOK_STATUSES: "),
        ("COS_BATCH_WEBHOOK_SECRT", "hush", "(did you mean COS_BATCH_WEBHOOK_SECRET?)"),
    ] {
        let hook = ("COS_BATCH_HOOK_SECRET", "hush-hush-hush-hush-hush");
        let said = command("check", &[(variable, value), hook], &[]);
        assert!(said.code == 2 && said.err.contains(says) && !said.err.contains("hush"), "{variable}: {said:?}");
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

/// Without a folder of its own a server has the buckets that are configured and no other: whatever a job names.
#[test]
fn a_bucket_that_is_not_configured_is_refused_by_name() {
    let objects = Place::new();
    let rows = objects.fill(3);
    let etag = objects.write_manifest(&rows.text);
    let strange = "strange-1250000000,in/a\n";
    fs::write(objects.bucket(SOURCE).join("lists/strange.csv"), strange).unwrap();
    let strange_etag = etag_of(strange);
    let there = Server::start_with(&objects, &["--objects-listen", "127.0.0.1:0"]);
    let (id, secret) = there.key();

    let place = Place::new();
    let file = place.file("config.toml");
    let address = there.objects().unwrap();
    let config = format!(
        "local_buckets = false\n[[store]]\nname = \"there\"\nkind = \"cos\"\nregion = \"local\"\nstyle = \"path\"\n\
         endpoint = \"http://{address}\"\nsecret_id = \"{id}\"\nsecret_key = \"{secret}\"\n\
         [[bucket]]\nname = \"{SOURCE}\"\nstore = \"there\"\n"
    );
    write_private(&file, &config);
    let server = Server::start_with(&place, &["--config", file.to_str().unwrap()]);
    let create = |manifest: &str, etag: &str, target: &str, report: &str| {
        let flags = ["--operation", "copy", "--target", target, "--manifest", manifest, "--etag", etag];
        let job = server.run(&[&["create", "--report-bucket", report], &flags[..]].concat()).with_code(0);
        let job = job.trim().to_owned();
        server.run(&["wait", &job]).with_code(3);
        let described = server.describe(&job);
        let reason = &described["FailureReasons"][0];
        format!("{}: {}", reason["FailureCode"].as_str().unwrap(), reason["FailureReason"].as_str().unwrap())
    };
    let manifest = format!("{SOURCE}/lists/all.csv");
    // This bucket is in the folder of the server, which is not to be used; and the address of another is never asked.
    let no = |bucket: &str| format!("bucket \"{bucket}\" is not configured on this server");
    let said = create(&manifest, &etag, TARGET, SOURCE);
    assert_eq!(said, format!("TargetBucketNotFound: TargetResource: {}", no(TARGET)));
    let said = create(&manifest, &etag, SOURCE, TARGET);
    assert_eq!(said, format!("ReportBucketNotFound: Report.Bucket: {}", no(TARGET)));
    let said = create(&format!("{SOURCE}/lists/strange.csv"), &strange_etag, SOURCE, SOURCE);
    assert_eq!(said, format!("SourceBucketNotFound: the manifest: {}", no("strange-1250000000")));
    let said = create(&format!("{TARGET}/lists/all.csv"), &etag, SOURCE, SOURCE);
    assert!(said.starts_with("ManifestNotFound: ") && said.contains(&no(TARGET)), "{said}");
}

/// Whoever types a command has a key of his own, which is right: he is not to look for what is wrong with it.
#[test]
fn a_key_that_the_store_refuses_is_not_taken_for_that_of_the_caller() {
    let objects = Place::new();
    let there = Server::start_with(&objects, &["--objects-listen", "127.0.0.1:0"]);
    let place = Place::new();
    let file = place.file("config.toml");
    let config = format!(
        "local_buckets = false\n[[store]]\nname = \"there\"\nkind = \"cos\"\nregion = \"local\"\nstyle = \"path\"\n\
         endpoint = \"http://{}\"\nsecret_id = \"{}\"\nsecret_key = \"notTheSecret\"\n\
         [[bucket]]\nname = \"{SOURCE}\"\nstore = \"there\"\n",
        there.objects().unwrap(),
        there.key().0,
    );
    write_private(&file, &config);
    let server = Server::start_with(&place, &["--config", file.to_str().unwrap()]);
    let list = || server.run(&["manifest", "--bucket", SOURCE, "--out", "-"]);
    let said = list();
    assert_eq!(said.code, 1, "{said:?}");
    for part in
        ["StoreAccessDenied (403): the store refused the signature it was asked with", "try: secret_id and secret_key"]
    {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
    let log = || fs::read_to_string(place.file("serve.log")).unwrap();
    assert!(log().contains("an object store refuses the signature of this server"), "{}", log());

    // The caller is sent to the log, which knows more.
    there.kill();
    let said = list();
    assert!(said.err.contains("try: later; the server's log may say more"), "{said:?}");
    assert!(log().contains("an object store does not answer as it should"), "{}", log());
}
