//! The limit of writing: the same bytes, tag by tag and text by text, from texts that are already as they stand in the
//! document: numbers and times spelled out, markup replaced.

/// How many texts the document has.
pub const TEXTS: usize = 55;

macro_rules! element {
    ($out:ident, $name:literal, $text:expr) => {
        $out.push_str(concat!("<", $name, ">"));
        $out.push_str($text);
        $out.push_str(concat!("</", $name, ">"));
    };
}

/// Writes the texts, in the order of the document, into a string that is long enough from the start.
pub fn write(texts: &[&str; TEXTS], length: usize) -> String {
    let mut out = String::with_capacity(length);
    out.push_str("<DescribeJobResult>");
    out.push_str("<Job>");
    element!(out, "ClientRequestToken", texts[0]);
    element!(out, "ConfirmationRequired", texts[1]);
    element!(out, "CreationTime", texts[2]);
    element!(out, "Description", texts[3]);
    element!(out, "JobId", texts[4]);
    out.push_str("<Manifest>");
    out.push_str("<Location>");
    element!(out, "ETag", texts[5]);
    element!(out, "ObjectArn", texts[6]);
    element!(out, "ObjectVersionId", texts[7]);
    out.push_str("</Location>");
    out.push_str("<Spec>");
    out.push_str("<Fields>");
    element!(out, "member", texts[8]);
    element!(out, "member", texts[9]);
    element!(out, "member", texts[10]);
    element!(out, "member", texts[11]);
    out.push_str("</Fields>");
    element!(out, "Format", texts[12]);
    out.push_str("</Spec>");
    out.push_str("</Manifest>");
    out.push_str("<Operation>");
    out.push_str("<COSPutObjectCopy>");
    element!(out, "AccessControlDirective", texts[13]);
    out.push_str("<AccessControlGrants>");
    out.push_str("<COSGrant>");
    out.push_str("<Grantee>");
    element!(out, "DisplayName", texts[14]);
    element!(out, "Identifier", texts[15]);
    element!(out, "TypeIdentifier", texts[16]);
    out.push_str("</Grantee>");
    element!(out, "Permission", texts[17]);
    out.push_str("</COSGrant>");
    out.push_str("</AccessControlGrants>");
    element!(out, "PrefixReplace", texts[18]);
    element!(out, "ResourcesPrefix", texts[19]);
    element!(out, "TargetKeyPrefix", texts[20]);
    element!(out, "CannedAccessControlList", texts[21]);
    element!(out, "MetadataDirective", texts[22]);
    element!(out, "ModifiedSinceConstraint", texts[23]);
    element!(out, "UnModifiedSinceConstraint", texts[24]);
    out.push_str("<NewObjectMetadata>");
    element!(out, "CacheControl", texts[25]);
    element!(out, "ContentDisposition", texts[26]);
    element!(out, "ContentEncoding", texts[27]);
    element!(out, "ContentType", texts[28]);
    element!(out, "HttpExpiresDate", texts[29]);
    element!(out, "SSEAlgorithm", texts[30]);
    out.push_str("<UserMetadata>");
    out.push_str("<member>");
    element!(out, "Key", texts[31]);
    element!(out, "Value", texts[32]);
    out.push_str("</member>");
    out.push_str("<member>");
    element!(out, "Key", texts[33]);
    element!(out, "Value", texts[34]);
    out.push_str("</member>");
    out.push_str("</UserMetadata>");
    out.push_str("</NewObjectMetadata>");
    element!(out, "TaggingDirective", texts[35]);
    out.push_str("<NewObjectTagging>");
    out.push_str("<COSTag>");
    element!(out, "Key", texts[36]);
    element!(out, "Value", texts[37]);
    out.push_str("</COSTag>");
    out.push_str("</NewObjectTagging>");
    element!(out, "StorageClass", texts[38]);
    element!(out, "TargetResource", texts[39]);
    out.push_str("</COSPutObjectCopy>");
    out.push_str("</Operation>");
    element!(out, "Priority", texts[40]);
    out.push_str("<ProgressSummary>");
    element!(out, "NumberOfTasksFailed", texts[41]);
    element!(out, "NumberOfTasksSucceeded", texts[42]);
    element!(out, "TotalNumberOfTasks", texts[43]);
    out.push_str("</ProgressSummary>");
    out.push_str("<Report>");
    element!(out, "Bucket", texts[44]);
    element!(out, "Enabled", texts[45]);
    element!(out, "Format", texts[46]);
    element!(out, "Prefix", texts[47]);
    element!(out, "ReportScope", texts[48]);
    out.push_str("</Report>");
    element!(out, "RoleArn", texts[49]);
    element!(out, "Status", texts[50]);
    element!(out, "StatusUpdateReason", texts[51]);
    element!(out, "SuspendedCause", texts[52]);
    element!(out, "SuspendedDate", texts[53]);
    element!(out, "TerminationDate", texts[54]);
    out.push_str("</Job>");
    out.push_str("</DescribeJobResult>");
    out
}

/// The texts of a document, as they stand there.
pub fn texts(document: &str) -> Vec<&str> {
    let pieces = document.split('<').filter_map(|piece| piece.split_once('>'));
    pieces.map(|(_, text)| text).filter(|text| !text.is_empty()).collect()
}
