//! What the files in `packaging/` make of the program: a package, and the root of a container.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Said, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cos-batch");

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

#[test]
fn the_root_of_a_container_has_all_that_the_program_needs_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let mut command = Command::new(packaging().join("container/assemble.sh"));
    run(command.arg(PROGRAM).arg(&root).env("SOURCE_DATE_EPOCH", "1700000000")).with_code(0);
    for name in ["usr/bin/cos-batch", "etc/passwd", "data"] {
        let seconds = fs::metadata(root.join(name)).unwrap().mtime();
        assert_eq!(seconds, 1_700_000_000, "{name}");
    }
    let mut names: Vec<String> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("lib"));
    names.sort();
    assert_eq!(names, ["data", "etc", "tmp", "usr"]);
    let programs: Vec<_> = fs::read_dir(root.join("usr/bin")).unwrap().collect();
    assert_eq!(programs.len(), 1);
    let file = fs::read_to_string(packaging().join("container/Containerfile")).unwrap();
    let owned = "COPY --chown=65532:65532 . /";
    for line in ["FROM scratch", owned, "USER 65532:65532", "ENTRYPOINT [\"/usr/bin/cos-batch\"]"] {
        assert!(file.lines().any(|found| found == line), "{line}");
    }
    if !is_root() {
        eprintln!("only root may change its root: the program is not run in there");
        return;
    }
    // With the variables of the image; all but the address, which may be taken.
    let inside = || {
        let mut command = Command::new("chroot");
        // Nothing of this environment but where `chroot` itself is found.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.arg("--userspec=65532:65532").arg(&root).arg("/usr/bin/cos-batch");
        command
    };
    let image = file
        .lines()
        .find_map(|line| line.strip_prefix("ENV "))
        .unwrap()
        .split(' ')
        .filter_map(|pair| pair.split_once('='));
    assert_eq!(run(inside().args(["config", "check"]).envs(image)).with_code(0), "the settings are right\n");
    let said: Said = run(inside().args(["demo", "--objects", "20", "--keep", "/data/demo"]));
    assert!(said.code == 0 && said.out.contains("all 20 copies have the bytes of their source"), "{said:?}");
}

#[test]
fn the_debian_package_has_its_files() {
    if !["dpkg-deb", "readelf"].map(has).iter().all(|found| *found) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(packaging().join("debian/build.sh"));
    let built = run(command.arg(PROGRAM).arg(folder.path()).env("COMPRESSION", "none").env("ARCHITECTURE", "amd64"));
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
    ] {
        assert!(list.lines().any(|line| line.starts_with(mode) && line.ends_with(path)), "{path}\n{list}");
    }
    let depends = run(Command::new("dpkg-deb").args(["--field"]).arg(&package).arg("Depends")).with_code(0);
    assert!(depends.starts_with("libc6 (>= 2."), "{depends}");
}

/// Any program will do: this is about the package.
#[test]
fn the_same_program_makes_the_same_package() {
    if !["dpkg-deb", "readelf"].map(has).iter().all(|found| *found) {
        return;
    }
    let package = |seconds: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(packaging().join("debian/build.sh"));
        command.arg("/bin/true").arg(folder.path()).env("SOURCE_DATE_EPOCH", seconds);
        command.envs([("VERSION", "1.0"), ("ARCHITECTURE", "amd64"), ("COMPRESSION", "none")]);
        run(&mut command).with_code(0);
        fs::read(folder.path().join("cos-batch_1.0_amd64.deb")).unwrap()
    };
    let first = package("1700000000");
    assert!(first == package("1700000000"), "two packages of the same files differ");
    assert!(first != package("1700000001"), "the time is what the environment says");
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
