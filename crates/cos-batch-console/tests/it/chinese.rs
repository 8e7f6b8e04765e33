//! Chinese pages are Chinese, with what the server found as well.

use crate::world::{BUCKET, FOREIGN, World};

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// The findings of a page, each with what it is about.
fn findings(page: &str) -> Vec<&str> {
    let parts = page.split("<li class=\"").skip(1);
    let findings =
        parts.filter(|part| ["good\"><b>", "ask\"><b>", "bad\"><b>"].iter().any(|sign| part.starts_with(sign)));
    findings.map(|part| part.split("</li>").next().unwrap()).collect()
}

#[tokio::test]
async fn every_finding_is_said_in_chinese() {
    let world = World::new().await;
    let session = world.signed_in("AKIDone", "one").await;
    let form = world.get("/console/jobs", &session).await.form();
    // The choice of a language is a cookie beside that of the session.
    let chinese = format!("{session}; cos-batch-lang=zh-CN");
    world.put(BUCKET, "a", "x").await;
    world.put(BUCKET, "in/a", "x").await;
    let lists: [(&str, &'static str); 3] = [
        ("odd.csv", "photos-1250000000,a\nphotos-1250000000,a\nphotos-1250000000,gone\nsecrets-1251111111,x\n"),
        ("prefix.csv", "photos-1250000000,in/a\nphotos-1250000000,a\n"),
        ("empty.csv", ""),
    ];
    for (key, text) in lists {
        world.put(BUCKET, key, text).await;
    }
    let mut seen = 0;
    for (key, operation) in [
        ("odd.csv", format!("operation=copy&target={BUCKET}")),
        ("odd.csv", format!("operation=copy&target={FOREIGN}")),
        ("odd.csv", format!("operation=copy&target=none-1250000000&report_bucket={BUCKET}")),
        ("prefix.csv", format!("operation=copy&target={BUCKET}&prefix_from=in/&prefix_to=x/")),
        ("odd.csv", "operation=delete".to_owned()),
        ("odd.csv", "operation=restore&days=3".to_owned()),
        ("odd.csv", "operation=tag&tags=a%3Db".to_owned()),
        ("empty.csv", "operation=delete".to_owned()),
    ] {
        let fields = format!("form={form}&token=t&do=check&manifest_bucket={BUCKET}&manifest_key={key}&{operation}");
        let page = world.post("/console/new", &chinese, &fields).await.body;
        let found = findings(&page);
        assert!(found.len() > 1, "{key} {operation}: {page}");
        for finding in found {
            let (about, text) = finding.split_once("</b>").unwrap();
            assert!(is_chinese(about) && is_chinese(text), "{key} {operation}: {finding}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    let page = world.get("/console/jobs/none", &chinese).await.body;
    assert!(page.contains("没有此 ID 的任务"), "{page}");
}
