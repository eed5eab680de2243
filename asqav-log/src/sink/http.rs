//! A server that takes checkpoints by HTTP.

use std::time::Duration;

use asqav_receipt::checkpoint::SignedCheckpoint;
use ureq::Agent;
use ureq::http::Uri;

use super::{CheckpointSink, SinkError};

/// Posts each checkpoint file to a server, as `application/json`; any status
/// from 200 to 299 means that it is kept. Redirects are not followed.
pub struct HttpSink {
    url: Uri,
    authorization: Option<String>,
    agent: Agent,
}

impl HttpSink {
    /// Posts to `url`; the server has 30 seconds. Certificates are checked
    /// against the roots of Mozilla.
    ///
    /// # Errors
    /// [`SinkError::Refused`] when `url` is not an absolute HTTP or HTTPS URL.
    pub fn new(url: &str) -> Result<Self, SinkError> {
        let parsed: Uri = url.parse().map_err(|_| SinkError::Refused("not a URL".to_owned()))?;
        if !matches!(parsed.scheme_str(), Some("http" | "https")) || parsed.host().is_none() {
            return Err(SinkError::Refused("not an absolute HTTP or HTTPS URL".to_owned()));
        }
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).max_redirects(0);
        Ok(Self { url: parsed, authorization: None, agent: config.build().into() })
    }

    /// Sends this as the header `Authorization`, e.g. `Bearer …`.
    #[must_use]
    pub fn authorization(mut self, value: impl Into<String>) -> Self {
        self.authorization = Some(value.into());
        self
    }
}

impl CheckpointSink for HttpSink {
    /// Scheme, host and port: paths and queries may hold secrets.
    fn name(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{}://{host}", self.url.scheme_str().unwrap_or("http"))
    }

    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        let mut request = self.agent.post(&self.url).content_type("application/json");
        if let Some(value) = &self.authorization {
            request = request.header("Authorization", value);
        }
        match request.send(checkpoint.to_file()) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(SinkError::Refused(answer.status().to_string())),
            Err(error) => Err(SinkError::Refused(error.to_string())),
        }
    }
}

impl std::fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSink").field("server", &self.name()).finish_non_exhaustive()
    }
}
