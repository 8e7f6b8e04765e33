//! What the files in `packaging/` make of the program: a package, and the root of a container.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Said, keys_in, program_file, run};

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging")
}

/// Whether this machine has a program; where it has not, somebody should know what was not looked at.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        // Nobody may be there to read it.
        let _ = writeln!(std::io::stderr(), "{program} is not installed: what it is needed for is not looked at");
    }
    found
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// The root of a container, put together.
struct Root {
    folder: TempDir,
}

impl Root {
    fn assemble(program: &Path) -> Self {
        let root = Self { folder: tempfile::tempdir().unwrap() };
        let mut command = Command::new(packaging().join("container/assemble.sh"));
        run(command.arg(program).arg(root.path()).env("SOURCE_DATE_EPOCH", "1700000000")).with_code(0);
        root
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// All files but programs and settings: libraries, where there are any.
    fn libraries(&self) -> Vec<String> {
        let mut files = keys_in(&self.path());
        files.retain(|name| !name.starts_with("etc/") && name != "usr/bin/cos-batch");
        files
    }

    /// The program as it runs in there, with the environment of the image.
    fn command(&self) -> Command {
        let file = fs::read_to_string(packaging().join("container/Containerfile")).unwrap();
        let image = file.lines().find_map(|line| line.strip_prefix("ENV ")).unwrap().split(' ');
        let mut command = Command::new("chroot");
        // Nothing of this environment but where `chroot` itself is found.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(image.filter_map(|pair| pair.split_once('=')));
        command.arg("--userspec=65532:65532").arg(self.path()).arg("/usr/bin/cos-batch");
        command
    }
}

/// A program that prints the address of a name, with all it needs in it. None where this machine cannot link one.
fn static_program(folder: &Path) -> Option<PathBuf> {
    let (source, program) = (folder.join("resolve.rs"), folder.join("resolve"));
    let text = "fn main() { use std::net::ToSocketAddrs; let name = std::env::args().nth(1).unwrap(); \
                println!(\"{}\", (name, 1).to_socket_addrs().unwrap().next().unwrap().ip()); }";
    fs::write(&source, text).unwrap();
    let mut command = Command::new("rustc");
    command.args(["--edition=2024", "-Ctarget-feature=+crt-static", "-o"]).arg(&program).arg(&source);
    let is_linked = command.output().is_ok_and(|output| output.status.success());
    if !is_linked {
        let _ = writeln!(std::io::stderr(), "no static C library here: a program with it is not looked at");
    }
    is_linked.then_some(program)
}

#[test]
fn with_a_static_program_there_is_no_library_and_names_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = static_program(folder.path()) else { return };
    let root = Root::assemble(&program);
    assert_eq!(root.libraries(), [""; 0]);
    if is_root() {
        // As an engine puts it there.
        fs::write(root.path().join("etc/hosts"), "192.0.2.7 depot.example\n").unwrap();
        assert_eq!(run(root.command().arg("depot.example")).with_code(0), "192.0.2.7\n");
    }
    // The same script does find libraries.
    assert_ne!(Root::assemble(Path::new("/bin/sh")).libraries(), [""; 0]);
    if ["dpkg-deb", "readelf"].map(has).iter().all(|found| *found) {
        assert_eq!(depends(&package(&program, folder.path(), "1700000000")), "systemd\n");
    }
}

#[test]
fn the_root_of_a_container_has_all_that_the_program_needs_and_nothing_else() {
    let root = Root::assemble(&program_file());
    for name in ["usr/bin/cos-batch", "etc/passwd", "data"] {
        let seconds = fs::metadata(root.path().join(name)).unwrap().mtime();
        assert_eq!(seconds, 1_700_000_000, "{name}");
    }
    let is_library = |name: &String| name.rsplit('/').next().is_some_and(|file| file.contains(".so"));
    assert!(root.libraries().iter().all(is_library), "{:?}", root.libraries());
    let file = fs::read_to_string(packaging().join("container/Containerfile")).unwrap();
    let owned = "COPY --chown=65532:65532 . /";
    for line in ["FROM scratch", owned, "USER 65532:65532", "ENTRYPOINT [\"/usr/bin/cos-batch\"]"] {
        assert!(file.lines().any(|found| found == line), "{line}");
    }
    if !is_root() {
        eprintln!("only root may change its root: the program is not run in there");
        return;
    }
    // As every engine does, by the specification of runtimes. A static program takes its random numbers from there; where this
    // is not allowed, another one goes without.
    fs::create_dir(root.path().join("dev")).unwrap();
    for (name, minor) in [("random", "8"), ("urandom", "9")] {
        let device = root.path().join("dev").join(name);
        let _ = run(Command::new("mknod").args(["-m", "666"]).arg(device).args(["c", "1", minor]));
    }
    assert_eq!(run(root.command().args(["config", "check"])).with_code(0), "the settings are right\n");
    let said: Said = run(root.command().args(["demo", "--objects", "20", "--keep", "/data/demo"]));
    assert!(said.code == 0 && said.out.contains("all 20 copies have the bytes of their source"), "{said:?}");
    serves(&root);
}

