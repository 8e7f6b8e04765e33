//! The files that pages bring with them, compiled in.

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::answer::{Answer, whole};

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset { name: "console.css", kind: "text/css; charset=utf-8", content: include_bytes!("../static/console.css") },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        content: include_bytes!("../static/console.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_bytes!("../static/icon.svg") },
];

/// Changes with each file: browsers may keep what has this in its address for good.
pub(crate) fn mark() -> String {
    // FNV-1a: it tells versions of a file apart, and guards nothing.
    let bytes = ASSETS.iter().flat_map(|asset| asset.content);
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// The file with this name.
pub(crate) fn find(name: &str) -> Option<Answer> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let mut answer = whole(Bytes::from_static(asset.content), asset.kind);
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(header::CACHE_CONTROL, forever);
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_bring_nothing_from_elsewhere() {
        for asset in &ASSETS {
            let text = std::str::from_utf8(asset.content).unwrap().replace("http://www.w3.org/2000/svg", "");
            for wrong in ["http://", "https://", "//cdn", "@import", "eval(", "innerHTML"] {
                assert!(!text.contains(wrong), "{}: {wrong}", asset.name);
            }
        }
        assert!(find("console.css").is_some() && find("../lib.rs").is_none() && mark().len() == 16);
    }
}
