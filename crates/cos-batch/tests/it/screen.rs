//! A terminal of 80 columns, and what is on it in the end.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    process::Command,
};

use rustix::{
    fs::OFlags,
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
}

/// Runs a program on a terminal.
pub(crate) fn run(command: Command) -> Seen {
    run_answering(command, "", "")
}

/// Runs a program on a terminal, and types an answer when it has asked.
pub(crate) fn run_answering(mut command: Command, question: &str, answer: &str) -> Seen {
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
    let mut child = command.spawn().unwrap();
    // It holds the other side of the terminal: while anybody does, reading does not end.
    drop(command);

    let mut screen = vt100::Parser::new(LINES.try_into().unwrap(), COLUMNS_SEEN.try_into().unwrap(), 0);
    let mut controller = File::from(controller);
    let mut buffer = [0; 4096];
    let mut frames: Vec<String> = Vec::new();
    let mut answers = Some(answer).filter(|answer| !answer.is_empty());
    // Linux ends it with an error when the last program is gone.
    while let Ok(count @ 1..) = controller.read(&mut buffer) {
        // A frame ends where the next one goes back to the beginning of the line.
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\r') {
            screen.process(piece);
            let row = usize::from(screen.screen().cursor_position().0);
            let frame = screen.screen().rows(0, COLUMNS_SEEN).nth(row).unwrap_or_default().trim_end().to_owned();
            if frames.last() != Some(&frame) {
                frames.push(frame);
            }
        }
        if screen.screen().contents().trim_end().ends_with(question.trim_end())
            && let Some(answer) = answers.take()
        {
            std::io::Write::write_all(&mut controller, answer.as_bytes()).unwrap();
        }
    }
    let code = child.wait().unwrap().code().expect("the program ended by itself");
    let lines: Vec<String> = screen.screen().rows(0, COLUMNS_SEEN).map(|line| line.trim_end().to_owned()).collect();
    assert_narrow(&lines);
    assert_narrow(&frames);
    Seen { code, screen: lines.join("\n").trim_end().to_owned(), frames }
}

/// No line is wider than a terminal of 80 columns.
#[track_caller]
pub(crate) fn assert_narrow<S: AsRef<str>>(lines: &[S]) {
    for line in lines {
        let width = unicode_width::UnicodeWidthStr::width(line.as_ref());
        assert!(width <= usize::from(COLUMNS), "{width} columns: {:?}", line.as_ref());
    }
}
