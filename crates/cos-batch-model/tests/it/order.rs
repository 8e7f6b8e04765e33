//! The order of children on input does not matter.

use cos_batch_model::xml::{self, Mode, ToXml};
use cos_batch_model::{
    ApiError, CreateJobRequest, Job, ListJobsResult, UpdateJobPriorityResult, UpdateJobStatusResult,
};
use proptest::prelude::*;

use crate::strategies as s;

/// An element of a document that the codec wrote: no attributes, no white space between.
enum Node<'x> {
    Text(&'x str),
    Element { name: &'x str, children: Vec<Node<'x>> },
}

/// Lists, in which the order does mean something.
const LISTS: &[&str] =
    &["Fields", "AccessControlGrants", "UserMetadata", "NewObjectTagging", "TagSet", "FailureReasons", "Jobs"];

fn parse<'x>(text: &'x str, name: &'x str) -> (Node<'x>, &'x str) {
    let mut children = Vec::new();
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix("</") {
            let after = after.strip_prefix(name).and_then(|after| after.strip_prefix('>'));
            return (Node::Element { name, children }, after.expect("elements are closed in order"));
        }
        if let Some(inside) = rest.strip_prefix('<') {
            let (child, inside) = inside.split_once('>').unwrap();
            let (node, after) = parse(inside, child);
            children.push(node);
            rest = after;
        } else {
            let end = rest.find('<').unwrap();
            children.push(Node::Text(&rest[..end]));
            rest = &rest[end..];
        }
    }
}

/// Writes a node with its children turned by as much as `turns` says next.
fn write(node: &Node<'_>, turns: &mut impl Iterator<Item = usize>, out: &mut String) {
    match node {
        Node::Text(text) => out.push_str(text),
        Node::Element { name, children } => {
            let mut order: Vec<&Node<'_>> = children.iter().collect();
            if order.len() > 1 && !LISTS.contains(name) {
                // A turn and a swap: enough to bring every child before every other.
                let length = order.len();
                order.rotate_left(turns.next().unwrap() % length);
                order.swap(0, turns.next().unwrap() % length);
            }
            out.push_str(&format!("<{name}>"));
            for child in order {
                write(child, turns, out);
            }
            out.push_str(&format!("</{name}>"));
        }
    }
}

fn shuffled(document: &str, turns: &[usize]) -> String {
    let (root, inside) = document[1..].split_once('>').unwrap();
    let (node, rest) = parse(inside, root);
    assert_eq!(rest, "");
    let mut out = String::new();
    write(&node, &mut turns.iter().copied().cycle(), &mut out);
    out
}

proptest! {
    #[test]
    fn of_requests(request in s::create_request(), turns in prop::collection::vec(0_usize..20, 2..40)) {
        let document = shuffled(&request.to_xml(), &turns);
        let read: Result<CreateJobRequest, _> = xml::from_slice(document.as_bytes(), Mode::Strict);
        prop_assert_eq!(read, Ok(request));
    }

    #[test]
    fn of_jobs(job in s::job(), turns in prop::collection::vec(0_usize..20, 2..40)) {
        let document = shuffled(&job.to_xml(), &turns);
        let read: Result<Job, _> = xml::from_slice(document.as_bytes(), Mode::Strict);
        prop_assert_eq!(read, Ok(job));
    }

    #[test]
    fn of_other_answers(
        list in s::list_result(),
        status in s::status_result(),
        priority in s::priority_request(),
        turns in prop::collection::vec(0_usize..20, 2..40),
    ) {
        let document = shuffled(&list.to_xml(), &turns);
        prop_assert_eq!(xml::from_slice::<ListJobsResult>(document.as_bytes(), Mode::Strict), Ok(list));
        let document = shuffled(&status.to_xml(), &turns);
        prop_assert_eq!(xml::from_slice::<UpdateJobStatusResult>(document.as_bytes(), Mode::Strict), Ok(status));
        let priority = UpdateJobPriorityResult { job_id: priority.job_id, priority: priority.priority };
        let document = shuffled(&priority.to_xml(), &turns);
        prop_assert_eq!(xml::from_slice::<UpdateJobPriorityResult>(document.as_bytes(), Mode::Strict), Ok(priority));
    }

    #[test]
    fn of_errors(error in s::api_error(), turns in prop::collection::vec(0_usize..20, 2..40)) {
        let mut message = error.to_http();
        // The ids are to come from the body.
        message.headers_mut().clear();
        *message.body_mut() = shuffled(&error.to_xml(), &turns).into();
        prop_assert_eq!(ApiError::from_http(&message), error);
    }
}

#[test]
fn the_shuffling_of_these_tests_does_shuffle() {
    assert_eq!(
        shuffled("<r><a>1</a><b>2</b><c><d/></c></r>".replace("<d/>", "<d></d>").as_str(), &[1, 2]),
        "<r><a>1</a><c><d></d></c><b>2</b></r>"
    );
}
