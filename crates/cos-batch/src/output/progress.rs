//! A job's progress, as it goes on.

use std::{
    collections::VecDeque,
    fmt,
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cos_batch_model::{Job, JobStatus, Lenient};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::text::{clean, count, percent, span};

/// Without a terminal, a line is written when the status changes, and else after so long.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The rate is that of the last so many observations.
const SAMPLES: usize = 20;

/// The bar, between status and figures; it takes the columns that they leave.
const TEMPLATE: &str = "{status:10} {wide_bar} {figures}";

/// Said of a job that does not go on by itself.
const WAITS: &str = "waits for: cos-batch confirm";

/// Shows how far a job is: a bar on a terminal, lines elsewhere. Both go to the error output.
pub(crate) struct Progress {
    bar: Option<(ProgressBar, Arc<Mutex<Words>>)>,
    samples: VecDeque<(Instant, u64)>,
    shown: Option<(Lenient<JobStatus>, Instant)>,
}

/// What stands beside the bar. It is changed before the bar is, so that each drawing shows one moment.
#[derive(Debug, Default)]
struct Words {
    status: String,
    figures: String,
}

/// What is said about one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Figures {
    done: u64,
    failed: u64,
    total: u64,
    /// Tasks in a second.
    rate: Option<u64>,
    left: Option<Duration>,
}

impl Progress {
    /// Draws a bar if `live`.
    pub(crate) fn new(live: bool) -> Self {
        let bar = live.then(|| {
            let words = Arc::new(Mutex::new(Words::default()));
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            // The template is a constant, and a test builds it.
            bar.set_style(style(&words).unwrap_or_else(|_| ProgressStyle::default_bar()));
            (bar, words)
        });
        Self { bar, samples: VecDeque::with_capacity(SAMPLES), shown: None }
    }

    /// Shows the job as it is now.
    pub(crate) fn show(&mut self, job: &Job) {
        let now = Instant::now();
        let figures = self.observe(job, now);
        let status = clean(job.status.as_str()).into_owned();
        if let Some((bar, words)) = &self.bar {
            let text = if waits(job) { WAITS.to_owned() } else { figures.short() };
            *locked(words) = Words { status, figures: text };
            bar.update(|state| {
                state.set_len(figures.total.max(1));
                state.set_pos(figures.done);
            });
            bar.force_draw();
            return;
        }
        let due = self.shown.as_ref().is_none_or(|(status, at)| *status != job.status || now - *at >= LINE_INTERVAL);
        if due {
            self.shown = Some((job.status.clone(), now));
            // Progress that nobody can see is no reason to stop waiting.
            let text = if waits(job) { WAITS.to_owned() } else { figures.long() };
            let _ = writeln!(std::io::stderr().lock(), "{status:10}  {text}");
        }
    }

    /// Leaves what was shown last where it is.
    pub(crate) fn end(&self) {
        if let Some((bar, _)) = &self.bar {
            bar.abandon();
            // The bar leaves the cursor behind itself.
            let _ = writeln!(std::io::stderr().lock());
        }
    }

    fn observe(&mut self, job: &Job, now: Instant) -> Figures {
        let progress = job.progress_summary;
        let (failed, total) = (progress.number_of_tasks_failed, progress.total_number_of_tasks);
        let done = progress.number_of_tasks_succeeded.saturating_add(failed);
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now, done));
        let running = matches!(job.status.known(), Some(JobStatus::Active | JobStatus::Pausing));
        let rate = self.rate().filter(|rate| running && *rate > 0);
        let left = rate.map(|rate| Duration::from_secs(total.saturating_sub(done) / rate));
        Figures { done, failed, total, rate, left }
    }

    fn rate(&self) -> Option<u64> {
        let ((from, before), (to, after)) = (self.samples.front()?, self.samples.back()?);
        let millis = u64::try_from((*to - *from).as_millis()).ok().filter(|millis| *millis > 0)?;
        Some(after.saturating_sub(*before).saturating_mul(1000) / millis)
    }
}

fn waits(job: &Job) -> bool {
    job.status == JobStatus::Suspended
}

fn style(words: &Arc<Mutex<Words>>) -> Result<ProgressStyle, indicatif::style::TemplateError> {
    let key = |value: fn(&Words) -> &str| {
        let words = Arc::clone(words);
        move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // It writes to memory, and there is nobody to tell.
            let _ = out.write_str(value(&locked(&words)));
        }
    };
    let style = ProgressStyle::with_template(TEMPLATE)?;
    let style = style.with_key("status", key(|words| &words.status)).with_key("figures", key(|words| &words.figures));
    Ok(style.progress_chars("=> "))
}

fn locked(words: &Mutex<Words>) -> MutexGuard<'_, Words> {
    // Words are replaced as a whole.
    words.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Figures {
    fn short(&self) -> String {
        if self.total == 0 {
            return String::new();
        }
        let mut text = format!("{}/{}", count(self.done), count(self.total));
        if self.failed > 0 {
            text.push_str(&format!("  {} failed", count(self.failed)));
        }
        if let Some(rate) = self.rate {
            text.push_str(&format!("  {}/s", count(rate)));
        }
        if let Some(left) = self.left {
            text.push_str(&format!("  {} left", span(left)));
        }
        text
    }

    fn long(&self) -> String {
        if self.total == 0 {
            return "no tasks counted".to_owned();
        }
        let mut text =
            format!("{} of {} tasks ({} %)", count(self.done), count(self.total), percent(self.done, self.total));
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", count(self.failed)));
        }
        if let Some(rate) = self.rate {
            text.push_str(&format!(", {}/s", count(rate)));
        }
        if let Some(left) = self.left {
            text.push_str(&format!(", {} left", span(left)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_one() {
        assert!(style(&Arc::default()).is_ok());
    }

    #[test]
    fn figures_as_they_are_said() {
        let mut figures = Figures { done: 0, failed: 0, total: 0, rate: None, left: None };
        assert_eq!((figures.short().as_str(), figures.long().as_str()), ("", "no tasks counted"));
        figures = Figures { done: 1_234, total: 10_000, ..figures };
        assert_eq!(figures.short(), "1,234/10,000");
        figures = Figures { failed: 3, rate: Some(812), left: Some(Duration::from_secs(70)), ..figures };
        assert_eq!(figures.short(), "1,234/10,000  3 failed  812/s  1 min 10 s left");
        assert_eq!(figures.long(), "1,234 of 10,000 tasks (12 %), 3 failed, 812/s, 1 min 10 s left");
    }

    #[test]
    fn the_rate_is_that_of_the_last_observations() {
        let mut progress = Progress::new(false);
        let start = Instant::now();
        progress.samples.push_back((start, 100));
        assert_eq!(progress.rate(), None, "one observation has no rate");
        progress.samples.push_back((start + Duration::from_millis(1500), 400));
        assert_eq!(progress.rate(), Some(200));
    }
}
