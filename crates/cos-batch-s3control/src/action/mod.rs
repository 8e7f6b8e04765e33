//! The actions of the API, one file each: its request, how it is read, and its answer.

pub mod create_job;
pub mod describe_job;
pub mod job_tagging;
pub mod list_jobs;
mod query;
mod route;
pub mod update_job_priority;
pub mod update_job_status;

pub use self::route::{ActionName, NoRoute, PATH_PREFIX, route};
use cos_batch_model::{
    ValidationError,
    xml::{DECLARATION, ToXml},
};

use crate::shape::{Form, check_text};

/// Namespace of the documents.
const NAMESPACE: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";

/// An answer as it is sent: declared, and in its namespace.
pub(crate) fn document<T: ToXml>(answer: &T) -> String {
    let plain = answer.to_xml();
    let rest = &plain[1 + T::ELEMENT.len()..];
    format!("{DECLARATION}\n<{} xmlns=\"{NAMESPACE}\"{rest}", T::ELEMENT)
}

/// The id of a job in a path.
pub(crate) fn check_job_id(id: &str) -> Result<(), ValidationError> {
    check_text("JobId", 5, 36, Form::JobId, id)
}
