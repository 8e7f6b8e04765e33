//! The log has one line for each request, and nothing that is secret.

use std::{
    io,
    sync::{Arc, Mutex},
};

use crate::support::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_line_for_each_request() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let service = strict(Recorder::default());
    send(&service, signed(create())).await;
    refused(&service, plain("GET", "/jobs/%0A?secret=1", "")).await;
    drop(guard);

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let found: Vec<&str> = text.lines().collect();
    assert_eq!(found.len(), 2, "{text}");
    for part in [r#"method="POST""#, "path=/jobs ", "status=200", r#"code="""#, r#"appid="1250000000""#, "micros="] {
        assert!(found[0].contains(part), "{part}: {}", found[0]);
    }
    for part in ["path=/jobs/%0A ", "status=400", r#"code="InvalidArgument""#, r#"appid="""#, "request_id="] {
        assert!(found[1].contains(part), "{part}: {}", found[1]);
    }
    for secret in ["q-signature", "CreateJobRequest", "secret", SECRET_ID, SECRET_KEY] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
