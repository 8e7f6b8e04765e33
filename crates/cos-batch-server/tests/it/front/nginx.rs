//! An nginx of the test's own.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::support::socket::patiently;

/// Where packages put it, apart from where everybody looks.
const PLACES: [&str; 3] = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"];

/// How bodies go through.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bodies {
    /// They are read to their end first, and passed on with their length.
    Whole,
    /// They are passed on as they come; chunks as chunks.
    AsTheyCome,
}

pub(super) fn is_there() -> bool {
    program().is_some()
}

fn program() -> Option<&'static str> {
    let starts = |place: &&str| {
        let mut command = Command::new(place);
        command.arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    PLACES.into_iter().find(|place| starts(place))
}

pub(super) struct Nginx {
    child: Child,
    place: TempDir,
}

impl Nginx {
    /// In front of a server. Whoever says nothing for a moment is given up, so that each case ends soon.
    pub(super) async fn start(server: SocketAddr, bodies: Bodies) -> Self {
        let place = tempfile::tempdir().unwrap();
        // Its worker may have given up being root.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = place.path().display();
        let buffering = match bodies {
            Bodies::Whole => "on",
            Bodies::AsTheyCome => "off",
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .collect();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log info;\n\
             events {{ worker_connections 512; }}\n\
             http {{\n{temporary}\
             log_format seen '$request_method $request_uri $upstream_status';\naccess_log {at}/access.log seen;\n\
             upstream behind {{ server {server}; keepalive 4; }}\n\
             server {{\nlisten unix:{at}/socket;\n\
             keepalive_timeout 500ms;\nclient_header_timeout 500ms;\nclient_body_timeout 500ms;\nlingering_close off;\n\
             location / {{\nproxy_pass http://behind;\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
             proxy_request_buffering {buffering};\nproxy_next_upstream off;\nproxy_ignore_client_abort on;\n}}\n}}\n}}\n"
        );
        let file = place.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(program().unwrap());
        command.arg("-p").arg(place.path()).arg("-c").arg(&file).arg("-e").arg(place.path().join("error.log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut nginx = Self { child, place };
        patiently(async {
            while UnixStream::connect(nginx.socket()).await.is_err() {
                let log = || fs::read_to_string(nginx.place.path().join("error.log"));
                assert!(nginx.child.try_wait().unwrap().is_none(), "nginx ended: {:?}", log());
                tokio::task::yield_now().await;
            }
        })
        .await;
        nginx
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.place.path().join("socket")
    }

    /// Lets it end by itself; gives method and address of each request that it saw and passed on.
    pub(super) async fn stop(mut self) -> Vec<String> {
        kill_process(Pid::from_child(&self.child), Signal::QUIT).unwrap();
        patiently(async {
            while self.child.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let log = fs::read_to_string(self.place.path().join("access.log")).unwrap();
        let passed_on = log.lines().filter_map(|line| line.rsplit_once(' ')).filter(|(_, status)| *status != "-");
        passed_on.map(|(request, _)| request.to_owned()).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
