//! What the fuzz targets check, as ordinary functions: a fuzzer calls them, and so do tests over the committed corpus.
//!
//! A target takes any bytes, and panics where its property does not hold. `fuzz/README.md` has the table of targets.

mod authorization;
mod gzip;
mod head;
mod headers;
mod inventory;
mod manifest;
mod mutator;
mod request;
mod xml;

pub use mutator::Mutator;

/// Longest input that targets look at, in bytes: longer ones find nothing that shorter ones do not.
pub const INPUT_BYTES_MAX: usize = 16 * 1024;

/// One thing to fuzz.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its folder in `fuzz/corpus/`.
    pub name: &'static str,
    /// What holds for all inputs.
    pub property: &'static str,
    /// Panics if the property does not hold for this input.
    pub body: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "xml", property: xml::PROPERTY, body: xml::target },
    Target { name: "request", property: request::PROPERTY, body: request::target },
    Target { name: "authorization", property: authorization::PROPERTY, body: authorization::target },
    Target { name: "headers", property: headers::PROPERTY, body: headers::target },
    Target { name: "manifest", property: manifest::PROPERTY, body: manifest::target },
    Target { name: "gzip", property: gzip::PROPERTY, body: gzip::target },
    Target { name: "inventory", property: inventory::PROPERTY, body: inventory::target },
];

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.iter().find(|target| target.name == name).copied()
    }

    /// Runs the target on an input, cut to [`INPUT_BYTES_MAX`].
    pub fn run(&self, input: &[u8]) {
        (self.body)(&input[..input.len().min(INPUT_BYTES_MAX)]);
    }
}