/// A server in there answers, to a name too.
fn serves(root: &Root) {
    let mut serve = root.command();
    let mut server = serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut addresses = lines.filter_map(|line| line.unwrap().strip_prefix("listening on http://").map(str::to_owned));
    let address = addresses.next().expect("it listens");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: depot.example\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    fs::write(root.path().join("etc/hosts"), "127.0.0.1 depot.example\n").unwrap();
    let (_, port) = address.rsplit_once(':').unwrap();
    let mut list = root.command();
    list.arg("list").env("COS_BATCH_ENDPOINT", format!("http://depot.example:{port}"));
    run(list.env("COS_CREDENTIALS", "/data/credentials.toml")).with_code(0);
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn the_debian_package_has_its_files() {
    if !["dpkg-deb", "readelf"].map(has).iter().all(|found| *found) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(packaging().join("debian/build.sh"));
    let built =
        run(command.arg(program_file()).arg(folder.path()).env("COMPRESSION", "none").env("ARCHITECTURE", "amd64"));
    built.with_code(0);
    let package = folder.path().join(concat!("cos-batch_", env!("CARGO_PKG_VERSION"), "_amd64.deb"));
    let list = run(Command::new("dpkg-deb").arg("--contents").arg(&package)).with_code(0);
    for (mode, path) in [
        ("-rwxr-xr-x root/root", "./usr/bin/cos-batch"),
        ("-rw-r--r-- root/root", "./lib/systemd/system/cos-batch.service"),
        ("-rw------- root/root", "./etc/cos-batch/cos-batch.toml"),
        ("-rw-r--r-- root/root", "./usr/lib/sysusers.d/cos-batch.conf"),
        ("-rw-r--r-- root/root", "./usr/share/cos-batch/grafana/cos-batch.json"),
        ("-rw-r--r-- root/root", "./usr/share/doc/cos-batch/copyright"),
        ("-rw-r--r-- root/root", "./usr/share/man/man1/cos-batch.1.gz"),
        ("-rw-r--r-- root/root", "./usr/share/man/man1/cos-batch-serve.1.gz"),
    ] {
        assert!(list.lines().any(|line| line.starts_with(mode) && line.ends_with(path)), "{path}\n{list}");
    }
    // A page is what the program says of itself.
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(folder.path().join("files"))).with_code(0);
    let page = folder.path().join("files/usr/share/man/man1/cos-batch-serve.1.gz");
    let page = run(Command::new("gzip").arg("-dc").arg(page)).with_code(0);
    assert!(page.starts_with(".ie") && page.contains(".SH OPTIONS") && page.contains("metrics\\-listen"), "{page}");
    let is_static = Root::assemble(&program_file()).libraries().is_empty();
    let depends = depends(&package);
    if is_static {
        assert_eq!(depends, "systemd\n");
    } else {
        assert!(depends.starts_with("libc6 (>= 2.") && depends.ends_with(", libgcc-s1, systemd\n"), "{depends}");
    }
}

/// A package of any program, with all its files of one time.
fn package(program: &Path, folder: &Path, seconds: &str) -> PathBuf {
    let mut command = Command::new(packaging().join("debian/build.sh"));
    command.arg(program).arg(folder).env("SOURCE_DATE_EPOCH", seconds);
    command.envs([("VERSION", "1.0"), ("ARCHITECTURE", "amd64"), ("COMPRESSION", "none")]);
    run(&mut command).with_code(0);
    folder.join("cos-batch_1.0_amd64.deb")
}

