//! Reading and writing the answer of DescribeJob with every field, about 2.7 KB.

mod pushes;
mod scan;

use cos_batch_model::{
    DescribeJobResult,
    xml::{self, Mode},
};

pub use pushes::{TEXTS, texts, write as pushes};
pub use scan::events;

use crate::{Work, work};

/// The answer, as a message.
const MESSAGE: &str = include_str!("../../../../fixtures/golden/DescribeJob/complete-every-field.response.http");

/// The document, without its declaration.
///
/// # Panics
///
/// If the fixture has no declaration.
pub fn document() -> &'static str {
    MESSAGE.split_once("?>").expect("the fixture is an answer with a declaration").1
}

/// The job in it.
///
/// # Panics
///
/// If it does not decode.
pub fn job() -> DescribeJobResult {
    xml::from_slice(document().as_bytes(), Mode::Strict).expect("the model writes the fixture, so it reads it")
}

pub(crate) fn workloads() -> Vec<(&'static str, Work)> {
    let job = job();
    let bytes = document().as_bytes();
    let texts: [&str; TEXTS] = texts(document()).try_into().expect("the fixture has its texts");
    vec![
        ("scan", work(move || events(bytes))),
        ("decode", work(move || xml::from_slice::<DescribeJobResult>(bytes, Mode::Lenient))),
        ("encode", work(move || xml::to_bytes(&job))),
        ("pushes", work(move || pushes(&texts, bytes.len()))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_about_the_same_document() {
        let texts = texts(document()).try_into().expect("the fixture has its texts");
        assert_eq!(pushes(&texts, document().len()), document());
        assert_eq!(xml::to_bytes(&job()), document());
        // Each element is two events, each text one, and the description has two references with texts between.
        assert!(events(document().as_bytes()) > 2 * TEXTS);
    }
}
