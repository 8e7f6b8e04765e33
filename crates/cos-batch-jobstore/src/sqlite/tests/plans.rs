//! No statement may look through more than it answers: plans, and work that does not grow with the store.

use rusqlite::{Connection, Params, StatementStatus, params};
use uuid::Uuid;

use crate::sqlite::{schema, sql};

fn database() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let unbound = rusqlite::params_from_iter(vec![None::<i64>; statement.parameter_count()]);
    let lines = statement.query_map(unbound, |row| row.get(3)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let connection = database();
    let mut statements: Vec<(String, String)> =
        sql::ALL.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for count in [1, 2, 13] {
        statements.push((format!("list by {count} statuses"), sql::list_by_status(count, false)));
        statements.push((format!("list by {count} statuses, newest first"), sql::list_by_status(count, true)));
    }
    // What purging a job does to everything that hangs on it.
    for table in ["job_spec", "event", "file", "shard", "segment", "result", "code"] {
        statements.push((format!("purge of {table}"), format!("DELETE FROM {table} WHERE job = ?1")));
    }
    for (name, text) in statements {
        for line in plan(&connection, &text) {
            let scans = line.starts_with("SCAN") && line != "SCAN CONSTANT ROW";
            assert!(!scans && !line.contains("TEMP B-TREE"), "{name}: {line}\n{text}");
        }
    }
}

#[test]
fn each_look_up_uses_the_index_made_for_it() {
    let connection = database();
    for (text, index) in [
        (sql::LIST, "job_list "),
        (&sql::list_by_status(2, false), "job_list_by_status "),
        (&sql::list_by_status(2, true), "job_list_by_status "),
        (sql::BRIEFS, "job_brief "),
        (sql::TASKS, "job_list_by_status "),
        (sql::SUSPENDED, "job_suspended "),
        (sql::PURGEABLE, "job_ended "),
        (sql::REAP_JOBS, "job_lease "),
        (sql::REAP_SHARDS, "shard_lease "),
        (sql::CLAIM, "shard_ready "),
        (sql::CLAIMABLE, "shard_ready "),
        (sql::CLAIM_FILE, "file_ready "),
        (sql::CLAIMABLE_FILE, "file_ready "),
        (sql::REAP_FILES, "file_lease "),
        (sql::CUT_OFF, "shard_cut_off "),
        (sql::RETRIES, "job_retry "),
        (sql::FAILED_SEGMENTS, "segment_failed "),
    ] {
        let plan = plan(&connection, text);
        assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:?}");
    }
}

/// Jobs from `from` up to `to`, in turns of two tenants, one in ten Active, the others Complete.
fn add_jobs(connection: &Connection, from: u32, to: u32) {
    connection
        .execute(
            "WITH RECURSIVE n (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2)
             INSERT INTO job (id, tenant, token, priority, state, status, terminated_at, version, created_at)
             SELECT unhex(printf('%032x', n)), iif(n % 2, 'odd', 'even'), n, n % 7, '{}',
                    iif(n % 10, 'Complete', 'Active'), iif(n % 10, n, NULL), 0, n FROM n",
            [from, to],
        )
        .unwrap();
    connection
        .execute("INSERT INTO job_spec (job, spec) SELECT num, '{}' FROM job WHERE created_at >= ?1", [from])
        .unwrap();
}

/// Steps of SQLite's machine that a statement takes.
fn steps(connection: &Connection, sql: &str, values: impl Params) -> i32 {
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query(values).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    statement.get_status(StatementStatus::VmStep)
}

fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

#[test]
fn answers_about_jobs_cost_the_same_among_many() {
    let connection = database();
    let cost = |middle: u32| {
        let (after, none) = (id(middle), &[][..]);
        [
            steps(&connection, sql::GET, [after.as_bytes()]),
            steps(&connection, sql::TOKEN, ["even", &(middle - middle % 2).to_string()]),
            steps(&connection, sql::LIST, params!["even", after.as_bytes(), 10]),
            steps(&connection, sql::LIST, params!["odd", none, 10]),
            steps(
                &connection,
                &sql::list_by_status(2, false),
                params!["even", after.as_bytes(), 10, "Active", "Paused"],
            ),
            steps(&connection, sql::BRIEFS, params!["even", "Active", 10]),
            steps(&connection, sql::TENANTS, params!["", 10]),
            steps(&connection, sql::SUSPENDED, params![i64::MAX, 10]),
            steps(&connection, sql::PURGEABLE, params![100, 10]),
            steps(&connection, sql::CLAIMABLE, [after.as_bytes()]),
            steps(&connection, sql::HELD_JOB, params![after.as_bytes(), 1]),
            steps(&connection, sql::REAP_JOBS, [i64::MAX]),
        ]
    };
    add_jobs(&connection, 0, 1_000);
    let among_few = cost(500);
    add_jobs(&connection, 1_000, 100_000);
    assert_eq!(cost(50_000), among_few);
    assert!(among_few.iter().all(|steps| *steps > 0), "{among_few:?}");
}

#[test]
fn finished_shards_are_in_nobodys_way() {
    let connection = database();
    add_jobs(&connection, 0, 1);
    let add_shards = |from: u32, to: u32| {
        connection
            .execute(
                "WITH RECURSIVE n (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2)
                 INSERT INTO shard (job, number, source, first_row, row_count, state, epoch, segments)
                 SELECT 1, n, '{}', n, 1, iif(n % 1000 = 999, 'ready', 'done'), 1, 1 FROM n",
                [from, to],
            )
            .unwrap();
    };
    let cost = |claimed: u32| {
        [
            steps(&connection, sql::CLAIMABLE, [id(0).as_bytes()]),
            steps(&connection, sql::CLAIM, params![1, 77]),
            steps(&connection, sql::HELD_SHARD, params![id(0).as_bytes(), claimed, 2]),
            steps(&connection, sql::CUT_OFF, params![id(0).as_bytes(), -1, 1]),
            steps(&connection, sql::REAP_SHARDS, [76]),
        ]
    };
    add_shards(0, 1_000);
    let among_few = cost(999);
    add_shards(1_000, 100_000);
    assert_eq!(cost(1_999), among_few);
}
