//! A server that asks approvers and answers by HTTP.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asqav_core::approval::{Acknowledgment, ApprovalRequest, Approver, Votes};
use asqav_receipt::digest::Sha256Digest;

use crate::endpoint::{Endpoint, UrlError};

/// A response longer than this many bytes holds no answers.
const MAX_RESPONSE_LEN: u64 = 256 * 1024;

/// An answer is about 5.5 KB; a line over this many bytes is none.
const MAX_ANSWER_LEN: usize = 64 * 1024;

/// So many answers to one request are looked at, good or not.
const MAX_ANSWERS: usize = 32;

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks by posting each request to a server, as `application/json`
/// ([`ApprovalRequest::to_json`], which holds the arguments), again and again
/// until nobody waits any more. The server knows a request by its `receipt`;
/// it answers each post with what it has by then: status 200 and one
/// [`Acknowledgment::as_json`] per line, or another status and none.
///
/// The server is trusted with the arguments, and to show them as they are: an
/// approver signs for the receipt that commits to them, and sees what the server
/// shows. Only a pinned key's signature counts. One thread waits for each request; it ends
/// at most 30 seconds after the call does.
#[derive(Clone)]
pub struct HttpApprover {
    endpoint: Arc<Endpoint>,
    every: Duration,
}

impl HttpApprover {
    /// Posts to `url` every two seconds. Certificates are checked against the
    /// roots of Mozilla; redirects are not followed.
    ///
    /// # Errors
    /// [`UrlError`] when `url` is not an absolute HTTP or HTTPS URL.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        Ok(Self { endpoint: Arc::new(Endpoint::new(url, TIMEOUT)?), every: Duration::from_secs(2) })
    }

    /// As [`new`](Self::new), and sends `value` as the header `Authorization`,
    /// e.g. `Bearer …`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn authorized(url: &str, value: impl Into<String>) -> Result<Self, UrlError> {
        let mut endpoint = Endpoint::new(url, TIMEOUT)?;
        endpoint.authorize(value.into());
        Ok(Self { endpoint: Arc::new(endpoint), every: Duration::from_secs(2) })
    }

    /// Posts so often; at least 10 ms lie between two posts.
    #[must_use]
    pub fn every(self, every: Duration) -> Self {
        Self { every: every.max(Duration::from_millis(10)), ..self }
    }
}

impl Approver for HttpApprover {
    fn ask(&self, request: Arc<ApprovalRequest>, votes: Votes) {
        let Self { endpoint, every } = self.clone();
        let asking = move || {
            let json = request.to_json();
            let mut taken = HashSet::new();
            while votes.is_open() && taken.len() < MAX_ANSWERS {
                for answer in answers(&endpoint, &json) {
                    if taken.len() < MAX_ANSWERS && taken.insert(Sha256Digest::of(&answer)) {
                        votes.cast(Acknowledgment::from_json(answer));
                    }
                }
                std::thread::sleep(every);
            }
        };
        // Without a thread the votes are dropped, and nobody is left to answer.
        drop(std::thread::Builder::new().name("asqav-approver".to_owned()).spawn(asking));
    }
}

/// What the server has to say by now; nothing if it does not say it as it has
/// to, or is away.
fn answers(endpoint: &Endpoint, json: &[u8]) -> Vec<Vec<u8>> {
    let body = endpoint.post(json).and_then(|mut response| match response.status().as_u16() {
        200 => response.body_mut().with_config().limit(MAX_RESPONSE_LEN).read_to_vec(),
        _ => Ok(Vec::new()),
    });
    let body = body.unwrap_or_else(|error| {
        tracing::warn!(target: "asqav::log", server = endpoint.name(), %error, "no answers to a request");
        Vec::new()
    });
    let lines = body.split(|&byte| byte == b'\n').filter(|line| (1..=MAX_ANSWER_LEN).contains(&line.len()));
    lines.map(<[u8]>::to_vec).collect()
}

impl fmt::Debug for HttpApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpApprover").field("server", &self.endpoint.name()).finish_non_exhaustive()
    }
}
