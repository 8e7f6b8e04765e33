//! UpdateJobPriority: `POST /v20180820/jobs/{id}/priority?priority=…`.

use cos_batch_model::{
    Priority, ValidationError,
    xml::{Encoder, ToXml, XmlElement},
};

use super::query::{Query, number};

/// Reads the new priority from a query.
///
/// # Errors
/// No priority, one out of 0–2147483647, or another parameter.
pub fn read(query: Option<&str>) -> Result<Priority, ValidationError> {
    let mut query = Query::new(query)?;
    let text = query.one("priority")?.ok_or(ValidationError::Missing { field: "priority" })?;
    query.end()?;
    let number = number("priority", 0, i32::MAX.into(), &text)?;
    Priority::new(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateJobPriorityResult<'a> {
    /// The job's id.
    pub job_id: &'a str,
    /// Its priority now.
    pub priority: Priority,
}

impl XmlElement for UpdateJobPriorityResult<'_> {
    const ELEMENT: &'static str = "UpdateJobPriorityResult";
}

impl ToXml for UpdateJobPriorityResult<'_> {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.text("JobId", self.job_id).plain("Priority", self.priority.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities() {
        let read = |query| read(Some(query)).map(Priority::get).map_err(|error| error.to_string());
        assert_eq!(read("priority=0"), Ok(0));
        assert_eq!(read("priority=2147483647"), Ok(2_147_483_647));
        for query in ["", "priority=", "priority=-1", "priority=2147483648", "priority=1&a=b", "priority=1&priority=1"]
        {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
