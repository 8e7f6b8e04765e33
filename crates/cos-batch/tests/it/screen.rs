//! A terminal of 80 columns, and what is on it in the end.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    process::Command,
};

use rustix::{
    fs::OFlags,
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// Columns that programs are told.
const COLUMNS: u16 = 80;

/// Columns of our screen: more, so that a line that is too long shows.
const COLUMNS_SEEN: u16 = 200;

/// Lines of our screen; what the longest output has, and more.
const LINES: u16 = 200;

/// What was seen of a program.
pub(crate) struct Seen {
    pub(crate) code: i32,
    /// The screen in the end.
    pub(crate) screen: String,
    /// The line with the cursor, whenever it had changed.
    pub(crate) frames: Vec<String>,
    /// All that was written, with what steers the terminal.
    pub(crate) raw: String,
}

/// What a person does at the terminal.
enum Act<'a> {
    Watch,
    /// Types the second when the first was asked.
    Answer(&'a str, &'a str),
    /// Sends this signal when that was written.
    End(&'a str, Signal),
}

/// Runs a program on a terminal.
pub(crate) fn run(command: Command) -> Seen {
    run_acting(command, None, Act::Watch)
}

/// Runs a program on a terminal, with this value of NO_COLOR.
pub(crate) fn run_with(command: Command, no_color: Option<&str>) -> Seen {
    run_acting(command, no_color, Act::Watch)
}

/// Runs a program on a terminal until it has written this, and sends it the signal then.
pub(crate) fn run_until(command: Command, no_color: Option<&str>, text: &str, signal: Signal) -> Seen {
    run_acting(command, no_color, Act::End(text, signal))
}

/// Runs a program on a terminal, and types an answer when it has asked.
pub(crate) fn run_answering(command: Command, question: &str, answer: &str) -> Seen {
    run_acting(command, None, Act::Answer(question, answer))
}

fn run_acting(mut command: Command, no_color: Option<&str>, act: Act<'_>) -> Seen {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let size = Winsize { ws_row: 50, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&controller, size).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, OFlags::NOCTTY.bits().cast_signed());
    let terminal = options.open(name).unwrap();
    command.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("COLUMNS");
    command.envs(no_color.map(|value| ("NO_COLOR", value)));
    let mut child = command.spawn().unwrap();
    // It holds the other side of the terminal: while anybody does, reading does not end.
    drop(command);

    let mut screen = vt100::Parser::new(LINES.try_into().unwrap(), COLUMNS_SEEN.try_into().unwrap(), 0);
    let mut controller = File::from(controller);
    let mut buffer = [0; 4096];
    let mut frames: Vec<String> = Vec::new();
    let mut raw = Vec::new();
    // What a server logs, and what is said of wrong usage, is as long as it is.
    let is_laid_out = no_color.is_none() && !matches!(act, Act::End(..));
    let mut act = Some(act);
    // Linux ends it with an error when the last program is gone.
    while let Ok(count @ 1..) = controller.read(&mut buffer) {
        raw.extend_from_slice(&buffer[..count]);
        // A frame ends where the next one goes back to the beginning of the line.
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\r') {
            screen.process(piece);
            let row = usize::from(screen.screen().cursor_position().0);
            let frame = screen.screen().rows(0, COLUMNS_SEEN).nth(row).unwrap_or_default().trim_end().to_owned();
            if frames.last() != Some(&frame) {
                frames.push(frame);
            }
        }
        act = match act {
            Some(Act::Answer(question, answer))
                if screen.screen().contents().trim_end().ends_with(question.trim_end()) =>
            {
                std::io::Write::write_all(&mut controller, answer.as_bytes()).unwrap();
                None
            }
            Some(Act::End(text, signal)) if String::from_utf8_lossy(&raw).contains(text) => {
                kill_process(Pid::from_child(&child), signal).unwrap();
                None
            }
            other => other,
        };
    }
    let code = child.wait().unwrap().code().expect("the program ended by itself");
    let lines: Vec<String> = screen.screen().rows(0, COLUMNS_SEEN).map(|line| line.trim_end().to_owned()).collect();
    if is_laid_out {
        assert_narrow(&lines);
        assert_narrow(&frames);
    }
    let raw = String::from_utf8(raw).unwrap();
    Seen { code, screen: lines.join("\n").trim_end().to_owned(), frames, raw }
}

/// No line is wider than a terminal of 80 columns.
#[track_caller]
pub(crate) fn assert_narrow<S: AsRef<str>>(lines: &[S]) {
    for line in lines {
        let width = unicode_width::UnicodeWidthStr::width(line.as_ref());
        assert!(width <= usize::from(COLUMNS), "{width} columns: {:?}", line.as_ref());
    }
}
