//! The blocks of code on the pages of the documentation, for the tests that hold them.

/// A block of a page.
pub(crate) struct Block {
    /// What stands behind its fence, up to the first comma: `sh`, `rust`.
    pub(crate) kind: String,
    /// Its lines.
    pub(crate) text: String,
}

/// All blocks of a page, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut inside: Option<Block> = None;
    for line in page.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(inside.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(fence)) => {
                let kind = fence.split(',').next().unwrap_or_default().to_owned();
                inside = Some(Block { kind, text: String::new() });
            }
            (None, None) => {}
        }
    }
    blocks
}
