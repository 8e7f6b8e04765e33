//! Names that want to be more than names.

use cos_batch_engine::view::READ_BYTES_MAX;
use cos_batch_objectstore::{ObjectStore as _, PutRequest};

use crate::world::{BUCKET, GUARD, World};

const NAMES: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7*7 }}</textarea></title><script>",
    "a&b=c#d?e\u{202e}\u{0}\u{7f}/../<b>",
];

#[tokio::test]
async fn hostile_names_are_texts_everywhere() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    let form = world.get("/console/jobs", &token).await.form();
    for name in NAMES.iter().filter(|name| !name.contains('\0')) {
        world.objects.put(PutRequest::new(BUCKET, name, "x".into())).await.unwrap();
    }
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    for (number, name) in NAMES.iter().enumerate() {
        let name = encoded(name);
        let fields = format!(
            "form={form}&do=look&token=t{number}&operation=tag&tags={name}&manifest_bucket={name}&manifest_key={name}\
             &description={name}&target={name}&fields={name}&priority={name}&report_bucket={name}&class={name}"
        );
        let id = format!("/console/jobs/{name}");
        for answer in [
            world.post("/console/new", &token, &fields).await,
            world.get(&format!("/console/new?{fields}"), &token).await,
            world.get(&format!("/console/buckets/{BUCKET}?prefix={name}"), &token).await,
            world.get(&format!("/console/buckets/{name}"), &token).await,
            world.get(&id, &token).await,
            world.get(&format!("{id}/rows?code={name}"), &token).await,
            world.get(&format!("/console/sign-in?next={name}"), "").await,
            world.post("/console/sign-in", "", &format!("id={name}&secret=x&next={name}")).await,
            world.get(&format!("/console/{name}"), &token).await,
        ] {
            for raw in ["<script>alert", "<img src=x", "/../<b>", "' onmouseover='", "</textarea></title>"] {
                assert!(!answer.body.contains(raw), "{name}: {raw}\n{}", answer.body);
            }
            assert!(!answer.head.contains("alert"), "{}", answer.head);
        }
    }
    let list = world.get(&format!("/console/buckets/{BUCKET}"), &token).await.body;
    assert!(list.contains("&#60;script&#62;alert(1)&#60;") || list.contains("&lt;script&gt;"), "it is shown: {list}");
}

/// A page without what goes back in forms, which is what it is.
fn without_values(page: &str) -> String {
    let mut parts = page.split(" value=\"");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    shown.extend(parts.map(|part| part.split_once('"').expect("a value ends").1));
    shown
}

#[tokio::test]
async fn nothing_in_a_job_disguises_itself() {
    const ODD: [char; 3] = ['\u{202e}', '\u{200b}', '\u{2066}'];
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    let form = world.get("/console/jobs", &token).await.form();
    let odd: String = ODD.iter().collect();
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    world.objects.put(PutRequest::new(BUCKET, &format!("there{odd}"), "x".into())).await.unwrap();
    let rows = format!("{BUCKET},{0}\n{BUCKET},{1}\n", encoded(&format!("there{odd}")), encoded(&format!("gone{odd}")));
    let key = format!("lists/{odd}.csv");
    world.objects.put(PutRequest::new(BUCKET, &key, rows.into())).await.unwrap();
    let text = encoded(&format!("night{odd}"));
    let fields = format!(
        "form={form}&token=t&operation=tag&tags=a%3Db&manifest_bucket={BUCKET}&manifest_key={}&description={text}\
         &report_bucket={BUCKET}&report_prefix={text}",
        encoded(&key)
    );
    let checked = world.post("/console/new", &token, &format!("{fields}&do=check")).await;
    let made = world.post("/console/new", &token, &format!("{fields}&do=create")).await;
    let confirm = made.header("location").unwrap_or_else(|| panic!("{}", made.body));
    let job = confirm.strip_suffix("/confirm?done=created").unwrap();
    let until = async |path: &str, sign: &str| {
        loop {
            let answer = world.get(path, &token).await;
            if answer.body.contains(sign) {
                return answer;
            }
        }
    };
    let until = async |path: &str, sign: &str| {
        tokio::time::timeout(GUARD, until(path, sign)).await.unwrap_or_else(|_| panic!("{path} never has {sign}"))
    };
    let before = until(confirm, "<button class=\"go\">").await;
    world.post(&format!("{job}/confirm"), &token, &format!("form={form}")).await;
    let after = until(job, "id=\"status\">Complete<").await;
    for answer in [
        checked,
        before,
        after,
        world.get("/console/jobs", &token).await,
        world.get(&format!("{job}/rows"), &token).await,
        world.get(&format!("{job}/rows?code=NoSuchKey"), &token).await,
        world.get(&format!("{job}/report?file=0"), &token).await,
        world.get(&format!("{job}/report?file=1"), &token).await,
        world.get(&format!("/console/buckets/{BUCKET}"), &token).await,
    ] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let shown = without_values(&answer.body);
        assert!(!shown.contains(ODD), "{}", answer.body);
        assert!(shown.contains("\\u{202e}\\u{200b}\\u{2066}"), "it is shown: {}", answer.body);
    }
}

