//! Feeds readers of foreign bytes: what is in a corpus, then the same with changes, each time alike.
//!
//! A target is a plain function of bytes, `fuzz_literal(data: &[u8])`, which panics when something
//! does not hold. Its corpus is the folder `fixtures/fuzz/<target>/`; an input that broke something
//! once stays there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::fixtures;

/// The variable that says how many changed inputs every target is given.
pub const ROUNDS: &str = "COMMUNITY_STATS_FUZZ";
/// How many it is unless the variable says so.
const FEW: u64 = 300;
/// An input changes in so many places at most.
const CHANGES: usize = 5;
/// A piece that is moved, doubled or taken away is no longer than this.
const LONGEST_PIECE: usize = 64;

/// What readers stumble over.
const STUMBLES: [&[u8]; 24] = [
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b",",
    b":",
    b"\n",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"null",
    b"NaN",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\xef\xbb\xbf",
    b"{\"\":[[[[",
];

/// Gives `target` every input of its corpus, then as many changed ones as [`ROUNDS`] says. Where it
/// panics, the input is kept in the temporary folder of the system and named on standard error.
///
/// # Errors
/// When there is no corpus, or the variable holds no number.
pub fn run(target: &str, read: impl Fn(&[u8])) -> Result<()> {
    let corpus = corpus(target)?;
    for (name, data) in &corpus {
        give(target, name, data, &read);
    }
    let mut random = Random(1);
    for round in 0..rounds()? {
        give(target, &format!("round-{round}"), &random.changed(&corpus), &read);
    }
    Ok(())
}

fn rounds() -> Result<u64> {
    match std::env::var(ROUNDS) {
        Ok(rounds) => rounds.parse().with_context(|| format!("{ROUNDS} is '{rounds}'")),
        Err(_) => Ok(FEW),
    }
}

/// Names and contents, in the order of the names.
fn corpus(target: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = fixtures::path(Path::new("fuzz").join(target));
    let mut inputs = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let file = file?;
        inputs.push((file.file_name().to_string_lossy().into_owned(), fs::read(file.path())?));
    }
    ensure!(!inputs.is_empty(), "{} holds no input", folder.display());
    inputs.sort_unstable();
    Ok(inputs)
}

fn give(target: &str, name: &str, data: &[u8], read: impl Fn(&[u8])) {
    let witness = Witness { target, name, data };
    read(data);
    drop(witness);
}

/// Keeps an input when the thread panics over it.
struct Witness<'a> {
    target: &'a str,
    name: &'a str,
    data: &'a [u8],
}

impl Witness<'_> {
    fn path(&self) -> PathBuf {
        std::env::temp_dir().join(format!("community-stats-fuzz-{}-{}", self.target, self.name))
    }
}

impl Drop for Witness<'_> {
    #[allow(clippy::print_stderr, reason = "a failed test says so where tests speak")]
    fn drop(&mut self) {
        if std::thread::panicking() && fs::write(self.path(), self.data).is_ok() {
            let (name, path) = (self.name, self.path());
            eprintln!("{name} of the target {} is kept as {}", self.target, path.display());
        }
    }
}

/// SplitMix64: the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn changed(&mut self, corpus: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut data = corpus[self.below(corpus.len())].1.clone();
        for _ in 0..=self.below(CHANGES) {
            self.change(&mut data, corpus);
        }
        data
    }

    fn change(&mut self, data: &mut Vec<u8>, corpus: &[(String, Vec<u8>)]) {
        let at = self.below(data.len());
        let piece = self.piece(data);
        match self.below(7) {
            0 if !data.is_empty() => data[at] ^= 1 << self.below(8),
            1 => {
                data.splice(at..at, STUMBLES[self.below(STUMBLES.len())].iter().copied());
            }
            2 => {
                data.drain(piece);
            }
            3 => {
                let doubled = data[piece].to_vec();
                data.splice(at..at, doubled);
            }
            4 => {
                let other = &corpus[self.below(corpus.len())].1;
                let other = &other[self.piece(other)];
                data.splice(piece, other.iter().copied());
            }
            5 => data.truncate(at),
            _ if !data.is_empty() => data[at] = self.next() as u8,
            _ => {}
        }
    }

    fn piece(&mut self, of: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(of.len() + 1);
        let length = self.below(LONGEST_PIECE).min(of.len() - start);
        start..start + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_many_and_the_same_each_time() {
        let corpus = [("a".to_owned(), b"{\"a\": [1, 2]}".to_vec()), ("b".to_owned(), Vec::new())];
        let inputs = || {
            let mut random = Random(1);
            (0..200).map(|_| random.changed(&corpus)).collect::<Vec<_>>()
        };
        let mut first = inputs();
        assert_eq!(first, inputs());
        first.sort_unstable();
        first.dedup();
        assert!(first.len() > 100, "{} of 200", first.len());
    }

    #[test]
    fn a_target_without_a_corpus_is_an_error() {
        let error = run("none", |_| {}).unwrap_err();
        assert!(format!("{error:#}").contains("fixtures/fuzz/none"), "{error:#}");
    }
}
