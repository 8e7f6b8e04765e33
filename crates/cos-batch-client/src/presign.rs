//! Requests for somebody else to make.

use std::time::Duration;

use bytes::Bytes;
use cos_batch_model::Action;
use cos_signature::KeyTime;
use http::Request;
use http::header::USER_AGENT;

use crate::{BuildError, Client, SIGNATURE_LIFETIME_MAX};

impl<S> Client<S> {
    /// A request of this account, signed in the query of its address (COS API, request signature): for `lifetime` from
    /// now on, whoever has it can make it, with any HTTP client, as often as they like and without a key. Nothing is sent.
    ///
    /// The address alone is not enough: the request must be sent with its method, its body if it has one, and with its
    /// headers, which are signed, above all `x-cos-appid`. Of `lifetime` parts of a second do not count.
    ///
    /// ```
    /// use cos_batch_client::{Client, Credentials, Endpoint};
    /// use cos_batch_model::DescribeJobRequest;
    /// use std::time::Duration;
    ///
    /// let client = Client::builder()
    ///     .endpoint(Endpoint::url("http://127.0.0.1:9450")?)
    ///     .appid("1250000000".parse()?)
    ///     .credentials(Credentials::new("AKIDEXAMPLE", "exampleSecret"))
    ///     .build()?;
    /// let job_id = "53dc6228-c50b-46f7-8ad7-65e7159f1aae".parse()?;
    /// let request = client.presign(&DescribeJobRequest { job_id }, Duration::from_secs(600))?;
    /// println!("curl -H 'x-cos-appid: {}' '{}'", client.appid(), request.uri());
    /// # assert!(request.uri().query().is_some_and(|query| query.contains("&q-signature=")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::Setting`] where `lifetime` is not 1 s to [`SIGNATURE_LIFETIME_MAX`]; [`BuildError::Missing`] where the
    /// client is anonymous; [`BuildError::Credentials`] where the address becomes too long.
    pub fn presign<A: Action>(&self, action: &A, lifetime: Duration) -> Result<Request<Bytes>, BuildError> {
        let Some(credentials) = self.credentials() else {
            return Err(BuildError::Missing { what: "credentials: without them there is nothing to sign with" });
        };
        let seconds = Duration::from_secs(lifetime.as_secs());
        if seconds.is_zero() || seconds > SIGNATURE_LIFETIME_MAX {
            let actual = format!("{lifetime:?}");
            return Err(BuildError::Setting { setting: "lifetime", rule: "1 s to 24 h", actual });
        }
        let mut request = self.addressed(&action.to_http(self.appid()));
        // Who sends it is somebody else.
        request.headers_mut().remove(USER_AGENT);
        cos_signature::presign(&mut request, credentials, KeyTime::starting_at(self.unix_seconds(), seconds))?;
        Ok(request)
    }
}
