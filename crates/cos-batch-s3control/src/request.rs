//! Requests with a body: CreateJob and PutJobTagging.

use cos_batch_model::{
    DecodeError, DecodeErrorKind, ValidationError,
    xml::{self, Decoder, Encoder, FromXml, Mode, ToXml, XmlElement},
};

use crate::{
    shape::{Structure, read_structure, write_members},
    shapes::job::{CREATE_JOB, PUT_JOB_TAGGING},
};

/// Most tags of a job.
///
/// Source: S3 user guide, *Controlling access and labeling jobs using tags*.
pub const JOB_TAGS_MAX: usize = 50;

/// A job to be made: a document that keeps to its shape, and to the rules between its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateJobRequest(Structure);

impl CreateJobRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// The first rule of the service model that it breaks; `Rule` for those that the model has in words only.
    pub fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let request: Self = xml::from_slice(body, Mode::Strict)?;
        request.check().map_err(|error| DecodeError {
            path: Self::ELEMENT.to_owned(),
            offset: 0,
            kind: DecodeErrorKind::from(error),
        })?;
        Ok(request)
    }

    fn check(&self) -> Result<(), ValidationError> {
        if self.0.get("Manifest").is_some() == self.0.get("ManifestGenerator").is_some() {
            let rule = "or else ManifestGenerator must be given, and not both";
            return Err(ValidationError::Rule { field: "Manifest", rule });
        }
        if let Some(report) = self.0.structure("Report").filter(|report| report.flag("Enabled")) {
            for field in ["Bucket", "Format", "ReportScope"] {
                if report.get(field).is_none() {
                    return Err(ValidationError::Missing { field });
                }
            }
        }
        check_tags(&self.0)
    }

    /// Its members.
    #[must_use]
    pub fn members(&self) -> &Structure {
        &self.0
    }
}

/// Tags of a job are few, and no key comes twice.
fn check_tags(request: &Structure) -> Result<(), ValidationError> {
    let mut keys: Vec<&str> = request.structures("Tags").filter_map(|tag| tag.text("Key")).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|two| two[0] == two[1]) {
        return Err(ValidationError::Rule { field: "Tags", rule: "has a key twice" });
    }
    Ok(())
}

impl XmlElement for CreateJobRequest {
    const ELEMENT: &'static str = "CreateJobRequest";
}

impl FromXml for CreateJobRequest {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        read_structure(decoder, &CREATE_JOB, Self::ELEMENT).map(Self)
    }
}

impl ToXml for CreateJobRequest {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        write_members(encoder, &self.0)
    }
}

/// A set of tags that replaces the one there is.
#[derive(Clone, Debug, PartialEq)]
pub struct PutJobTaggingRequest(Structure);

impl PutJobTaggingRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let request: Self = xml::from_slice(body, Mode::Strict)?;
        check_tags(&request.0).map_err(|error: ValidationError| DecodeError {
            path: Self::ELEMENT.to_owned(),
            offset: 0,
            kind: error.into(),
        })?;
        Ok(request)
    }

    /// Its members.
    #[must_use]
    pub fn members(&self) -> &Structure {
        &self.0
    }
}

impl XmlElement for PutJobTaggingRequest {
    const ELEMENT: &'static str = "PutJobTaggingRequest";
}

impl FromXml for PutJobTaggingRequest {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        read_structure(decoder, &PUT_JOB_TAGGING, Self::ELEMENT).map(Self)
    }
}
