//! The AWS SDK's reader of the same shape: a job of S3 Batch Operations.

use anyhow::Context as _;
use aws_sdk_s3control::operation::describe_job::{DescribeJob, DescribeJobOutput};
use aws_smithy_runtime_api::{
    client::{
        orchestrator::HttpResponse,
        runtime_plugin::RuntimePlugin as _,
        ser_de::{DeserializeResponse as _, SharedResponseDeserializer},
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};

/// The reader that the SDK's client uses, without the client.
pub(super) struct Reader {
    deserializer: &'static SharedResponseDeserializer,
    config: &'static ConfigBag,
    response: HttpResponse,
}

impl Reader {
    /// For an answer with this body.
    pub(super) fn new(document: String) -> anyhow::Result<Self> {
        let layer = DescribeJob::new().config().context("the operation has a layer")?;
        let mut config = ConfigBag::base();
        config.push_shared_layer(layer);
        // For as long as the program runs: the deserializer is part of its configuration and cannot be had apart.
        let config: &'static ConfigBag = Box::leak(Box::new(config));
        let deserializer = config.load::<SharedResponseDeserializer>().context("it has a deserializer")?;
        let response = HttpResponse::new(StatusCode::try_from(200)?, SdkBody::from(document));
        Ok(Self { deserializer, config, response })
    }

    /// Reads the body.
    ///
    /// # Panics
    ///
    /// If the SDK cannot read it.
    pub(super) fn read(&self) -> DescribeJobOutput {
        let output = self.deserializer.deserialize_nonstreaming_with_config(&self.response, self.config);
        output.expect("the SDK reads it").downcast().expect("what the SDK reads is its output")
    }
}

/// Our document in the words of S3, so that the SDK finds in it what it looks for: it would skip other elements, which is
/// less work. Elements that S3 does not have stay; it skips them.
pub(super) fn in_words_of_s3(document: &str) -> String {
    let mut text = document.to_owned();
    for (ours, theirs) in [
        ("COSPutObjectCopy>", "S3PutObjectCopy>"),
        ("COSGrant>", "member>"),
        ("COSTag>", "member>"),
        (">1760000000<", ">2025-10-09T08:53:20Z<"),
        (">1900000000<", ">2030-03-17T17:46:40Z<"),
        ("COSBatchOperations_CSV_V1", "S3BatchOperations_CSV_20180820"),
        (
            "<member><Key>origin</Key><Value>week42</Value></member>",
            "<entry><key>origin</key><value>week42</value></entry>",
        ),
        ("<member><Key>note</Key><Value>é</Value></member>", "<entry><key>note</key><value>é</value></entry>"),
    ] {
        text = text.replace(ours, theirs);
    }
    text
}
