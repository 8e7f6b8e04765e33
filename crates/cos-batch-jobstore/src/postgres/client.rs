//! Connections: making them, lending them out, and taking the time from the other end.

use std::{
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

use cos_batch_engine::{Clock, UnixMillis};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Client, Row, types::ToSql};

use super::{fault::Fault, options::Options, schema, tls::Connector};

/// How long to wait for a free connection.
const POOL_WAIT: Duration = Duration::from_secs(5);

/// What each connection is told first.
///
/// - `statement_timeout`: nothing here takes long; whoever waits longer waits for a lock or a broken disk.
/// - `idle_in_transaction_session_timeout`: a node that stops in the middle of a transaction (its machine sleeps) must not
///   keep others out of the rows it has locked.
/// - `default_transaction_isolation`: what waited for a lock must see what the other one wrote.
/// - `enable_seqscan`, `enable_bitmapscan`, `jit`, `plan_cache_mode`: every statement has its index, and one plan: to make
///   it takes longer than to carry it out, and one that is made while a table is small must hold when it is large.
/// - `synchronous_commit`: what was answered survives a loss of power, whatever is configured for others.
const SESSION: &str = "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '5s'; \
    SET default_transaction_isolation = 'read committed'; SET enable_seqscan = off; SET enable_bitmapscan = off; \
    SET jit = off; SET plan_cache_mode = force_generic_plan; SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// Connections to one database, and its time.
pub(super) struct Connections {
    pub(super) options: Options,
    connector: Connector,
    pool: Pool,
    pub(super) time: Time,
}

/// A connection that was lent out. One that comes back while a statement is under way, because whoever asked did not wait
/// for the answer, is closed: nobody waits behind it.
pub(super) struct Lent {
    object: Option<Object>,
    busy: Busy,
}

/// Whether a statement is under way.
#[derive(Default)]
struct Busy(AtomicBool);

impl Busy {
    async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.store(true, Ordering::Relaxed);
        let result = work.await;
        self.0.store(false, Ordering::Relaxed);
        result
    }
}

/// A connection that listens: what comes in on it must be polled.
pub(super) type Listening =
    (Client, tokio_postgres::Connection<tokio_postgres::Socket, super::tls::Stream<tokio_postgres::Socket>>);

impl Connections {
    /// Brings the schema up to date on a first connection.
    pub(super) async fn open(options: Options, time: Time) -> Result<Self, Fault> {
        let connector = options.trust.connector().map_err(Fault::Unreachable)?;
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(options.config.clone(), connector.clone(), config);
        let session = session(&options.schema);
        let prepare = Hook::async_fn(move |client, _| {
            let session = session.clone();
            Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT))
            .post_create(prepare)
            .build()
            .map_err(|error| Fault::Unreachable(error.to_string()))?;
        let connections = Self { options, connector, pool, time };
        let mut client = connections.lend().await?;
        let row = client.query_one("SELECT current_setting('server_encoding')", &[]).await?;
        let encoding: String = row.try_get(0)?;
        if encoding != "UTF8" {
            let text = format!("the database has the encoding {encoding}: make one with UTF8");
            return Err(Fault::Corrupt(text));
        }
        schema::migrate(&mut client, &connections.options.schema).await?;
        Ok(connections)
    }

    /// A connection.
    pub(super) async fn lend(&self) -> Result<Lent, Fault> {
        Ok(Lent { object: Some(self.pool.get().await?), busy: Busy::default() })
    }

    /// A connection outside the pool that hears of changes.
    pub(super) fn listen(&self) -> impl Future<Output = Result<Listening, Fault>> + Send + use<> {
        listen(self.options.clone(), self.connector.clone())
    }

    /// Connections there are, and how many of them nobody uses.
    pub(super) fn count(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }
}

async fn listen(options: Options, connector: Connector) -> Result<Listening, Fault> {
    let (client, mut connection) = options.config.connect(connector).await?;
    let listen = format!("{}; LISTEN {}", session(&options.schema), channel(&options.schema));
    let pump = std::future::poll_fn(|cx| {
        loop {
            match connection.poll_message(cx) {
                std::task::Poll::Ready(Some(Ok(_))) => {}
                std::task::Poll::Ready(_) => return std::task::Poll::Ready(()),
                std::task::Poll::Pending => return std::task::Poll::Pending,
            }
        }
    });
    tokio::select! {
        result = client.batch_execute(&listen) => result?,
        () = pump => return Err(Fault::Unreachable("the connection was closed".to_owned())),
    }
    Ok((client, connection))
}

/// What a schema's channel has in its name after that of the schema.
pub(super) const CHANNEL_END: &str = "_changed";

