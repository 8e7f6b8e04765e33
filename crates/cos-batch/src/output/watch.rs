//! All jobs at a glance: a line for each.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use cos_batch_model::{JobListMember, JobStatus};
use unicode_width::UnicodeWidthStr as _;

use super::table::kind;
use crate::text::{clean, cut, percent, short_count, span, things};

/// Observations of a job that its speed is worked out from.
const SAMPLES: usize = 20;

/// Columns of a bar, with its ends.
const BAR: usize = 10;

/// Columns of what is not the bar and not the name: status, figures, spaces.
const FIXED: usize = 73;

/// Fewest columns that are worth a name.
const NAME_MIN: usize = 7;

/// How fast jobs go.
#[derive(Debug, Default)]
pub(crate) struct Rates(BTreeMap<String, VecDeque<(Instant, u64)>>);

impl Rates {
    /// Notes how far jobs are. Those that are not among them any more are forgotten.
    pub(crate) fn observe(&mut self, jobs: &[JobListMember], now: Instant) {
        self.0.retain(|id, _| jobs.iter().any(|job| job.job_id.as_str() == id));
        for job in jobs {
            let samples = self.0.entry(job.job_id.to_string()).or_default();
            if samples.len() == SAMPLES {
                samples.pop_front();
            }
            samples.push_back((now, done(job)));
        }
    }

    /// Tasks in a second.
    fn of(&self, job: &JobListMember) -> Option<u64> {
        let samples = self.0.get(job.job_id.as_str())?;
        let ((from, before), (to, after)) = (samples.front()?, samples.back()?);
        let millis = u64::try_from((*to - *from).as_millis()).ok().filter(|millis| *millis > 0)?;
        Some(after.saturating_sub(*before).saturating_mul(1000) / millis).filter(|rate| *rate > 0)
    }
}

fn done(job: &JobListMember) -> u64 {
    let progress = &job.progress_summary;
    progress.number_of_tasks_succeeded.saturating_add(progress.number_of_tasks_failed)
}

/// What is on the screen: at most `rows` lines of at most `columns` columns.
pub(crate) fn screen(jobs: &[JobListMember], rates: &Rates, columns: usize, rows: usize) -> String {
    let live = jobs.iter().filter(|job| job.status.known().is_none_or(|status| !status.is_final())).count();
    let waiting = jobs.iter().filter(|job| job.status == JobStatus::Suspended).count();
    let mut first = format!("{} not ended", things(live as u64, "job", "jobs"));
    if waiting > 0 {
        first.push_str(&format!(", {waiting} of them waiting for: cos-batch confirm"));
    }
    let mut lines = vec![first];
    // The first line, and one that says what is left out.
    let room = rows.saturating_sub(2).max(1);
    lines.extend(jobs.iter().take(room).map(|job| line(job, rates.of(job), columns)));
    let more = jobs.len().saturating_sub(room);
    if more > 0 {
        lines.push(format!("and {}: cos-batch list", things(more as u64, "more job", "more jobs")));
    }
    lines.iter().map(|line| cut(line.trim_end(), columns).to_owned()).collect::<Vec<_>>().join("\n")
}

