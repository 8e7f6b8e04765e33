//! Calls of functions.

use cos_batch_engine::spec::{CustomSpec, TaskOperation};
use cos_batch_model::ApiError;

use super::{invalid, missing};
use crate::{
    invocation::{SCHEMA_DEFAULT, SCHEMA_WITH_ARGUMENTS},
    shape::{Structure, function_name},
};

/// The only version of a function that there is.
const LATEST: &str = "$LATEST";

/// What LambdaInvoke asks for: the kind of operation that has the function's name. Region and account of an ARN say nothing here.
pub(super) fn spec(asked: &Structure) -> Result<TaskOperation, ApiError> {
    let arn = asked.text("FunctionArn").ok_or_else(|| invalid("LambdaInvoke: FunctionArn is needed"))?;
    let (name, qualifier) =
        function_name(arn).ok_or_else(|| invalid(format!("FunctionArn: {arn} names no function")))?;
    if let Some(other) = qualifier.filter(|qualifier| *qualifier != LATEST) {
        return Err(missing(format!("versions and aliases of functions (FunctionArn names {other})")));
    }
    let schema = asked.text("InvocationSchemaVersion").unwrap_or(SCHEMA_DEFAULT);
    if ![SCHEMA_DEFAULT, SCHEMA_WITH_ARGUMENTS].contains(&schema) {
        return Err(invalid(format!(
            "InvocationSchemaVersion must be {SCHEMA_DEFAULT} or {SCHEMA_WITH_ARGUMENTS}, not {schema}"
        )));
    }
    let arguments = asked.pairs("UserArguments");
    if !arguments.is_empty() && schema != SCHEMA_WITH_ARGUMENTS {
        return Err(invalid(format!("UserArguments need the InvocationSchemaVersion {SCHEMA_WITH_ARGUMENTS}")));
    }
    Ok(TaskOperation::Custom(Box::new(CustomSpec {
        kind: name.to_owned(),
        schema: Some(schema.to_owned()),
        arguments: arguments.iter().cloned().collect(),
    })))
}
