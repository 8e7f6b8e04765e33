//! Reading and writing the answer of DescribeJob with every field, about 2.7 KB.

mod aws;
mod plain;
mod smithy;

use anyhow::{Context as _, ensure};
use cos_batch_figures::{Goal, Row, Spread};
use cos_batch_instructions::codec::{self as workload, document, events, pushes};
use cos_batch_model::{
    DescribeJobResult,
    xml::{self, Mode},
};

use crate::{
    Outcome, Settings,
    contender::{self, Contender, Contest, OURS},
};

const DECODE: &str = "read DescribeJobResult";
const ENCODE: &str = "write DescribeJobResult";
const SCAN: &str = "quick-xml, events only";
const SERDE: &str = "quick-xml with serde";
const AWS: &str = "aws-sdk-s3control";
const SMITHY: &str = "aws-smithy-xml";
/// Makes one allocation for each text, list and box that the job owns.
const CLONE: &str = "a clone of the job";
const PUSHES: &str = "pushes of ready texts";

/// Who reads and writes it. All that write are seen to write the same bytes, all that read to have read the same job.
///
/// # Errors
///
/// If the fixture cannot be read, or contenders do not agree.
pub fn contests() -> anyhow::Result<Vec<Contest>> {
    Ok(vec![decode()?, encode()?])
}

fn decode() -> anyhow::Result<Contest> {
    let document = document();
    let ours: DescribeJobResult = xml::from_slice(document.as_bytes(), Mode::Lenient)?;
    let plain: plain::DescribeJobResult = quick_xml::de::from_str(document)?;
    ensure!(plain.job.job_id == ours.job.job_id.as_str() && plain.job.report.prefix == "batch-reports");
    let theirs = aws::in_words_of_s3(document);
    ensure!(theirs.len().abs_diff(document.len()) * 50 < document.len(), "the documents are about equally long");
    let aws = aws::Reader::new(theirs)?;
    let output = aws.read();
    let job = output.job().context("the SDK finds the job")?;
    let copy = job.operation().and_then(|operation| operation.s3_put_object_copy()).context("and its operation")?;
    ensure!(job.job_id() == Some(ours.job.job_id.as_str()) && job.termination_date().is_some());
    ensure!(copy.access_control_grants().len() == 1 && copy.new_object_tagging().len() == 1);
    ensure!(copy.new_object_metadata().and_then(|found| found.user_metadata()).map(|map| map.len()) == Some(2));
    ensure!(copy.modified_since_constraint().map(|time| time.secs()) == Some(1_760_000_000));
    let contenders = vec![
        Contender::new(OURS, move || xml::from_slice::<DescribeJobResult>(document.as_bytes(), Mode::Lenient)),
        Contender::new("ours, strict", move || xml::from_slice::<DescribeJobResult>(document.as_bytes(), Mode::Strict)),
        Contender::new(SERDE, move || quick_xml::de::from_str::<plain::DescribeJobResult>(document)),
        Contender::new(AWS, move || aws.read()),
        Contender::new(CLONE, move || ours.clone()),
        Contender::new(SCAN, move || events(document.as_bytes())),
    ];
    Ok(Contest { what: DECODE, contenders })
}

fn encode() -> anyhow::Result<Contest> {
    let document = document();
    let ours: DescribeJobResult = xml::from_slice(document.as_bytes(), Mode::Strict)?;
    let for_serde: plain::DescribeJobResult = quick_xml::de::from_str(document)?;
    let for_smithy = for_serde.clone();
    let texts: [&str; workload::TEXTS] =
        workload::texts(document).try_into().ok().context("the document has its texts")?;
    ensure!(xml::to_bytes(&ours) == document, "we write the document");
    ensure!(pushes(&texts, document.len()) == document, "pushes write the document");
    // quick-xml and smithy replace more than needs be, which is the only difference.
    let same = |text: String| text.replace("&quot;", "\"") == document;
    ensure!(same(smithy::write(&for_smithy)), "smithy writes the document");
    ensure!(same(quick_xml::se::to_string(&for_serde)?), "serde writes the document");
    let contenders = vec![
        Contender::new(OURS, move || xml::to_bytes(&ours)),
        Contender::new(SERDE, move || quick_xml::se::to_string(&for_serde)),
        Contender::new(SMITHY, move || smithy::write(&for_smithy)),
        Contender::new(PUSHES, move || pushes(&texts, document.len())),
    ];
    Ok(Contest { what: ENCODE, contenders })
}

/// Measures reading and writing.
///
/// # Errors
///
/// As for [`contests`].
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let counts = contender::allocations(settings)?;
    let mut rows = Vec::new();
    for mut contest in contests()? {
        let times = contender::times(settings.rounds, &mut contest)?;
        let counted = counts.get(contest.what).context("allocations were counted")?;
        let time = |name: &str| times.get(name).cloned().unwrap_or_default();
        let count = |name: &str| Spread::exact(counted.get(name).copied().unwrap_or_default());
        let (mut row, mut memory) = (
            Row::new(contest.what, "µs CPU", time(OURS)),
            Row::new(format!("{}, allocations", contest.what), "allocations", count(OURS)),
        );
        for contender in contest.contenders.iter().skip(1) {
            let name = contender.name;
            row = if [SCAN, CLONE, PUSHES].contains(&name) {
                row.limit(name, time(name))
            } else {
                row.peer(name, time(name))
            };
            memory = memory.peer(name, count(name));
        }
        if contest.what == DECODE {
            row = row.goal(Goal::times_less(4.0, AWS)).goal(Goal::times_less(2.0, SERDE));
            row = row.goal(Goal::at_most_times(1.5, SCAN));
            memory = memory.goal(Goal::at_most_times(1.0, CLONE));
        } else {
            row = row.goal(Goal::times_less(4.0, SMITHY)).goal(Goal::at_most_times(1.2, PUSHES));
            memory = memory.goal(Goal::AtMost(1.0));
        }
        rows.extend([row, memory]);
    }
    let versions = ["quick-xml", "serde", AWS, SMITHY].map(|name| settings.version_of(name));
    Ok(Outcome { rows, versions: versions.into_iter().collect::<anyhow::Result<_>>()?, ..Outcome::default() })
}
