//! A server that is spoken to by HTTP.

use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, Uri};

/// An HTTP or HTTPS URL, and how it is asked. Redirects are not followed;
/// certificates are checked against the roots of Mozilla.
pub(crate) struct Endpoint {
    url: Uri,
    authorization: Option<String>,
    agent: Agent,
}

/// Not an absolute HTTP or HTTPS URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an absolute HTTP or HTTPS URL")]
#[non_exhaustive]
pub struct UrlError;

impl Endpoint {
    /// Asks `url`; each exchange may take `timeout` in all.
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, UrlError> {
        let url: Uri = url.parse().map_err(|_| UrlError)?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
            return Err(UrlError);
        }
        let config = Agent::config_builder().timeout_global(Some(timeout)).max_redirects(0);
        Ok(Self { url, authorization: None, agent: config.build().into() })
    }

    /// Sends this as the header `Authorization`.
    pub(crate) fn authorize(&mut self, value: String) {
        self.authorization = Some(value);
    }

    /// Scheme, host and port: paths and queries may hold secrets.
    pub(crate) fn name(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{}://{host}", self.url.scheme_str().unwrap_or("http"))
    }

    /// Posts JSON.
    pub(crate) fn post(&self, json: &[u8]) -> Result<Response<ureq::Body>, ureq::Error> {
        let mut request = self.agent.post(&self.url).content_type("application/json");
        if let Some(value) = &self.authorization {
            request = request.header("Authorization", value);
        }
        request.send(json)
    }
}
