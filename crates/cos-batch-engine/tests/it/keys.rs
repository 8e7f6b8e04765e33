//! Keys of all kinds go through manifests and reports unchanged. `cargo xtask long keys` takes a million of them.

use std::{env, fmt::Write as _, io::Write as _};

use cos_batch_engine::{
    manifest::{Columns, ListedAs, Records, records::Next},
    report::row::{ReportRow, write},
    spec::Column,
    task::{Outcome, Task},
};
use cos_batch_objectstore::VersionSelector;

/// How many, in place of those of the test.
const KEYS_VARIABLE: &str = "COS_BATCH_KEYS";
const KEYS: u64 = 10_000;
/// Where they come from.
const SEED_VARIABLE: &str = "COS_BATCH_KEYS_SEED";

/// Bytes of a key of an object, at most.
const KEY_BYTES_MAX: usize = 850;

/// Rows that are written before they are read.
const BLOCK: u64 = 1000;

/// Bytes that come at a time, at most: records lie across their borders.
const PIECE_BYTES_MAX: u64 = 700;

const BUCKET: &str = "src-1250000000";

/// Numbers that look random, the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn small(&mut self, most: u32) -> u32 {
        u32::try_from(self.below(u64::from(most))).unwrap()
    }

    fn one_of(&mut self, all: &str) -> char {
        let count = u64::try_from(all.chars().count()).unwrap();
        all.chars().nth(usize::try_from(self.below(count)).unwrap()).unwrap()
    }

    /// A character: of names mostly, of those that CSV, percent-encoding, spreadsheets or terminals take for something else,
    /// or any that there is.
    fn character(&mut self) -> char {
        match self.below(8) {
            0..4 => self.one_of("abcXYZ019/._-~"),
            4 | 5 => self.one_of(",\"'%+ ;=&?#@!\\\t\r\n|<>\u{feff}\u{202e}\u{a0}"),
            6 => char::from_u32(self.small(0x20)).unwrap(),
            _ => loop {
                if let Some(found) = char::from_u32(self.small(0x11_0000)) {
                    break found;
                }
            },
        }
    }

    fn key(&mut self) -> String {
        let longest = if self.below(50) == 0 { KEY_BYTES_MAX as u64 } else { 40 };
        let characters = 1 + self.below(longest);
        let mut key = String::new();
        for _ in 0..characters {
            let next = self.character();
            if key.len() + next.len_utf8() <= KEY_BYTES_MAX {
                key.push(next);
            }
        }
        key
    }

    fn version(&mut self) -> Option<String> {
        (self.below(4) == 0).then(|| (0..=self.below(40)).map(|_| self.one_of("MTg0NDY3-._~+/=:%")).collect())
    }

    /// A key as a manifest may have it: everything encoded but letters and digits, or as little as can be, and then perhaps in
    /// quotes.
    fn written(&mut self, key: &str) -> String {
        let (all, lower, quotes) = (self.below(2) == 0, self.below(2) == 0, self.below(2) == 0);
        let mut text = String::new();
        for character in key.chars() {
            let encode = match character {
                '%' => true,
                ',' | '"' | '\r' | '\n' => all || !quotes,
                'a'..='z' | 'A'..='Z' | '0'..='9' => false,
                _ => all,
            };
            if encode {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    if lower { write!(text, "%{byte:02x}").unwrap() } else { write!(text, "%{byte:02X}").unwrap() }
                }
            } else {
                text.push(character);
            }
        }
        if quotes { quoted(&text) } else { text }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What an object is called, and perhaps which version of it.
type Named = (String, Option<String>);

/// Reads a manifest as it comes, in pieces of all lengths.
fn read(manifest: &[u8], columns: &Columns, dice: &mut Dice) -> Vec<Named> {
    let (mut records, mut found, mut rest) = (Records::new(0), Vec::new(), manifest);
    loop {
        let length = usize::try_from(3 + dice.below(PIECE_BYTES_MAX)).unwrap().min(rest.len());
        let (mut piece, later) = rest.split_at(length);
        rest = later;
        loop {
            match records.next(piece, rest.is_empty()) {
                Next::Record(record, used) => {
                    let row = columns.read(&record, found.len() as u64 + 1).unwrap();
                    assert_eq!(row.bucket.name, BUCKET);
                    found.push((row.key.into_owned(), row.version.map(str::to_owned)));
                    piece = &piece[used..];
                }
                Next::More => break,
                Next::End => return found,
                Next::Broken(why) => panic!("{why}: after {:?}", found.last()),
            }
        }
    }
}

#[test]
fn every_key_comes_back_from_a_manifest_and_from_a_report() {
    let number = |name: &str, usual| env::var(name).map_or(usual, |text| text.parse::<u64>().unwrap());
    let (keys, seed) = (number(KEYS_VARIABLE, KEYS), number(SEED_VARIABLE, 1));
    let mut dice = Dice(seed);
    let declared = Columns::new(&[Column::Bucket, Column::Key, Column::VersionId]).unwrap();
    let ignored = [Column::Ignore; 4];
    let of_report = Columns::new(&[&[Column::Bucket, Column::Key, Column::VersionId][..], &ignored].concat()).unwrap();
    let (mut gone, mut bytes, mut longest) = (0, 0, 0);
    while gone < keys {
        let count = BLOCK.min(keys - gone);
        let named: Vec<Named> = (0..count).map(|_| (dice.key(), dice.version())).collect();
        let mut manifest = String::new();
        for (key, version) in &named {
            let end = dice.one_of("\n\r");
            let version = version.as_ref().map_or_else(String::new, |version| quoted(version));
            write!(manifest, "{BUCKET},{},{version}{end}", dice.written(key)).unwrap();
        }
        let read_back = read(manifest.as_bytes(), &declared, &mut dice);
        assert_same(&read_back, &named, "a manifest", seed);

        let mut report = Vec::new();
        for (row, (key, version)) in named.iter().enumerate() {
            let version = version.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
            let task = Task {
                row: row as u64,
                bucket: BUCKET.into(),
                key: key.clone(),
                version,
                listed_as: ListedAs::Object,
                end: 0,
            };
            write(&mut report, &task, &Outcome::failure(404, "NoSuchKey".to_owned(), key.clone()));
        }
        let lines: Vec<&str> = std::str::from_utf8(&report).unwrap().lines().collect();
        let reported: Vec<Named> = lines
            .iter()
            .map(|line| {
                let row = ReportRow::parse(line).unwrap_or_else(|| panic!("no row of a report: {line}"));
                let version = Some(row.version.clone().into_owned()).filter(|version| !version.is_empty());
                (row.plain_key().into_owned(), version)
            })
            .collect();
        assert_same(&reported, &named, "a report", seed);
        // A report is a manifest of the same objects, for whoever wants to try them again.
        assert_same(&read(&report, &of_report, &mut dice), &named, "a report that is read as a manifest", seed);
        gone += count;
        bytes += named.iter().map(|(key, _)| key.len()).sum::<usize>();
        longest = longest.max(named.iter().map(|(key, _)| key.len()).max().unwrap_or(0));
    }
    assert!(longest > KEY_BYTES_MAX / 2, "{longest}");
    // For whoever looks at a long run; nobody may be there to read it.
    let _ =
        writeln!(std::io::stderr(), "{gone} keys of {bytes} bytes came back, seed {seed}, the longest has {longest}");
}

fn assert_same(found: &[Named], wanted: &[Named], from: &str, seed: u64) {
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found, wanted, "from {from}, seed {seed}");
    }
    assert_eq!(found.len(), wanted.len(), "from {from}, seed {seed}");
}
