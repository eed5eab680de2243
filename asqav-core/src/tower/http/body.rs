//! Bodies: buffered up to a bound, and given on as they came.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// Bodies that can be buffered; implemented for all of them.
pub trait HttpBody: Body<Data = Bytes> + Unpin {}

impl<B: Body<Data = Bytes> + Unpin> HttpBody for B {}

/// A body of which a first part may have been read already. It gives the same
/// bytes, trailers and error as the body that it was made of.
pub struct Replayed<B: Body> {
    read: Option<Bytes>,
    trailers: Option<HeaderMap>,
    failure: Option<B::Error>,
    rest: Option<B>,
}

impl<B: Body> Replayed<B> {
    const fn new(read: Option<Bytes>, rest: Option<B>) -> Self {
        Self { read, trailers: None, failure: None, rest }
    }

    /// A body that was not touched.
    pub(super) const fn untouched(body: B) -> Self {
        Self::new(None, Some(body))
    }

    /// A body of these bytes.
    pub(super) fn full(bytes: impl Into<Bytes>) -> Self {
        Self::new(Some(bytes.into()), None)
    }

    /// Whether the body failed while it was read.
    pub(super) const fn is_broken(&self) -> bool {
        self.failure.is_some()
    }
}

impl<B: Body> std::fmt::Debug for Replayed<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replayed({} bytes read)", self.read.as_ref().map_or(0, Bytes::len))
    }
}

// Nothing here is pinned but the body itself, which has to be `Unpin`.
impl<B: Body + Unpin> Unpin for Replayed<B> {}

impl<B: Body<Data = Bytes> + Unpin> Body for Replayed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(read) = self.read.take().filter(|read| !read.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.as_ref().is_none_or(Bytes::is_empty)
            && self.trailers.is_none()
            && self.failure.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.as_ref().map_or(0, |read| u64::try_from(read.len()).unwrap_or(u64::MAX));
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint.set_lower(rest.lower().saturating_add(read));
        hint
    }
}

/// What buffering came to.
#[derive(Debug)]
pub(super) struct Buffered<B: Body> {
    /// The body, as if it had not been read.
    pub(super) body: Replayed<B>,
    /// All its bytes, or why they are not here.
    pub(super) bytes: Result<Bytes, Short>,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// It is longer than the bound.
    TooLong,
    /// It failed.
    Failed,
}

/// Reads a body to its end or to `limit` bytes.
#[derive(Debug)]
pub(super) struct Buffering<B> {
    body: Option<B>,
    read: BytesMut,
    trailers: Option<HeaderMap>,
    limit: usize,
}

impl<B> Buffering<B> {
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self { body: Some(body), read: BytesMut::new(), trailers: None, limit }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Future for Buffering<B> {
    type Output = Buffered<B>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Buffered<B>> {
        let this = &mut *self;
        loop {
            let frame = match &mut this.body {
                Some(body) => ready!(Pin::new(body).poll_frame(context)),
                None => None,
            };
            let end = match frame {
                None => Ok(()),
                Some(Err(failure)) => Err(failure),
                Some(Ok(frame)) => {
                    this.take(frame);
                    if this.read.len() <= this.limit {
                        continue;
                    }
                    let read = std::mem::take(&mut this.read).freeze();
                    let body = Replayed::new(Some(read), this.body.take());
                    return Poll::Ready(Buffered { body, bytes: Err(Short::TooLong) });
                }
            };
            let read = std::mem::take(&mut this.read).freeze();
            let mut body = Replayed::new(Some(read.clone()), None);
            body.trailers = this.trailers.take();
            body.failure = end.err();
            let bytes = if body.is_broken() { Err(Short::Failed) } else { Ok(read) };
            return Poll::Ready(Buffered { body, bytes });
        }
    }
}

impl<B> Buffering<B> {
    fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.read.extend_from_slice(&data),
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
    }
}
