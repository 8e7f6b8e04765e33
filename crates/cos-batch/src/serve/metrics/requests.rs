//! Requests to the API, counted and timed.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use cos_batch_engine::statistics::{Counted, Histogram};
use http::{Request, Response, StatusCode};
use hyper::service::Service;

/// First digits of a status. An answer of another kind is none of ours.
const DIGITS: [&str; 3] = ["2xx", "4xx", "5xx"];

/// How long requests took, by the first digit of the answer's status.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(Arc<[Histogram; DIGITS.len()]>);

impl Requests {
    /// Counts what this service is asked.
    pub(crate) fn count<S>(&self, service: S) -> CountingService<S> {
        CountingService { requests: self.clone(), service }
    }

    pub(super) fn read(&self) -> impl Iterator<Item = (&'static str, Counted)> {
        DIGITS.into_iter().zip(self.0.iter().map(Histogram::read))
    }

    fn ended(&self, status: StatusCode, began: Instant) {
        let place = match status.as_u16() {
            ..400 => 0,
            400..500 => 1,
            500.. => 2,
        };
        self.0[place].observe(began.elapsed());
    }
}

/// A service whose answers are counted.
#[derive(Clone)]
pub(crate) struct CountingService<S> {
    requests: Requests,
    service: S,
}

/// An answer on its way.
pub(crate) struct Counting<F> {
    requests: Requests,
    began: Instant,
    answer: F,
}

impl<S, R, B> Service<Request<R>> for CountingService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Counting<S::Future>;

    fn call(&self, request: Request<R>) -> Self::Future {
        Counting { requests: self.requests.clone(), began: Instant::now(), answer: self.service.call(request) }
    }
}

impl<F, B, E> Future for Counting<F>
where
    F: Future<Output = Result<Response<B>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = ready!(Pin::new(&mut this.answer).poll(context));
        if let Ok(response) = &answer {
            this.requests.ended(response.status(), this.began);
        }
        Poll::Ready(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the status that is asked for.
    struct AsAsked;

    impl Service<Request<u16>> for AsAsked {
        type Response = Response<()>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn call(&self, request: Request<u16>) -> Self::Future {
            std::future::ready(Ok(Response::builder().status(request.into_body()).body(()).unwrap()))
        }
    }

    #[tokio::test]
    async fn answers_are_counted_by_their_status() {
        let requests = Requests::default();
        let counted = requests.count(AsAsked);
        for status in [200, 204, 304, 404, 499, 500, 503] {
            let answer = counted.call(Request::new(status)).await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
        }
        let counts: Vec<_> =
            requests.read().map(|(name, counted)| (name, counted.counts.iter().sum::<u64>())).collect();
        assert_eq!(counts, [("2xx", 3), ("4xx", 2), ("5xx", 2)]);
    }
}
