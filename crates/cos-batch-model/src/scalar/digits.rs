//! Numbers as decimal digits, two at a time, written where they are to stand: a text that is put together elsewhere in pieces
//! and copied right afterwards keeps the processor waiting for the pieces.

/// The numbers below 100, in two digits; and as many places as let the remainder of an index be taken without a division.
const PAIRS: [[u8; 2]; 128] = {
    let mut pairs = [[b'0'; 2]; 128];
    let mut number = 0u8;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

/// Both digits of a number below 100.
#[inline]
pub(crate) fn pair(number: u32) -> [u8; 2] {
    PAIRS[number as usize % PAIRS.len()]
}

/// How many digits a number has.
#[inline]
pub(crate) fn count(number: u64) -> usize {
    match u32::try_from(number) {
        // Of all numbers with the same highest bit some have one digit more: adding what those lack to a power of two that
        // stands for it makes them carry. Source: Daniel Lemire's blog, 2021, after Kendall Willets.
        Ok(number) => ((u64::from(number) + CARRIES[(number | 1).ilog2() as usize]) >> 32) as usize,
        Err(_) => number.ilog10() as usize + 1,
    }
}

/// For each highest bit: the number of digits of its greatest numbers, less the first of these numbers, in 32 bits each.
const CARRIES: [u64; 32] = {
    let mut carries = [0; 32];
    let mut bit = 0;
    while bit < 32 {
        let greatest = (2u64 << bit) - 1;
        let tens = greatest.ilog10();
        let power = 10u64.pow(tens);
        // If all have that many digits, nothing has to be carried.
        carries[bit] = if power > 1 << bit { ((tens as u64 + 1) << 32) - power } else { (tens as u64 + 1) << 32 };
        bit += 1;
    }
    carries
};

/// Writes a number into a place that has as many bytes as it has digits. Four at a time, for each division waits for the one
/// before.
#[expect(clippy::cast_possible_truncation, reason = "four digits at most are left")]
#[inline]
pub(crate) fn write(place: &mut [u8], number: u64) {
    let mut number = number;
    let (first, fours) = place.as_rchunks_mut();
    for place in fours.iter_mut().rev() {
        let four = (number % 10_000) as u32;
        number /= 10_000;
        let ([a, b], [c, d]) = (pair(four / 100), pair(four % 100));
        *place = [a, b, c, d];
    }
    match first {
        [a] => [_, *a] = pair(number as u32),
        [a, b] => [*a, *b] = pair(number as u32),
        [a, b, c] => {
            [_, *a] = pair(number as u32 / 100);
            [*b, *c] = pair(number as u32 % 100);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_library_writes_them() {
        let powers = (0..20).map(|tens| 10u64.pow(tens));
        for number in
            powers.flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(7)]).chain([0, u64::MAX])
        {
            let mut place = vec![0; count(number)];
            write(&mut place, number);
            assert_eq!(place, number.to_string().into_bytes());
        }
    }
}
