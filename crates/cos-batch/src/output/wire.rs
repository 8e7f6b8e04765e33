//! An HTTP answer for reading.

use bytes::Bytes;
use http::Response;
use unicode_width::UnicodeWidthStr as _;

use crate::text::{clean, wrap};

/// Space before each line.
const INDENT: &str = "  ";

/// An answer as it came, with line breaks added to the body, between its elements where that is possible.
pub(crate) fn answer(response: &Response<Bytes>, columns: usize) -> String {
    let columns = columns.saturating_sub(INDENT.len()).max(1);
    let mut lines = vec![format!("{:?} {}", response.version(), response.status())];
    for (name, value) in response.headers() {
        lines.extend(wrap(&format!("{name}: {}", clean(&String::from_utf8_lossy(value.as_bytes()))), columns));
    }
    lines.push(String::new());
    lines.extend(elements(&clean(&String::from_utf8_lossy(response.body())), columns));
    let lines: Vec<String> = lines.iter().map(|line| format!("{INDENT}{line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Lines of a body: as many whole elements in each as fit.
fn elements(body: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in body.split_inclusive('>').fold(Vec::<String>::new(), joined) {
        match lines.last_mut() {
            Some(line) if line.width() + piece.width() <= columns => line.push_str(&piece),
            _ => lines.extend(wrap(&piece, columns)),
        }
    }
    lines
}

/// Puts a text and the tag that ends it together with the tag before them.
fn joined(mut pieces: Vec<String>, piece: &str) -> Vec<String> {
    match pieces.last_mut() {
        Some(last) if !piece.starts_with('<') => last.push_str(piece),
        _ => pieces.push(piece.to_owned()),
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_whole() {
        let body = "<R><Id>1</Id><Name>a long name</Name><Empty></Empty></R>";
        let response = Response::builder().header("x-cos-request-id", "NjkyM2").body(Bytes::from(body)).unwrap();
        let shown = answer(&response, 30);
        let expected = "  HTTP/1.1 200 OK\n  x-cos-request-id: NjkyM2\n\n  <R><Id>1</Id>\n  \
                        <Name>a long name</Name>\n  <Empty></Empty></R>";
        assert_eq!(shown, expected);
        let rejoined: String = shown.lines().skip(3).map(str::trim_start).collect();
        assert_eq!(rejoined, body);
    }

    #[test]
    fn lines_keep_within_the_columns() {
        let response = Response::new(Bytes::from(format!("<A>{}</A>", "x".repeat(200))));
        assert!(answer(&response, 40).lines().all(|line| line.width() <= 40));
    }
}
