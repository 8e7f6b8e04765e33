//! Checks as data, and running them.

use cos_batch_model::BoxFuture;

use crate::{
    bench::Bench,
    report::{Basis, CheckInfo, CheckResult, Group, Outcome, Report},
    verdict::{Miss, Verdict},
};

/// One rule and how to check it on a bench `B`.
pub(crate) struct Check<B: 'static> {
    pub(crate) id: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) basis: Basis,
    pub(crate) source: &'static str,
    pub(crate) run: for<'a> fn(&'a B) -> BoxFuture<'a, Verdict>,
}

impl<B> Check<B> {
    pub(crate) fn info(&self) -> CheckInfo {
        CheckInfo { id: self.id, rule: self.rule, basis: self.basis, source: self.source }
    }
}

/// A list of checks: `"id", Basis "source", "rule" => function;`
macro_rules! checks {
    ($($id:literal, $basis:ident $source:literal, $rule:literal => $run:path;)+) => {
        &[$($crate::check::Check {
            id: $id,
            rule: $rule,
            basis: $crate::report::Basis::$basis,
            source: $source,
            run: |bench| Box::pin($run(bench)),
        }),+]
    };
}

pub(crate) use checks;

/// Runs checks one after the other, those of the groups asked for, and cleans up after each.
pub(crate) async fn run<B>(checks: &[Check<B>], on: &B, bench: &Bench, groups: &[Group], report: &mut Report) {
    for check in checks.iter().filter(|check| groups.contains(&check.info().group())) {
        bench.begin();
        let outcome = match (check.run)(on).await {
            Ok(()) => Outcome::Passed,
            Err(Miss::Failed { expected, found }) => Outcome::Failed { expected, found },
            Err(Miss::Skipped { why }) => Outcome::Skipped { why },
        };
        bench.clean_up().await;
        report.checks.push(CheckResult { check: check.info(), outcome });
    }
    report.requests = bench.requests();
    report.left_behind = bench.left_behind();
}

#[cfg(test)]
mod tests {
    use crate::{api, report::Group, wire};

    #[test]
    fn ids_are_unique_and_begin_with_their_group() {
        for infos in [api::checks(), wire::checks()] {
            for (index, info) in infos.iter().enumerate() {
                assert!(infos[..index].iter().all(|other| other.id != info.id), "{} twice", info.id);
                let (group, name) = info.id.split_once('/').unwrap();
                assert_eq!(info.group().as_str(), group);
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
                assert!(!info.rule.is_empty() && !info.rule.ends_with('.') && !info.source.is_empty(), "{}", info.id);
            }
        }
        let has = |infos: &[crate::CheckInfo], group| infos.iter().any(|info| info.group() == group);
        assert!(Group::ALL.iter().all(|group| has(&wire::checks(), *group)));
        assert_eq!(Group::ALL.iter().filter(|group| has(&api::checks(), **group)).count(), 4);
    }
}
