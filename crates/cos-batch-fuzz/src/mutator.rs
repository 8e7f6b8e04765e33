//! Inputs made from a corpus: the same seed makes the same ones.

use crate::INPUT_BYTES_MAX;

/// What formats give a meaning to.
const WORDS: &[&[u8]] = &[
    b"<",
    b">",
    b"</",
    b"/>",
    b"&amp;",
    b"&#0;",
    b"&#x1F600;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<?a?>",
    b"<!DOCTYPE a>",
    b" xmlns='a'",
    b"<a>",
    b"</a>",
    b"\"",
    b"\"\"",
    b",",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"%",
    b"%2F",
    b"%00",
    b"%FF",
    b"+",
    b"&",
    b"=",
    b"?",
    b";",
    b"/",
    b" ",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
    b"\xe5\xa5\xbd",
    b"-1",
    b"2147483648",
    b"9223372036854775808",
    b"true",
    b"x-cos-appid: 1\r\n",
    b"host: a\r\n",
    b"q-ak=",
    b"q-signature=",
    b"q-header-list=",
    b"q-url-param-list=",
];

/// Most changes to one input.
const CHANGES_MAX: usize = 6;

/// Longest range that is repeated, moved or removed, in bytes.
const RANGE_BYTES_MAX: usize = 64;

/// Makes inputs out of a corpus.
#[derive(Debug)]
pub struct Mutator {
    corpus: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// A mutator of these inputs; an empty corpus counts as one empty input.
    #[must_use]
    pub fn new(mut corpus: Vec<Vec<u8>>, seed: u64) -> Self {
        if corpus.is_empty() {
            corpus.push(Vec::new());
        }
        // The generator stands still at zero.
        Self { corpus, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// A number below `end` (xorshift64*).
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let number = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or(0) % end.max(1)
    }

    /// The next input, at most [`INPUT_BYTES_MAX`] long.
    pub fn next_input(&mut self) -> Vec<u8> {
        let chosen = self.below(self.corpus.len());
        let mut input = self.corpus[chosen].clone();
        for _ in 0..=self.below(CHANGES_MAX) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = input.len().min(at + 1 + self.below(RANGE_BYTES_MAX));
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap_or(0),
            2 => drop(input.drain(at..end)),
            3 => {
                let range = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, range);
            }
            4 => {
                let other = self.below(self.corpus.len());
                let from = self.below(self.corpus[other].len() + 1);
                let tail = self.corpus[other][from..].to_vec();
                input.truncate(at);
                input.extend(tail);
            }
            5 => input.truncate(at),
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
        }
    }
}
