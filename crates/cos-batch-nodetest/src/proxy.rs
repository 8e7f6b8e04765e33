//! A way to a server on this machine that can be slow, cut off or silent.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Bytes that go through at once.
const CHUNK: usize = 64 * 1024;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// They go through at once.
    #[default]
    Open,
    /// Each chunk waits for so long, in both directions.
    Slow(Duration),
    /// Nothing goes through, and nobody is told; connections stay.
    Silent,
    /// Connections are refused.
    Closed,
}

/// Connections from a free port of 127.0.0.1 to another one.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: u16,
    way: Mutex<Way>,
    changed: Condvar,
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, (TcpStream, TcpStream)>>,
}

impl Shared {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, (TcpStream, TcpStream)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until bytes may go on. False: never.
    fn pass(&self) -> bool {
        let mut way = self.way();
        loop {
            match *way {
                Way::Open => return true,
                Way::Closed => return false,
                Way::Slow(time) => {
                    let closed = |way: &mut Way| *way != Way::Closed;
                    let waited = self.changed.wait_timeout_while(way, time, closed);
                    return *waited.unwrap_or_else(PoisonError::into_inner).0 != Way::Closed;
                }
                Way::Silent => way = self.changed.wait(way).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(read) = from.read(&mut chunk) {
            if read == 0 || !self.pass() || to.write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

impl Proxy {
    /// Begins to listen.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub fn start(to: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            to,
            way: Mutex::default(),
            changed: Condvar::new(),
            next: AtomicU64::new(0),
            open: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(shared) = weak.upgrade() else { return };
                if *shared.way() != Way::Closed {
                    // A server that is not there refuses, and so does this.
                    let _ = forward(&shared, stream);
                }
            }
        });
        Ok(Self { port, shared })
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on bytes go this way. [`Way::Closed`] cuts off what is open.
    pub fn set(&self, way: Way) {
        *self.shared.way() = way;
        self.shared.changed.notify_all();
        if way == Way::Closed {
            self.cut();
        }
    }

    /// Cuts off the connections that are open.
    pub fn cut(&self) {
        for (one, other) in std::mem::take(&mut *self.shared.open()).into_values() {
            let _ = one.shutdown(Shutdown::Both);
            let _ = other.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The thread that listens ends with the process, and refuses until then.
        self.set(Way::Closed);
    }
}

fn forward(shared: &Arc<Shared>, client: TcpStream) -> io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, shared.to)))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let number = shared.next.fetch_add(1, Ordering::Relaxed);
    shared.open().insert(number, (client.try_clone()?, server.try_clone()?));
    let back = (server.try_clone()?, client.try_clone()?);
    for (from, to) in [(client, server), back] {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            shared.pump(from, to);
            shared.open().remove(&number);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                std::thread::spawn(move || io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
        port
    }

    #[test]
    fn a_way_is_open_silent_and_cut_off() {
        let proxy = Proxy::start(echo()).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        let mut byte = [0];
        stream.write_all(b"a").unwrap();
        stream.read_exact(&mut byte).unwrap();

        proxy.set(Way::Silent);
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        stream.write_all(b"b").unwrap();
        let silent = stream.read_exact(&mut byte).unwrap_err();
        assert_eq!(silent.kind(), io::ErrorKind::WouldBlock);
        proxy.set(Way::Open);
        stream.set_read_timeout(None).unwrap();
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"b", "what was silent goes on");

        proxy.cut();
        assert!(matches!(stream.read(&mut byte), Ok(0) | Err(_)));
        let mut again = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        again.write_all(b"c").unwrap();
        again.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"c");
    }
}