#[tokio::test]
async fn a_folder_is_listed_once_whatever_is_in_it() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    for key in ["dir/a", "dir/\u{10ffff}", "dir/\u{10ffff}\u{10ffff}x", "dir/\u{10ffff}z/y", "e"] {
        world.put(BUCKET, key, "x").await;
    }
    let list = world.get(&format!("/console/buckets/{BUCKET}"), &token).await.body;
    assert_eq!(list.matches("name=\"folder\"").count(), 1, "{list}");
    assert!(list.contains(">e</a>") && !list.contains("Next page"), "{list}");
}

#[tokio::test]
async fn an_object_is_downloaded_whole_and_never_shown() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    let large = "<html>".repeat(usize::try_from(READ_BYTES_MAX).unwrap() / 3);
    world.objects.put(PutRequest::new(BUCKET, "a/é\".html", large.clone().into())).await.unwrap();
    let answer = world.get(&format!("/console/buckets/{BUCKET}/download?key=a/%C3%A9%22.html"), &token).await;
    assert_eq!((answer.status, answer.body.len()), (200, large.len()));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename*=UTF-8''%C3%A9%22%2Ehtml"));
    assert_eq!(world.get(&format!("/console/buckets/{BUCKET}/download?key=none"), &token).await.status, 404);
}

#[tokio::test]
async fn an_upload_becomes_an_object_below_the_prefix_alone() {
    let world = World::new().await;
    let token = world.signed_in("AKIDone", "one").await;
    let form = world.get("/console/jobs", &token).await.form();
    let origin = format!("http://{}", world.address);
    let cookie = format!("cos-batch-session={token}");
    let send = async |form: &str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"form\"\r\n\r\n{form}\r\n--b\r\nContent-Disposition: form-data; \
             name=\"prefix\"\r\n\r\nlists/\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"../../x.csv\"\r\nContent-Type: text/csv\r\n\r\nphotos-1250000000,a\n\r\n--b--\r\n"
        );
        let kind = ("content-type", "multipart/form-data; boundary=b");
        let path = format!("/console/buckets/{BUCKET}/upload");
        world.send("POST", &path, &[("origin", &origin), ("cookie", &cookie), kind], &body).await
    };
    assert_eq!(send("x").await.status, 403);
    let answer = send(&form).await;
    let place = answer.header("location").unwrap();
    assert!(place.starts_with("/console/new?manifest_bucket=photos-1250000000&manifest_key=lists/x.csv"), "{place}");
    let page = world.get(place, &token).await.body;
    assert!(page.contains("value=\"lists/x.csv\"") && page.contains("name=\"etag\" value=\""), "{page}");
}
