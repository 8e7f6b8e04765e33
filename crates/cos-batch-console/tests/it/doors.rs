//! Sessions, forms of other sites, headers.

use std::sync::atomic::Ordering;

use cos_batch_console::{Console, FORM_BYTES_MAX, IDLE_SECONDS_MAX, SESSION_SECONDS_MAX};

use crate::world::{BUCKET, FOREIGN, START, World};

#[tokio::test]
async fn only_a_key_opens_the_door() {
    let world = World::new().await;
    for path in ["/console", "/console/jobs", "/console/new", "/console/buckets", "/console/jobs/x/rows.csv"] {
        let answer = world.get(path, "").await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").unwrap().starts_with("/console/sign-in?next="), "{path}");
    }
    for (id, secret) in [("AKIDone", "two"), ("AKIDone", ""), ("AKIDnone", "one"), ("", "")] {
        let answer = world.sign_in(id, secret).await;
        assert_eq!((answer.status, answer.session()), (403, None), "{id} {secret}");
        assert!(!answer.body.contains("value=\"one\""));
    }
    let answer = world.sign_in("AKIDone", "one").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/console/buckets")));
    let cookie = answer.header("set-cookie").unwrap();
    for attribute in ["; Path=/console", "; SameSite=Strict", "; HttpOnly"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let token = answer.session().unwrap();
    assert_eq!(world.get("/console/jobs", &token).await.status, 200);
    assert!(!token.contains("one"), "the secret is nowhere in it");
    let elsewhere = world.post("/console/sign-in", "", "id=AKIDone&secret=one&next=//evil.example").await;
    assert_eq!(elsewhere.header("location"), Some("/console/jobs"));
}

#[tokio::test]
async fn a_session_ends_by_time_and_by_wish() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    world.now.store(START + IDLE_SECONDS_MAX - 1, Ordering::Relaxed);
    let renewed = world.get("/console/jobs", &token).await.session().expect("a newer token");
    world.now.store(START + IDLE_SECONDS_MAX + 1, Ordering::Relaxed);
    assert_eq!(world.get("/console/jobs", &token).await.status, 303);
    assert_eq!(world.get("/console/jobs", &renewed).await.status, 200);
    world.now.store(START + SESSION_SECONDS_MAX + 1, Ordering::Relaxed);
    assert_eq!(world.get("/console/jobs", &renewed).await.status, 303);

    let token = world.signed_in("AKIDone", "one").await;
    let form = world.get("/console/jobs", &token).await.form();
    let answer = world.post("/console/sign-out", &token, &format!("form={form}")).await;
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(world.get("/console/jobs", &token).await.status, 303, "whoever kept the token has nothing");
}

