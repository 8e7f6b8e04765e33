//! The environment with programs of others, and servers from it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use tokio::{net::TcpStream, time::Instant};

/// What a person needs to read who has no Python.
const NO_PYTHON: &str = "this test needs python3, version 3.8 or newer, with its venv module (Debian and Ubuntu: \
                         `apt install python3 python3-venv`; macOS: `brew install python`; Windows: python.org). \
                         Another interpreter can be named in the environment variable PYTHON";

/// Time for a server to come up on a machine that is busy: a guard, not an expectation.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The folder of programs of the virtual environment, which is made if it is not there. That needs a network once.
pub(super) fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/python/environment.py");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
        let output = Command::new(&python).arg(script).arg(folder).output();
        let output =
            output.unwrap_or_else(|error| panic!("{} cannot be started ({error}): {NO_PYTHON}", python.display()));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the environment cannot be made: {errors}\n{NO_PYTHON}");
        let interpreter: PathBuf = String::from_utf8(output.stdout).unwrap().trim().into();
        interpreter.parent().unwrap().to_owned()
    })
}

/// Ports that nobody listens on now.
pub(super) fn free_ports<const N: usize>() -> [u16; N] {
    // All are held at once, so that they differ.
    let held: [std::net::TcpListener; N] = std::array::from_fn(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// A server in a process of its own. It ends with this value, and also when this process ends in any other way: a shell
/// between the two waits for the end of its input.
#[derive(Debug)]
pub(super) struct Server {
    shell: Child,
    /// What it wrote, to be shown when it does not come up.
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts a program in a scratch folder, which the arguments may name as `{}`.
    pub(super) fn start(program: &Path, arguments: &[String]) -> Self {
        Self::start_with(program, arguments, &[])
    }

    /// With files in the folder: names and contents.
    pub(super) fn start_with(program: &Path, arguments: &[String], files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let log = folder.path().join("log");
        let name = folder.path().display().to_string();
        // The server gets no input of its own, or it would share that of the shell.
        let script = "\"$@\" </dev/null >log 2>&1 & server=$!; cat >/dev/null; kill -9 $server";
        let shell = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(program)
            .args(arguments.iter().map(|argument| argument.replace("{}", &name)))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self { shell, log, _folder: folder }
    }

    /// Waits until something listens on the port, and `ready` is content with it.
    pub(super) async fn wait(&self, port: u16, ready: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + READY_WITHIN;
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        loop {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() && ready().await {
                return;
            }
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let tail = log.lines().rev().take(40).collect::<Vec<_>>();
                panic!(
                    "the server is not ready within {READY_WITHIN:?}; the end of its log, backwards:\n{}",
                    tail.join("\n")
                );
            }
            pause.tick().await;
        }
    }
}

/// SeaweedFS, an object server in the dialect of S3, with one key; gives its address, and takes some seconds to be ready.
/// What listens there first cannot keep anything yet.
pub(super) fn seaweedfs(secret_id: &str, secret_key: &str) -> (Server, u16) {
    let [master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc] = free_ports();
    let settings = format!(
        r#"{{"identities":[{{"name":"tests","credentials":[{{"accessKey":"{secret_id}","secretKey":"{secret_key}"}}],
            "actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
    );
    let arguments = [
        "-logtostderr=true".to_owned(),
        "server".to_owned(),
        "-dir={}".to_owned(),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        // It reports to its makers otherwise.
        "-master.telemetry=false".to_owned(),
        format!("-master.port={master}"),
        format!("-master.port.grpc={master_grpc}"),
        // Each bucket takes several volumes.
        "-master.volumeSizeLimitMB=16".to_owned(),
        "-volume.max=1000".to_owned(),
        format!("-volume.port={volume}"),
        format!("-volume.port.grpc={volume_grpc}"),
        "-filer".to_owned(),
        format!("-filer.port={filer}"),
        format!("-filer.port.grpc={filer_grpc}"),
        "-s3".to_owned(),
        "-s3.autoCreateBucket=false".to_owned(),
        format!("-s3.port={s3}"),
        format!("-s3.port.grpc={s3_grpc}"),
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
        "-s3.config={}/identities.json".to_owned(),
    ];
    let server = Server::start_with(&programs().join("weed"), &arguments, &[("identities.json", &settings)]);
    (server, s3)
}

/// moto, a simulation of S3 that knows archived objects; gives its port.
pub(super) fn moto() -> (Server, u16) {
    let [port] = free_ports();
    let script = programs().join("moto_server").display().to_string();
    let arguments = [script, "-H".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()];
    // By the interpreter: the script's own first line still names where the environment was made.
    (Server::start(&programs().join("python"), &arguments), port)
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends with the server; if it cannot be waited for, it is gone.
        let _ = self.shell.wait();
    }
}
