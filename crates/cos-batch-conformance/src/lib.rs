//! Checks that a server or a backend keeps the rules of the COS Batch Operations API. For any implementation, not only
//! for those of this workspace.
//!
//! | look in | for |
//! |---|---|
//! | [`api`] | checks of a [`BatchApi`](cos_batch_model::BatchApi): groups basic, errors, paging, lifecycle |
//! | [`wire`] | the same and more over HTTP, through the seam [`wire::Wire`]: further groups auth, limits, hostile |
//! | [`setup`] | what a run needs to know of the system: accounts, a legal job, a pause, a clock |
//! | [`report`] | what came out: text for people, JSON for programs |
//!
//! Each check has an id that stays (`auth/expired-signature`), a rule in one sentence and the rule's source. A rule that
//! the API's documentation leaves open and that this project settled is told apart ([`report::Basis::Settled`]): a system
//! may have good reasons to differ there.
//!
//! The crate has no runtime, opens no connection and reads no clock: all that comes with the [`setup::Setup`]. Checks
//! work beside other jobs that the system holds, make a bounded number of requests, and delete the jobs that they made;
//! where that is not possible the report lists them. Nearly all of these jobs wait for a confirmation that never comes.
//! Some checks of the group lifecycle run the job of the setup's factory to its end, so it should do no harm.
//!
//! ```
//! # use std::sync::Arc;
//! # use cos_batch_model::{BatchApi, CreateJobRequest, xml};
//! use cos_batch_conformance::{Account, Group, Setup, api};
//!
//! # struct Mine; // offers nothing yet
//! # impl BatchApi for Mine {}
//! # /// A job that the system accepts: its bucket and manifest exist.
//! # fn legal_request() -> CreateJobRequest {
//! #     let document = br#"<CreateJobRequest><ClientRequestToken>any</ClientRequestToken><Manifest><Location>
//! #         <ETag>9e107d9d372bb6826bd81d3542a419d6</ETag>
//! #         <ObjectArn>qcs::cos:local::photos-1250000000/all.csv</ObjectArn></Location><Spec>
//! #         <Fields><member>Bucket</member><member>Key</member></Fields>
//! #         <Format>COSBatchOperations_CSV_V1</Format></Spec></Manifest>
//! #         <Operation><COSDeleteObject/></Operation><Priority>0</Priority><Report><Enabled>false</Enabled></Report>
//! #         <RoleArn>qcs::cam::uin/1:roleName/R</RoleArn></CreateJobRequest>"#;
//! #     xml::from_slice(document, xml::Mode::Strict).expect("it is legal")
//! # }
//! # fn block_on<T>(future: impl Future<Output = T>) -> T {
//! #     let mut future = std::pin::pin!(future);
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop { if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) { return value } }
//! # }
//! # block_on(async {
//! // A job that the system accepts; the system's time; how to wait a little between two looks at a job.
//! let account = Account::anonymous("1250000000".parse()?, legal_request);
//! let setup = Setup::new("run-1", account, || 1_700_000_000, || Box::pin(async {}))?;
//! let report = api::run(Arc::new(Mine), &setup, Group::ALL).await;
//! println!("{report}");
//! # assert!(!report.is_conformant());
//! # assert!(report.failed_ids().any(|id| id == "paging/default-page"));
//! # Ok::<(), cos_batch_model::ValidationError>(())
//! # }).unwrap();
//! ```

pub mod api;
mod bench;
mod check;
pub mod report;
pub mod setup;
mod verdict;
pub mod wire;

pub use report::{Basis, CheckInfo, CheckResult, Group, Outcome, Report};
pub use setup::{Account, Setup};
pub use wire::Wire;
