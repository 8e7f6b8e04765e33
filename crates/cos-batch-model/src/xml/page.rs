//! Where documents are written before their length is known.

use std::cell::Cell;

use super::Encoder;

/// How long the first page of a thread is: a job with every field at its usual length takes 3 KB.
const FIRST_PAGE_BYTES: usize = 16 * 1024;

/// Longest page that is kept for the next document. A list of 1,000 jobs takes some 600 KB; the threads of a server are few.
const MAX_KEPT_PAGE_BYTES: usize = 1024 * 1024;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The document that `write` writes, with no more allocated than it needs. `write` is called again with a page of twice the
/// length as long as there is not enough room.
pub(super) fn written(write: impl Fn(Encoder<'_>) -> Encoder<'_>) -> Vec<u8> {
    // A thread that ends has none any more.
    let mut page = KEPT.try_with(Cell::take).unwrap_or_default();
    loop {
        let free = write(Encoder::new(&mut page)).free();
        if free > 0 {
            let document = page[..page.len() - free].to_vec();
            if page.len() <= MAX_KEPT_PAGE_BYTES {
                let _ = KEPT.try_with(|kept| kept.set(page));
            }
            return document;
        }
        page = vec![0; (2 * page.len()).max(FIRST_PAGE_BYTES)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(count: usize) -> Vec<u8> {
        written(|encoder| encoder.each(0..count, |encoder, _| encoder.raw("a")))
    }

    fn kept() -> usize {
        let page = KEPT.take();
        let length = page.len();
        KEPT.set(page);
        length
    }

    #[test]
    fn documents_of_every_length_are_whole_and_allocated_exactly() {
        for around in [0, 1, FIRST_PAGE_BYTES, 2 * FIRST_PAGE_BYTES, MAX_KEPT_PAGE_BYTES, 2 * MAX_KEPT_PAGE_BYTES] {
            for length in around.saturating_sub(1)..=around + 1 {
                let document = letters(length);
                assert_eq!((document.len(), document.capacity()), (length, length));
                assert!(document.iter().all(|byte| *byte == b'a'));
            }
        }
    }

    #[test]
    fn the_page_is_kept_unless_it_is_very_long() {
        assert_eq!(kept(), 0);
        letters(10);
        assert_eq!(kept(), FIRST_PAGE_BYTES);
        letters(3 * FIRST_PAGE_BYTES);
        assert_eq!(kept(), 4 * FIRST_PAGE_BYTES);
        letters(MAX_KEPT_PAGE_BYTES);
        assert_eq!(kept(), 0);
    }

    #[test]
    fn a_document_may_be_written_while_another_is() {
        let document = written(|encoder| {
            let encoder = encoder.raw("<");
            assert_eq!(letters(3), b"aaa");
            encoder.raw(">")
        });
        assert_eq!(document, b"<>");
    }
}
