//! Requests that say two things about where they end, each with another request behind it or inside it.

/// Bodies of chunks, and what stands behind a head that announces them.
const NO_CHUNKS: &str = "0\r\n\r\n";

/// The beginning of each case; `HEAD` is what it is about.
const REQUEST: &str = "POST /jobs?case=NUMBER& HTTP/1.1\r\nHost: h\r\n";

/// What must not be carried out unless the front saw it.
const VICTIM: &str = "DELETE /jobs/victim-NUMBER HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";

/// Heads that announce a body, and what stands in front of the victim.
const HEADS: [(&str, &str); 43] = [
    // Two ways to say it.
    ("Content-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", NO_CHUNKS),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: Content-Length\r\n\r\n", NO_CHUNKS),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n\r\n", NO_CHUNKS),
    // The same twice, or not the same.
    ("Content-Length: 0\r\nContent-Length: 0\r\n\r\n", ""),
    ("Content-Length: 0\r\nContent-Length: LENGTH\r\n\r\n", ""),
    ("Content-Length: LENGTH\r\nContent-Length: 0\r\n\r\n", ""),
    ("Content-Length: 0, LENGTH\r\n\r\n", ""),
    ("Content-Length: 0\r\n LENGTH\r\n\r\n", ""),
    ("Content-Length: +0\r\n\r\n", ""),
    ("Content-Length: -0\r\n\r\n", ""),
    ("Content-Length: 0x0\r\n\r\n", ""),
    ("Content-Length: 00000000000000000000000000000000000\r\n\r\n", ""),
    ("Content-Length:\t0\t\r\n\r\n", ""),
    ("Content-Length : 0\r\n\r\n", ""),
    (" Content-Length: LENGTH\r\n\r\n", ""),
    ("Content-Length\u{b}: LENGTH\r\n\r\n", ""),
    ("Content_Length: LENGTH\r\n\r\n", ""),
    ("X: y\nContent-Length: LENGTH\r\n\r\n", ""),
    ("X: y\rContent-Length: LENGTH\r\n\r\n", ""),
    ("X: \0\r\nContent-Length: LENGTH\r\n\r\n", ""),
    // Chunks that may be none.
    ("Transfer-Encoding: xchunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding : chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: identity\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: identity, chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: chunked, identity\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: gzip, chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: \u{b}chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding:\r\n chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: \"chunked\"\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: chunked;q=1\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("transfer-encoding: CHUNKED\r\ncontent-length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("X: y\nTransfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer_Encoding: chunked\r\nContent-Length: LENGTH\r\n\r\n", NO_CHUNKS),
    ("Transfer-Encoding: chunked\n\n", "0\n\n"),
    // Who says that there is more to come, or another protocol.
    ("Expect: 100-continue\r\nContent-Length: LENGTH\r\n\r\n", ""),
    ("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", NO_CHUNKS),
    ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", ""),
    ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nContent-Length: 0\r\n\r\n", ""),
    ("Connection: close\r\nContent-Length: 0\r\n\r\n", ""),
    ("\r\n", ""),
];

/// Bodies in chunks. `VICTIM` is the request that must not be carried out, `SIZE` its size in hex digits.
const CHUNKS: [&str; 22] = [
    "SIZE\r\nVICTIM\r\n0\r\n\r\n",
    "SIZE;a=b\r\nVICTIM\r\n0\r\n\r\n",
    "SIZE;a=\"b;c\"\r\nVICTIM\r\n0;d\r\n\r\n",
    "SIZE;a=\"\r\nVICTIM\r\n0\r\n\r\n",
    "SIZE;\nVICTIM\r\n0\r\n\r\n",
    "2;\nxx\r\nSIZE\r\nVICTIM\r\n0\r\n\r\n",
    "SIZE \r\nVICTIM\r\n0\r\n\r\n",
    " SIZE\r\nVICTIM\r\n0\r\n\r\n",
    "0xSIZE\r\nVICTIM\r\n0\r\n\r\n",
    "000000000000000000000000000000SIZE\r\nVICTIM\r\n0\r\n\r\n",
    "SIZE\nVICTIM\n0\n\n",
    "SIZE\rVICTIM\r\n0\r\n\r\n",
    "1\r\nxx\r\n0\r\n\r\nVICTIM",
    "0\r\n\r\nVICTIM",
    "0\n\nVICTIM",
    "0\r\nX: y\r\n\r\nVICTIM",
    "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nVICTIM",
    "0;a=\"\r\n\r\nVICTIM",
    "0\r\nVICTIM",
    "-1\r\nVICTIM",
    "10000000000000000\r\nVICTIM",
    "ffffffffffffffff\r\nVICTIM",
];

/// Whole beginnings, in front of the victim.
const BEGINNINGS: [&str; 10] = [
    "POST /jobs?case=NUMBER& HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
    "POST /jobs?case=NUMBER& HTTP/1.0\r\nHost: h\r\nContent-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET /jobs?case=NUMBER& HTTP/1.1\r\nHost: h\r\nContent-Length: LENGTH\r\n\r\n",
    "HEAD /jobs?case=NUMBER& HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    "GET http://h/jobs?case=NUMBER& HTTP/1.1\r\nHost: other\r\nContent-Length: 0\r\n\r\n",
    "GET /jobs?case=NUMBER&%20HTTP/1.1%0d%0aX:%20 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    "GET /jobs?case=NUMBER& x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    "GET /jobs?case=NUMBER& HTTP/1.1\nHost: h\nContent-Length: 0\n\n",
    "\r\n\r\nGET /jobs?case=NUMBER& HTTP/1.1\r\nHost: h\r\nHost: other\r\nContent-Length: 0\r\n\r\n",
    "GET /jobs?case=NUMBER&\r\n\r\n",
];

/// All of them, each with numbers of its own in its addresses.
pub(super) fn cases() -> Vec<Vec<u8>> {
    let heads = HEADS.iter().map(|(head, chunks)| format!("{REQUEST}{head}{chunks}VICTIM"));
    let chunks = CHUNKS.iter().map(|body| format!("{REQUEST}Transfer-Encoding: chunked\r\n\r\n{body}"));
    let beginnings = BEGINNINGS.iter().map(|beginning| format!("{beginning}VICTIM"));
    let all = heads.chain(chunks).chain(beginnings).enumerate();
    all.map(|(number, text)| {
        let victim = VICTIM.replace("NUMBER", &number.to_string());
        let (length, size) = (victim.len().to_string(), format!("{:x}", victim.len()));
        let text = text.replace("VICTIM", &victim).replace("SIZE", &size).replace("LENGTH", &length);
        text.replace("NUMBER", &number.to_string()).into_bytes()
    })
    .collect()
}

/// What is peculiar about a case, in one line.
pub(super) fn shown(case: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(case).escape_debug().collect();
    text.chars().take(220).collect()
}
