//! Where a span stands: in which trace, below what, and whether it is kept.
//!
//! All that is done on a job is one trace, whose id is the job's. So spans of any node, before and after any restart, come together
//! without anything being remembered.

use opentelemetry::{
    SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceState},
};
use uuid::Uuid;

/// Which part of the traces is kept. It depends on the trace's id alone, so that all nodes keep the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    ratio: f64,
}

impl Sampling {
    /// Of a number from 0 to 1.
    pub(super) fn new(ratio: f64) -> Self {
        Self { ratio }
    }

    fn keeps(self, trace: u128) -> bool {
        // The largest numbers are rounded up to the bound.
        self.ratio >= 1.0 || (mixed(trace) as f64) < self.ratio * 2_f64.powi(64)
    }
}

/// All bits of an id in each bit of a number. No part of an id of a job is random by itself: it has a time, and a count. The
/// steps are those that SplitMix64 ends with (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, 2014).
fn mixed(id: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "its two halves")]
    let bits = (id >> 64) as u64 ^ id as u64;
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Where a span stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) context: SpanContext,
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
}

impl Place {
    fn new(trace: u128, span: u64, parent: u64, parent_is_remote: bool) -> Self {
        let (trace, span) = (TraceId::from(trace), SpanId::from(span));
        let context = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
        Self { context, parent: SpanId::from(parent), parent_is_remote }
    }

    /// That of a request: below the caller's span, if the caller names one, and then kept if the caller keeps its own.
    pub(super) fn of_request(traceparent: Option<&str>, sampling: Sampling) -> Option<Self> {
        match traceparent.and_then(Caller::read) {
            Some(caller) => caller.sampled.then(|| Self::new(caller.trace, 0, caller.span, true)),
            None => {
                let trace = u128::from(random()?) << 64 | u128::from(random()?);
                sampling.keeps(trace).then(|| Self::new(trace, 0, 0, false))
            }
        }
        .and_then(Self::with_own_id)
    }

    /// That of a piece of work on a job.
    pub(super) fn of_work(job: Uuid, sampling: Sampling) -> Option<Self> {
        let place = Self::new(job.as_u128(), 0, root_of(job), false);
        sampling.keeps(job.as_u128()).then_some(place).and_then(Self::with_own_id)
    }

    /// That of a job as a whole.
    pub(super) fn of_job(job: Uuid, sampling: Sampling) -> Option<Self> {
        sampling.keeps(job.as_u128()).then(|| Self::new(job.as_u128(), root_of(job), 0, false))
    }

    fn with_own_id(mut self) -> Option<Self> {
        let Self { context, .. } = &self;
        let span = SpanId::from(random()?);
        self.context = SpanContext::new(context.trace_id(), span, TraceFlags::SAMPLED, false, TraceState::NONE);
        Some(self)
    }
}

/// The id of the span of a job as a whole: half of the job's. It is never zero, since the variant of an UUID is in it.
fn root_of(job: Uuid) -> u64 {
    job.as_u64_pair().1
}

/// A random number that can be an id: not zero. None without a source of randomness; then there is no span.
fn random() -> Option<u64> {
    getrandom::u64().ok().map(|number| number.max(1))
}

/// Who called, by the header `traceparent`.
#[derive(Debug, PartialEq)]
struct Caller {
    trace: u128,
    span: u64,
    sampled: bool,
}

impl Caller {
    /// Reads the header. One that is wrong counts as none, as W3C Trace Context (section 3.2.2) has it.
    fn read(header: &str) -> Option<Self> {
        let mut fields = header.split('-');
        let mut field = |digits: usize| {
            let text = fields.next()?;
            let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (text.len() == digits && text.bytes().all(lower)).then_some(text)
        };
        let version = field(2)?;
        let trace = u128::from_str_radix(field(32)?, 16).ok()?;
        let span = u64::from_str_radix(field(16)?, 16).ok()?;
        let flags = u8::from_str_radix(field(2)?, 16).ok()?;
        // Later versions may have more behind it.
        let whole = fields.next().is_none();
        if trace == 0 || span == 0 || version == "ff" || version == "00" && !whole {
            return None;
        }
        Some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_caller_is_read_or_counts_as_none() {
        let caller =
            Caller { trace: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, span: 0xb7ad_6b71_6920_3331, sampled: true };
        assert_eq!(Caller::read(HEADER), Some(caller));
        assert!(!Caller::read(&HEADER.replace("-01", "-02")).unwrap().sampled);
        assert!(Caller::read(&format!("{}-more", HEADER.replace("00-", "01-"))).is_some(), "a later version");
        for wrong in [
            "",
            "00",
            &format!("{HEADER}-more"),
            &HEADER.replace("00-", "ff-"),
            &HEADER.to_uppercase(),
            &HEADER.replace("0af7", "+af7"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        ] {
            assert_eq!(Caller::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_stands_below_its_caller_and_is_kept_as_that_is() {
        let (all, none) = (Sampling::new(1.0), Sampling::new(0.0));
        let place = Place::of_request(Some(HEADER), none).unwrap();
        assert_eq!(place.context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((place.parent.to_string().as_str(), place.parent_is_remote), ("b7ad6b7169203331", true));
        assert_eq!(Place::of_request(Some(&HEADER.replace("-01", "-00")), all), None);
        assert_eq!(Place::of_request(Some("nonsense"), none), None);
        assert_eq!(Place::of_request(None, all).unwrap().parent, SpanId::INVALID);
    }

    #[test]
    fn all_work_on_a_job_is_below_the_span_of_the_job() {
        let (job, all) = (Uuid::now_v7(), Sampling::new(1.0));
        let (root, work) = (Place::of_job(job, all).unwrap(), Place::of_work(job, all).unwrap());
        assert_eq!(root.context.trace_id().to_string(), job.simple().to_string());
        assert_eq!((work.parent, work.context.trace_id()), (root.context.span_id(), root.context.trace_id()));
        assert_ne!(work.context.span_id(), root.context.span_id());
        assert!(Place::of_job(job, Sampling::new(0.0)).is_none());
    }

    #[test]
    fn a_ratio_keeps_about_that_part_of_all_jobs() {
        let half = Sampling::new(0.5);
        let kept = (0..4000).filter(|_| half.keeps(Uuid::now_v7().as_u128())).count();
        assert!((1700..2300).contains(&kept), "{kept} of 4000");
        assert!(Sampling::new(1.0).keeps(u128::MAX) && !Sampling::new(0.0).keeps(0));
    }
}
