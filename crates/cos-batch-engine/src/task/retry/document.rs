//! The page about retries, written from the tables.

use std::fmt::Write as _;

use super::{
    PATIENCE, REST_EACH, REST_FIRST, REST_MANY_MAX, REST_MAX, RETRY_AFTER_MAX, ROW_TIME_MAX, TABLE,
    THROTTLED_WAIT_FIRST, THROTTLED_WAIT_MAX, TRIES_MAX, TRIES_MIN, TRY_TIME_MAX, WAIT_FIRST, WAIT_MAX,
};
use crate::task::repeat::{ASK_SKEW_S, REPEATS};

/// `docs/retries.md`, whole.
#[must_use]
pub fn document() -> String {
    let mut page = format!(
        "# What is tried again\n\n\
         This page is written from the tables in `crates/cos-batch-engine/src/task/` by `cargo xtask docs`.\n\n\
         A task fails only when its last try failed. A failure belongs to a class, by the code of the store's answer; a code \
         that is not in the table is permanent if the stores know it as a refusal, else it goes by its HTTP status: 429 and 503 \
         are throttled, 408 and other 5xx transient (501, 505 and 507 permanent), everything else permanent. An answer 200 with an error inside is an error.\n\n\
         | class | tried again | waits |\n|---|---|---|\n\
         | permanent | never | |\n\
         | transient | up to {TRIES_MAX} tries in all | {} doubling up to {} |\n\
         | throttled | for {} in all | {} doubling up to {}, or as long as `Retry-After` says, at most {} |\n\
         | unreachable | for {} in all | {} doubling up to {} |\n\n\
         Each wait is between half of that and all of it, differently for each row. No row spends more than {} on its tries \
         and waits, where of each try {} count at most (what is beyond may be this process standing still), except that each has \
         {TRIES_MIN} tries however long they take. Where no row of a shard was answered for 10 s before that, and the store \
         does not answer a question about its bucket either, the row does not fail: its shard is put back (see below). Nor does a row fail for which no room is left, until there is some. A job that is cancelled tries nothing \
         again. Each try, the questions below included, counts against the caps on operations per second, and needs a slot \
         of the store; while it waits, a row holds none (on a store that blocks threads it keeps its thread).\n\n\
         ## Codes\n\n| code | class | because |\n|---|---|---|\n",
        text(WAIT_FIRST),
        text(WAIT_MAX),
        text(ROW_TIME_MAX),
        text(THROTTLED_WAIT_FIRST),
        text(THROTTLED_WAIT_MAX),
        text(RETRY_AFTER_MAX),
        text(ROW_TIME_MAX),
        text(WAIT_FIRST),
        text(WAIT_MAX),
        text(ROW_TIME_MAX),
        text(TRY_TIME_MAX),
    );
    for rule in TABLE {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {} | {} | {} |", rule.code, rule.class.name(), rule.because);
    }
    page.push_str(
        "\n## What a repeat leaves behind\n\n\
         Operations are done at least once: a row may be done again after a failure, after a kill (at most a window of rows of \
         each shard), and after a lease was lost. Where no answer came, nobody knows whether the operation was done: such a \
         row is in doubt, and what happens then differs.\n\n\
         | operation | done twice | in doubt | what remains |\n|---|---|---|---|\n",
    );
    for repeat in REPEATS {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            repeat.operation, repeat.done_twice, repeat.in_doubt, repeat.remains
        );
    }
    page.push_str(
        "\nWhat may have been done under an earlier lease of its shard, the first window of rows after each such, is done \
         again without a question: had a sync of the store failed since, the store would still show as done what a loss of \
         power takes.\n",
    );
    let _ = write!(
        page,
        "\n## What is no task\n\n\
         Reading a manifest and writing a report are tried again for {} at a time, whatever the class of what may pass; waits \
         double up to {}. Then the manifest, its shard or the report is put back, gives up its worker, and rests: {}, \
         doubling up to {}, or {} for each piece of work that is in trouble in this process, where that is longer, up to {}. A \
         shard then begins with one row, and with the others once that one is back. Refusals that somebody can mend outside the job (an expired token, no room) are waited for in the \
         same way. A piece of work without any progress for a day (`Config::trouble_time`) ends its job by name.\n\n",
        text(PATIENCE),
        text(THROTTLED_WAIT_MAX),
        text(REST_FIRST),
        text(REST_MAX),
        text(REST_EACH),
        text(REST_MANY_MAX),
    );
    let _ = writeln!(
        page,
        "The stores in this repository that keep versions themselves (memory, folder) name a version after the job and the \
         row: there a repeat never makes a second version. It writes the one there is anew, with what the source is by then; what \
         somebody has set on that version since stays, and one that is held or retained keeps its content. Times of a store and of this machine may differ by {ASK_SKEW_S} \
         seconds in the questions above."
    );
    page
}

fn text(wait: std::time::Duration) -> String {
    match wait.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}