/// Tells whoever listens that there may be something to do.
pub(super) fn channel(schema: &str) -> String {
    format!("{schema}{CHANNEL_END}")
}

fn session(schema: &str) -> String {
    // Its name was checked, and has no character that would need quoting.
    format!("SET search_path = {schema}; {SESSION}")
}

impl Lent {
    fn object(&self) -> &Object {
        match &self.object {
            Some(object) => object,
            // It is taken out in `drop` alone.
            None => unreachable!("a connection is there until it is dropped"),
        }
    }

    /// Rows of a prepared statement.
    pub(super) async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let work = async {
            let statement = self.object().prepare_cached(sql).await?;
            self.object().query(&statement, values).await
        };
        Ok(self.busy.during(work).await?)
    }

    /// The first row of a prepared statement.
    pub(super) async fn row(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Carries out a prepared statement, and tells how many rows it changed.
    pub(super) async fn run(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Fault> {
        let work = async {
            let statement = self.object().prepare_cached(sql).await?;
            self.object().execute(&statement, values).await
        };
        Ok(self.busy.during(work).await?)
    }

    /// Begins a transaction.
    pub(super) async fn transaction(&mut self) -> Result<Transaction<'_>, Fault> {
        match &mut self.object {
            Some(object) => {
                let inner = self.busy.during(object.transaction()).await?;
                Ok(Transaction { inner, busy: &self.busy })
            }
            None => unreachable!("a connection is there until it is dropped"),
        }
    }
}

impl Deref for Lent {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.object()
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Client {
        match &mut self.object {
            Some(object) => object,
            None => unreachable!("a connection is there until it is dropped"),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(object) = self.object.take()
            && self.busy.0.load(Ordering::Relaxed)
        {
            drop(Object::take(object));
        }
    }
}

/// A transaction; dropped, it is rolled back.
pub(super) struct Transaction<'a> {
    inner: deadpool_postgres::Transaction<'a>,
    busy: &'a Busy,
}

impl Transaction<'_> {
    /// Rows of a prepared statement.
    pub(super) async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let work = async {
            let statement = self.inner.prepare_cached(sql).await?;
            self.inner.query(&statement, values).await
        };
        Ok(self.busy.during(work).await?)
    }

    /// The first row of a prepared statement.
    pub(super) async fn row(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Carries out a prepared statement, and tells how many rows it changed.
    pub(super) async fn run(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Fault> {
        let work = async {
            let statement = self.inner.prepare_cached(sql).await?;
            self.inner.execute(&statement, values).await
        };
        Ok(self.busy.during(work).await?)
    }

    /// Commits.
    pub(super) async fn commit(self) -> Result<(), Fault> {
        Ok(self.busy.during(self.inner.commit()).await?)
    }
}

/// The database's time, as far as this machine's clock is from it.
pub(super) struct Time {
    local: Box<dyn Clock>,
    /// In place of the database's clock: the local one is the time.
    fixed: bool,
    /// Milliseconds that the database is ahead.
    ahead: AtomicI64,
    known: AtomicBool,
}

impl Time {
    /// The database's.
    pub(super) fn of_database(local: Box<dyn Clock>) -> Self {
        Self { local, fixed: false, ahead: AtomicI64::new(0), known: AtomicBool::new(false) }
    }

    /// That of this clock.
    pub(super) fn of(clock: Box<dyn Clock>) -> Self {
        Self { local: clock, fixed: true, ahead: AtomicI64::new(0), known: AtomicBool::new(true) }
    }

    /// What statements are told: nothing where the database knows by itself.
    pub(super) fn told(&self) -> Option<UnixMillis> {
        self.fixed.then(|| self.local.now())
    }

    /// The time now, near enough.
    pub(super) fn now(&self) -> UnixMillis {
        self.local.now().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// This machine's clock.
    pub(super) fn local(&self) -> UnixMillis {
        self.local.now()
    }

    /// The database had this time somewhere between `asked` and now.
    pub(super) fn measured(&self, asked: UnixMillis, database: UnixMillis) {
        if !self.fixed {
            let middle = asked.saturating_add(self.local.now().saturating_sub(asked) / 2);
            self.ahead.store(database.saturating_sub(middle), Ordering::Relaxed);
            self.known.store(true, Ordering::Relaxed);
        }
    }

    /// Milliseconds that the database is ahead of this machine, once that is known.
    pub(super) fn ahead(&self) -> Option<i64> {
        self.known.load(Ordering::Relaxed).then(|| self.ahead.load(Ordering::Relaxed))
    }
}