fn line(job: &JobListMember, rate: Option<u64>, columns: usize) -> String {
    let progress = &job.progress_summary;
    let (done, total) = (done(job), progress.total_number_of_tasks);
    let filled = usize::try_from(u128::from(done) * (BAR as u128 - 2) / u128::from(total.max(1))).unwrap_or(0);
    let filled = filled.min(BAR - 2);
    let bar = format!("[{}{}]", "=".repeat(filled), " ".repeat(BAR - 2 - filled));
    let share = if total == 0 { String::new() } else { format!("{} %", percent(done, total)) };
    let running = matches!(job.status.known(), Some(JobStatus::Active | JobStatus::Pausing));
    let rate = rate.filter(|_| running);
    let speed = rate.map(|rate| format!("{}/s", short_count(rate))).unwrap_or_default();
    let left = rate.map(|rate| span(Duration::from_secs(total.saturating_sub(done) / rate))).unwrap_or_default();
    let failed = match progress.number_of_tasks_failed {
        0 => String::new(),
        failed => format!("{} bad", short_count(failed)),
    };
    let status = clean(job.status.as_str()).into_owned();
    let id = &job.job_id.as_str()[..job.job_id.as_str().floor_char_boundary(13)];
    let name = match &job.description {
        Some(text) if columns >= FIXED + NAME_MIN => clean(text.as_str()).into_owned(),
        _ => kind(&job.operation).to_owned(),
    };
    let name = cut(&name, columns.saturating_sub(FIXED).max(NAME_MIN)).to_owned();
    let pad = |text: &str, width: usize| format!("{text}{}", " ".repeat(width.saturating_sub(text.width())));
    format!(
        "{} {} {bar} {share:>5} {failed:>9} {speed:>7} {left:>11}  {name}",
        pad(&clean(id), 13),
        pad(cut(&status, 10), 10)
    )
}

#[cfg(test)]
mod tests {
    use cos_batch_model::{JobId, Lenient, OperationKind, Priority, ProgressSummary, Timestamp};

    use super::*;

    fn job(number: usize, status: JobStatus, succeeded: u64, failed: u64, total: u64) -> JobListMember {
        JobListMember {
            creation_time: Timestamp::from_unix_seconds(0).unwrap(),
            description: Some("night\u{1b}[2J of the photos".parse().unwrap_or_else(|_| "night".parse().unwrap())),
            job_id: JobId::new(format!("01a20ba1-cc2e-7f77-b6a4-{number:012}")).unwrap(),
            operation: Lenient::Known(OperationKind::PutObjectCopy),
            priority: Priority::new(1).unwrap(),
            progress_summary: ProgressSummary {
                number_of_tasks_failed: failed,
                number_of_tasks_succeeded: succeeded,
                total_number_of_tasks: total,
            },
            status: status.into(),
            termination_date: None,
        }
    }

    #[test]
    fn a_screen_is_bounded_both_ways() {
        let jobs: Vec<JobListMember> =
            (0..40).map(|number| job(number, JobStatus::Active, u64::MAX, 0, u64::MAX)).collect();
        for (columns, rows) in [(40, 3), (80, 24), (200, 10)] {
            let text = screen(&jobs, &Rates::default(), columns, rows);
            assert!(text.lines().count() <= rows, "{rows}: {text}");
            assert!(text.lines().all(|line| line.width() <= columns), "{columns}: {text}");
            assert!(text.ends_with(": cos-batch list") || columns == 40, "{text}");
        }
    }

    #[test]
    fn lines_tell_what_matters() {
        let mut rates = Rates::default();
        let start = Instant::now();
        let before = [job(1, JobStatus::Active, 1_000, 10, 50_000_000)];
        rates.observe(&before, start);
        let jobs = [
            job(1, JobStatus::Active, 25_001_000, 12, 50_000_000),
            job(2, JobStatus::Suspended, 0, 0, 4),
            job(3, JobStatus::Complete, 4, 0, 4),
            job(4, JobStatus::New, 0, 0, 0),
        ];
        rates.observe(&jobs, start + Duration::from_secs(10));
        let text = screen(&jobs, &rates, 80, 24);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "3 jobs not ended, 1 of them waiting for: cos-batch confirm");
        for part in ["01a20ba1-cc2e Active     [====    ]", " 50 % ", " 12 bad ", "/s ", " 9 s  ", "night"] {
            assert!(lines[1].contains(part), "{part}: {text}");
        }
        assert!(
            lines[2].contains("Suspended") && lines[3].contains("100 %") && lines[4].contains("[        ]"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "nothing steers the terminal: {text}");
    }
}
