//! How a store is set up.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use super::{
    HttpSettings, HttpStore, Inner,
    credentials::CredentialsSource,
    dialect::{Cos, Dialect, S3},
    endpoint::Endpoint,
    signer::{Scheme, Signer},
    transport::{Connector, Proxy, Tls, Transport},
};
use crate::{
    Capabilities,
    clock::{Clock, wall_clock},
    rules,
};

/// Region that a request to S3 is signed for where none is given; servers other than Amazon's seldom care.
const REGION_DEFAULT: &str = "us-east-1";

/// Which dialect a store speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpDialect {
    /// Tencent COS.
    Cos,
    /// Amazon S3, and what speaks as it does.
    S3,
}

/// Where the name of a bucket stands in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As the first segment of the path: `http://host/bucket/key`.
    Path,
    /// As the first label of the host: `http://bucket.host/key`.
    #[default]
    Virtual,
}

/// Why a store cannot be set up: the setting, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpStoreError(String);

impl fmt::Display for HttpStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HttpStoreError {}

/// A store in the making.
pub struct HttpStoreBuilder {
    dialect: HttpDialect,
    endpoint: String,
    region: Option<String>,
    style: Option<Style>,
    credentials: Option<Arc<dyn CredentialsSource>>,
    ca_file: Option<PathBuf>,
    proxy: Proxy,
    settings: HttpSettings,
    capabilities: Capabilities,
    names: BTreeMap<String, String>,
    clock: Clock,
}

/// The endpoint is not checked yet: it may have a password in it.
impl fmt::Debug for HttpStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStoreBuilder")
            .field("dialect", &self.dialect)
            .field("region", &self.region)
            .field("style", &self.style)
            .field("proxy", &self.proxy)
            .field("settings", &self.settings)
            .field("capabilities", &self.capabilities)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl HttpStoreBuilder {
    pub(super) fn new(dialect: HttpDialect, endpoint: String) -> Self {
        Self {
            dialect,
            endpoint,
            region: None,
            style: None,
            credentials: None,
            ca_file: None,
            proxy: Proxy::None,
            settings: HttpSettings::default(),
            capabilities: Capabilities::ALL,
            names: BTreeMap::new(),
            clock: wall_clock,
        }
    }

    /// Region that requests to S3 are signed for, `us-east-1` unless told otherwise. COS has it in its endpoint.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Where the name of a bucket stands; before the host unless told otherwise or unless the host is an address.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }

    /// What requests are signed with; without any they are not signed.
    #[must_use]
    pub fn credentials(mut self, source: impl CredentialsSource + 'static) -> Self {
        self.credentials = Some(Arc::new(source));
        self
    }

    /// Trusts the certificate authorities of this PEM file, and no others.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Sends requests through this proxy: `http://proxy.example:3128`, with `user:password@` where it asks for them. To a store
    /// behind `https` it only passes bytes on.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Sends requests through the proxy that `http_proxy`, `https_proxy` and `all_proxy` name, unless `no_proxy` does.
    #[must_use]
    pub fn proxy_of_environment(mut self) -> Self {
        self.proxy = Proxy::Environment;
        self
    }

    /// Connections and times.
    #[must_use]
    pub fn settings(mut self, settings: HttpSettings) -> Self {
        self.settings = settings;
        self
    }

    /// What the store can do, for one that has not all of its dialect.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The bucket is called `there` in the store.
    #[must_use]
    pub fn rename(mut self, bucket: impl Into<String>, there: impl Into<String>) -> Self {
        self.names.insert(bucket.into(), there.into());
        self
    }

    /// Takes the time (Unix seconds) from `clock`: signatures carry it.
    #[must_use]
    pub fn clock(mut self, clock: fn() -> i64) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the store. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting cannot be: its name and what is wrong with it.
    pub fn build(self) -> Result<HttpStore, HttpStoreError> {
        let refused = |what: &str, reason: String| HttpStoreError(format!("{what}: {reason}"));
        let endpoint = Endpoint::parse(&self.endpoint).map_err(|reason| refused("endpoint", reason))?;
        let style = match self.style {
            Some(Style::Virtual) if !endpoint.has_subdomains() => {
                let reason = format!("a bucket cannot stand before the address {}: use `path`", endpoint.host());
                return Err(refused("style", reason));
            }
            Some(style) => style,
            None if endpoint.has_subdomains() => Style::Virtual,
            None => Style::Path,
        };
        let HttpSettings { connections_max, .. } = self.settings;
        if !(1..=10_000).contains(&connections_max) {
            return Err(refused("connections_max", format!("must be 1 to 10000, not {connections_max}")));
        }
        let HttpSettings { connect_timeout, response_timeout, gap_timeout, total_timeout, .. } = self.settings;
        let HttpSettings { work_timeout, long_timeout, idle_timeout, .. } = self.settings;
        let answers = [response_timeout, work_timeout, gap_timeout];
        let times = [connect_timeout, total_timeout, long_timeout, idle_timeout];
        if times.iter().chain(&answers).any(Duration::is_zero) {
            return Err(refused("settings", "times must not be 0".to_owned()));
        }
        if let Some(name) = self.names.values().find(|name| !rules::is_bucket_name(name)) {
            return Err(refused("bucket", format!("{name:?} cannot be the name of a bucket")));
        }
        let tls = match &self.ca_file {
            None => Tls::PublicRoots,
            Some(path) => Tls::of_file(path).map_err(|reason| refused("ca_file", reason))?,
        };
        let connector = Connector::new(endpoint.scheme(), endpoint.host(), &tls, &self.proxy, connect_timeout)
            .map_err(|reason| refused("proxy", reason))?;
        let region = self.region.unwrap_or_else(|| REGION_DEFAULT.to_owned());
        // Where a new bucket is to be, which only the default region does not want to be told.
        let elsewhere = self.dialect == HttpDialect::S3 && region != REGION_DEFAULT;
        let location = elsewhere.then(|| region.clone());
        let (dialect, scheme): (&'static dyn Dialect, _) = match self.dialect {
            HttpDialect::Cos => (&Cos, Scheme::Cos),
            HttpDialect::S3 => (&S3, Scheme::SigV4 { region }),
        };
        Ok(HttpStore {
            inner: Arc::new(Inner {
                dialect,
                endpoint,
                style,
                location,
                names: self.names,
                // Whoever is granted something in S3 is no account of COS.
                capabilities: Capabilities {
                    grants: self.capabilities.grants && self.dialect == HttpDialect::Cos,
                    // COS keeps buckets, not objects.
                    lock: self.capabilities.lock && self.dialect == HttpDialect::S3,
                    ..self.capabilities
                },
                signer: Signer::new(scheme, self.credentials, self.clock),
                transport: Transport::new(connector, self.settings),
            }),
        })
    }
}