/// What a package needs.
fn depends(package: &Path) -> String {
    run(Command::new("dpkg-deb").arg("--field").arg(package).arg("Depends")).with_code(0)
}

/// Any program will do: this is about the package.
#[test]
fn the_same_program_makes_the_same_package() {
    if !["dpkg-deb", "readelf"].map(has).iter().all(|found| *found) {
        return;
    }
    let package = |seconds: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::read(package(Path::new("/bin/true"), folder.path(), seconds)).unwrap()
    };
    let first = package("1700000000");
    assert!(first == package("1700000000"), "two packages of the same files differ");
    assert!(first != package("1700000001"), "the time is what the environment says");
}

/// What happens on a machine, in a copy of this one that is gone when the test ends. Given a folder to do it in, and the package.
const LIFE: &str = r##"
set -e
mount -t tmpfs none "$1" || exit 77
mkdir "$1/changed" "$1/work" "$1/machine"
mount -t overlay none -o "lowerdir=/,upperdir=$1/changed,workdir=$1/work" "$1/machine" || exit 77
cp "$2" "$1/machine/package.deb"
chroot "$1/machine" /bin/sh -ec '
    settings=/etc/cos-batch/cos-batch.toml
    dpkg -i /package.deb
    /usr/bin/cos-batch
    test "$(stat -c "%U %a" $settings)" = "cos-batch 600"
    echo "# mine" >> $settings
    dpkg -i /package.deb
    grep -q "^# mine$" $settings
    test "$(stat -c %U $settings)" = cos-batch
    mkdir -p /var/lib/cos-batch/kept
    dpkg -r cos-batch
    test ! -e /usr/bin/cos-batch && test ! -e /lib/systemd/system/cos-batch.service && test -e $settings
    dpkg -P cos-batch
    test ! -e /etc/cos-batch && test -e /var/lib/cos-batch/kept && getent passwd cos-batch
    echo lived through'
"##;

/// Installed, replaced, removed and purged: settings are the service's own and kept, and so is what it stored. Any program will do.
#[test]
fn the_package_comes_and_goes() {
    let installed = |package: &&str| run(Command::new("dpkg").args(["--status", package])).code == 0;
    let has_all = ["dpkg-deb", "readelf", "unshare", "systemd-sysusers"].map(has).iter().all(|found| *found);
    if !is_root() || !has_all || !["libc6", "libgcc-s1", "systemd"].iter().all(installed) {
        eprintln!("no package is installed here: that needs root, and what the package needs");
        return;
    }
    let [folder, place] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let package = package(Path::new("/bin/true"), folder.path(), "1700000000");
    let mut command = Command::new("unshare");
    // Mounts are seen in there only, and end with it.
    command.args(["--mount", "/bin/sh", "-c", LIFE, "life"]).arg(place.path()).arg(package);
    let said = run(&mut command);
    if said.code == 77 || said.err.contains("unshare failed") {
        eprintln!("nothing may be mounted here: no package is installed\n{}", said.err);
        return;
    }
    assert!(said.code == 0 && said.out.ends_with("lived through\n"), "{said:?}");
}

#[test]
fn the_settings_of_the_package_are_right() {
    let file = packaging().join("cos-batch.toml");
    let mut command = crate::support::program();
    command.args(["config", "check", "--config"]).arg(file);
    assert_eq!(run(&mut command).with_code(0), "the settings are right\n");
}

/// The unit asks for what the program does, and for what systemd knows.
#[test]
fn the_unit_is_understood() {
    let unit = packaging().join("systemd/cos-batch.service");
    let text = fs::read_to_string(&unit).unwrap();
    assert!(text.contains("\nType=notify\n") && text.contains("\nExecReload=/bin/kill -HUP $MAINPID\n"));
    assert!(text.contains("\nExecStart=/usr/bin/cos-batch serve --config /etc/cos-batch/cos-batch.toml\n"));
    if !has("systemd-analyze") {
        return;
    }
    let said = run(Command::new("systemd-analyze").arg("verify").arg(&unit));
    let faults: Vec<&str> =
        said.err.lines().filter(|line| line.contains("cos-batch") && !line.contains("is not executable")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}
