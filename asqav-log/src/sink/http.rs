//! A server that takes checkpoints by HTTP.

use std::time::Duration;

use asqav_receipt::checkpoint::SignedCheckpoint;

use super::{CheckpointSink, SinkError};
use crate::endpoint::Endpoint;

/// Posts each checkpoint file to a server, as `application/json`; any status
/// from 200 to 299 means that it is kept. Redirects are not followed.
pub struct HttpSink(Endpoint);

impl HttpSink {
    /// Posts to `url`; the server has 30 seconds. Certificates are checked
    /// against the roots of Mozilla.
    ///
    /// # Errors
    /// [`SinkError::Refused`] when `url` is not an absolute HTTP or HTTPS URL.
    pub fn new(url: &str) -> Result<Self, SinkError> {
        let endpoint = Endpoint::new(url, Duration::from_secs(30));
        endpoint.map(Self).map_err(|error| SinkError::Refused(error.to_string()))
    }

    /// Sends this as the header `Authorization`, e.g. `Bearer …`.
    #[must_use]
    pub fn authorization(mut self, value: impl Into<String>) -> Self {
        self.0.authorize(value.into());
        self
    }
}

impl CheckpointSink for HttpSink {
    /// Scheme, host and port: paths and queries may hold secrets.
    fn name(&self) -> String {
        self.0.name()
    }

    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        match self.0.post(&checkpoint.to_file()) {
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
