//! An authority that is asked by HTTP (RFC 3161 §3.4).

use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;

use super::Authority;
use crate::sink::SinkError;

/// An answer is never longer than this, bytes.
const MAX_ANSWER_LEN: u64 = 1 << 20;

/// Posts each request to a server, as `application/timestamp-query`. Redirects
/// are not followed.
pub struct HttpAuthority {
    url: Uri,
    agent: Agent,
}

impl HttpAuthority {
    /// Posts to `url`; the server has 30 seconds. Whether the answer is the
    /// authority's is told by its signature, not by how it came.
    ///
    /// # Errors
    /// [`SinkError::Refused`] when `url` is not an absolute HTTP or HTTPS URL.
    pub fn new(url: &str) -> Result<Self, SinkError> {
        let parsed: Uri = url.parse().map_err(|_| SinkError::Refused("not a URL".to_owned()))?;
        if !matches!(parsed.scheme_str(), Some("http" | "https")) || parsed.host().is_none() {
            return Err(SinkError::Refused("not an absolute HTTP or HTTPS URL".to_owned()));
        }
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).max_redirects(0);
        Ok(Self { url: parsed, agent: config.build().into() })
    }
}

impl Authority for HttpAuthority {
    /// Scheme, host and port: paths and queries may hold secrets.
    fn name(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{}://{host}", self.url.scheme_str().unwrap_or("http"))
    }

    fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, SinkError> {
        let refused = |error: ureq::Error| SinkError::Refused(error.to_string());
        let post = self.agent.post(&self.url).content_type("application/timestamp-query");
        let mut answer = post.send(request).map_err(refused)?;
        if !answer.status().is_success() {
            return Err(SinkError::Refused(answer.status().to_string()));
        }
        answer.body_mut().with_config().limit(MAX_ANSWER_LEN).read_to_vec().map_err(refused)
    }
}

impl std::fmt::Debug for HttpAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpAuthority").field("server", &self.name()).finish_non_exhaustive()
    }
}
