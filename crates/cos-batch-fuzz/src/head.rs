//! Messages as text.

use http::Request;
use http::request::Parts;

/// Head and body of a request, if this is one: first line, headers, an empty line, with CR LF at the ends.
pub(crate) fn parse(input: &[u8]) -> Option<(Parts, &[u8])> {
    let end = input.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = end.map_or((input, &input[input.len()..]), |end| (&input[..end], &input[end + 4..]));
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut first = lines.next()?.split(|byte| *byte == b' ');
    let mut request = Request::builder().method(first.next()?).uri(first.next()?);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    Some((request.body(()).ok()?.into_parts().0, body))
}