#[tokio::test]
async fn a_form_must_come_from_a_page_of_the_same_session() {
    let world = World::new().await;
    let (token, other) = (world.signed_in("AKIDone", "one").await, world.signed_in("AKIDone", "one").await);
    let (form, others) =
        (world.get("/console/jobs", &token).await.form(), world.get("/console/jobs", &other).await.form());
    assert_ne!(form, others);
    let body = |form: &str| format!("form={form}&what=all&prefix=&name=made.csv");
    let path = format!("/console/buckets/{BUCKET}/manifest");
    world.put(BUCKET, "a", "x").await;
    for wrong in ["", "x", others.as_str()] {
        let answer = world.post(&path, &token, &body(wrong)).await;
        assert_eq!(answer.status, 403, "{wrong}");
    }
    let (cookie, host) = (format!("cos-batch-session={token}"), world.address.to_string());
    let own = format!("http://{host}");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    for headers in [
        &[("cookie", cookie.as_str()), kind][..],
        &[("cookie", &cookie), kind, ("origin", "null")],
        &[("cookie", &cookie), kind, ("origin", "http://evil.example")],
        &[("cookie", &cookie), kind, ("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("cookie", &cookie), kind, ("origin", &own), ("sec-fetch-site", "same-site")],
    ] {
        let answer = world.send("POST", &path, headers, &body(&form)).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    assert!(
        !world.get(&format!("/console/buckets/{BUCKET}"), &token).await.body.contains("made.csv"),
        "nothing was done"
    );
    assert_eq!(world.post(&path, &token, &body(&form)).await.status, 303);
    assert!(world.get(&format!("/console/buckets/{BUCKET}"), &token).await.body.contains("made.csv"));
    // What changes something is no link.
    for path in ["/console/sign-out", "/console/jobs/x/cancel", "/console/jobs/x/delete", "/console/settings"] {
        assert_eq!(world.get(path, &token).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    let page = world.get("/console/jobs", &token).await;
    let (_, rest) = page.body.split_once("src=\"").unwrap();
    let script = rest.split('"').next().unwrap().to_owned();
    for path in ["/console/jobs", "/console/new", "/console/none", "/console/sign-in", &script] {
        let answer = world.get(path, &token).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}");
        for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let kept = answer.header("cache-control").unwrap();
        assert_eq!(kept == "no-store", !path.starts_with("/console/static/"), "{path}: {kept}");
        for inline in [" style=", "<style", " onclick", " onload", "javascript:"] {
            assert!(!answer.body.contains(inline) || path == script, "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn an_account_reaches_what_is_its_own_alone() {
    let world = World::new().await;
    world.put(BUCKET, "mine.csv", "photos-1250000000,a\n").await;
    world.put(FOREIGN, "theirs.csv", "secrets-1251111111,a\n").await;
    let (one, two) = (world.signed_in("AKIDone", "one").await, world.signed_in("AKIDtwo", "two").await);
    let form = world.get("/console/jobs", &one).await.form();
    let fields = format!(
        "form={form}&do=create&token=t&operation=delete&manifest_bucket={BUCKET}&manifest_key=mine.csv&description=private"
    );
    let made = world.post("/console/new", &one, &fields).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let job = made.header("location").unwrap().split('/').nth(3).unwrap().to_owned();
    assert!(world.get(&format!("/console/jobs/{job}"), &one).await.body.contains("private"));

    assert!(!world.get("/console/jobs", &two).await.body.contains("private"));
    for path in ["", "/confirm", "/rows", "/rows.csv"] {
        let answer = world.get(&format!("/console/jobs/{job}{path}"), &two).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("private"), "{path}");
    }
    let form = world.get("/console/jobs", &two).await.form();
    for action in ["confirm", "cancel", "delete", "priority", "retry"] {
        let path = format!("/console/jobs/{job}/{action}");
        assert_eq!(world.post(&path, &two, &format!("form={form}&token=u&priority=1")).await.status, 404, "{action}");
    }
    assert!(!world.get("/console/buckets", &two).await.body.contains(BUCKET));
    for path in [format!("/console/buckets/{BUCKET}"), format!("/console/buckets/{BUCKET}/download?key=mine.csv")] {
        assert_eq!(world.get(&path, &two).await.status, 403, "{path}");
    }
    let body = format!("form={form}&what=all&prefix=&name=x.csv");
    assert_eq!(world.post(&format!("/console/buckets/{BUCKET}/manifest"), &two, &body).await.status, 403);
    let body = format!("form={form}&do=create&token=u&operation=delete&manifest_bucket={BUCKET}&manifest_key=mine.csv");
    let answer = world.post("/console/new", &two, &body).await;
    assert_eq!(answer.status, 400, "not even its ETag is told");
    assert!(answer.body.contains("may not read bucket"), "{}", answer.body);
}

#[tokio::test]
async fn a_console_for_everybody_answers_under_names_of_this_machine_only() {
    let world = World::with(|engine| {
        let own = |host: &str| host.starts_with("127.0.0.1") || host.starts_with("localhost");
        Console::for_everybody(engine, "1250000000".parse().unwrap(), own).unwrap()
    })
    .await;
    assert!(world.get("/console/sign-in", "").await.body.contains("value=\"1250000000\""));
    let answer = world.send("GET", "/console/sign-in", &[("host", "evil.example")], "").await;
    assert_eq!(answer.status, 403);
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers = [("host", "evil.example"), ("origin", "http://evil.example"), kind];
    let answer = world.send("POST", "/console/sign-in", &headers, "id=1250000000").await;
    assert_eq!((answer.status, answer.session()), (403, None));
    let token = world.post("/console/sign-in", "", "id=1251111111").await.session().unwrap();
    assert!(world.get("/console/jobs", &token).await.body.contains("1251111111"));
    assert_eq!(world.post("/console/sign-in", "", "id=not+an+appid").await.status, 403);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    let form = world.get("/console/jobs", &token).await.form();
    let long = format!("form={form}&x={}", "x".repeat(FORM_BYTES_MAX));
    assert_eq!(world.post("/console/new", &token, &long).await.status, 413);
    assert_eq!(world.post("/console/sign-in", "", &"x".repeat(20_000)).await.status, 413, "anybody may send this one");
    assert_eq!(world.post("/console/new", &token, "x=%FF").await.status, 400);
    let origin = format!("http://{}", world.address);
    let cookie = format!("cos-batch-session={token}");
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let headers = [("origin", origin.as_str()), ("cookie", &cookie), ("content-type", kind)];
        assert_eq!(world.send("POST", "/console/new", &headers, "form=x").await.status, 400, "{kind}");
        let path = format!("/console/buckets/{BUCKET}/upload");
        assert_eq!(world.send("POST", &path, &headers, "form=x").await.status, 400, "{kind}");
    }
    for (method, path, status) in [
        ("PUT", "/console/jobs", 405),
        ("DELETE", "/console/jobs/x", 405),
        ("GET", "/console/%FF", 400),
        ("GET", "/console/jobs?x=%FF", 400),
        ("GET", "/console/jobs/x/y/z", 404),
        ("GET", "/consolex", 404),
        ("GET", "/consolejobs", 404),
        ("GET", "/console/jobs?after=x", 400),
    ] {
        let answer = world.send(method, path, &[("cookie", &cookie)], "").await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}
