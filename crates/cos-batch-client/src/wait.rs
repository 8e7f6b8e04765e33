//! Following a job to its end.

use std::time::Duration;

use cos_batch_model::{Job, JobId, JobStatus, Lenient, ProgressSummary};
use futures_core::Stream;
use futures_util::stream;
use tokio::time::Instant;

use crate::{Client, Error, Transport};

/// Shortest pause between two looks at a job, whatever is asked for: a service is not to be asked without a break.
///
/// Source: ours.
pub const POLL_PAUSE_MIN: Duration = Duration::from_millis(10);

/// How to follow a job.
///
/// ```
/// use std::time::Duration;
///
/// use cos_batch_client::WaitOptions;
///
/// let an_hour = WaitOptions { give_up_after: Some(Duration::from_secs(3600)), ..WaitOptions::default() };
/// assert!(!an_hour.stop_when_suspended);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitOptions {
    /// Pause after a look that shows something new; not shorter than [`POLL_PAUSE_MIN`].
    pub interval_min: Duration,
    /// Longest pause. While nothing changes, each pause is half as long again as the one before, up to this.
    pub interval_max: Duration,
    /// When to end with [`Error::GaveUp`]; never if not given.
    pub give_up_after: Option<Duration>,
    /// Whether a job that waits for a person's confirmation has been followed far enough.
    pub stop_when_suspended: bool,
}

impl Default for WaitOptions {
    /// Pauses from 1 to 15 s, without end, through Suspended.
    fn default() -> Self {
        Self {
            interval_min: Duration::from_secs(1),
            interval_max: Duration::from_secs(15),
            give_up_after: None,
            stop_when_suspended: false,
        }
    }
}

impl<S: Transport> Client<S> {
    /// Looks at a job again and again until it has ended (DescribeJob), and gives every look. The first comes at once,
    /// the last shows the final status.
    ///
    /// Each look is repeated as every call is; the stream ends with the first error that is left, and with
    /// [`Error::GaveUp`] when its time is over.
    pub fn progress(
        &self,
        job_id: &JobId,
        options: WaitOptions,
    ) -> impl Stream<Item = Result<Job, Error>> + Send + Unpin + use<S> {
        let watch = Watch::new(self.clone(), job_id.clone(), options);
        Box::pin(stream::try_unfold(Some(watch), |watch| async move {
            let Some(mut watch) = watch else { return Ok(None) };
            let job = watch.look().await?;
            let go_on = (!watch.is_over(&job)).then_some(watch);
            Ok(Some((job, go_on)))
        }))
    }

    /// Waits until a job has ended, however it did: look at its status. Without a bound in time, also while the job
    /// waits for a confirmation; [`Client::wait_with`] knows bounds.
    ///
    /// # Errors
    ///
    /// As [`Client::describe_job`].
    pub async fn wait(&self, job_id: &JobId) -> Result<Job, Error> {
        self.wait_with(job_id, WaitOptions::default()).await
    }

    /// Waits until a job has ended, or waits for a confirmation if the options say so.
    ///
    /// # Errors
    ///
    /// As [`Client::describe_job`], and [`Error::GaveUp`] when the options' time is over.
    pub async fn wait_with(&self, job_id: &JobId, options: WaitOptions) -> Result<Job, Error> {
        let mut watch = Watch::new(self.clone(), job_id.clone(), options);
        loop {
            let job = watch.look().await?;
            if watch.is_over(&job) {
                return Ok(job);
            }
        }
    }
}

struct Watch<S> {
    client: Client<S>,
    job_id: JobId,
    options: WaitOptions,
    /// Since the first look.
    begun: Option<Instant>,
    /// What the last look showed of what changes.
    seen: Option<(Lenient<JobStatus>, ProgressSummary)>,
    /// Pause before the next look.
    pause: Duration,
}

impl<S: Transport> Watch<S> {
    fn new(client: Client<S>, job_id: JobId, mut options: WaitOptions) -> Self {
        options.interval_min = options.interval_min.max(POLL_PAUSE_MIN);
        options.interval_max = options.interval_max.max(options.interval_min);
        Self { client, job_id, pause: options.interval_min, options, begun: None, seen: None }
    }

    fn is_over(&self, job: &Job) -> bool {
        match job.status.known() {
            Some(JobStatus::Suspended) => self.options.stop_when_suspended,
            Some(status) => status.is_final(),
            // What a newer server calls its job's status is surely no end that we know.
            None => false,
        }
    }

    /// Pauses if this is not the first look, then looks; all within the time.
    async fn look(&mut self) -> Result<Job, Error> {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        // A time so far away that it cannot be counted is none.
        let end = self.options.give_up_after.and_then(|after| begun.checked_add(after));
        if self.seen.is_some() {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            tokio::time::sleep(left.map_or(self.pause, |left| left.min(self.pause))).await;
            if left.is_some_and(|left| left <= self.pause) {
                return Err(self.gave_up());
            }
        }
        let describe = self.client.describe_job(&self.job_id);
        let looked = match end {
            Some(end) => tokio::time::timeout_at(end, describe).await,
            None => Ok(describe.await),
        };
        let Ok(job) = looked else { return Err(self.gave_up()) };
        let job = job?;
        let shown = Some((job.status.clone(), job.progress_summary));
        let longer = self.pause.saturating_mul(3) / 2;
        self.pause = if self.seen == shown { longer.min(self.options.interval_max) } else { self.options.interval_min };
        self.seen = shown;
        Ok(job)
    }

    fn gave_up(&self) -> Error {
        Error::GaveUp {
            job_id: self.job_id.clone(),
            after: self.options.give_up_after.unwrap_or_default(),
            status: self.seen.as_ref().map(|(status, _)| status.clone()),
        }
    }
}
