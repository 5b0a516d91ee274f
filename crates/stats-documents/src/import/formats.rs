//! What a file is by its first bytes, and how it is unpacked without taking more memory or giving
//! more bytes than anybody would have packed.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is looked at to see what a file is; a tar archive says so at byte 257.
pub(crate) const HEAD: u64 = 512;
const READ_BYTES: usize = 256 * 1024;
/// A decoder may take so much memory, in KiB.
const XZ_MEMORY: u32 = 128 * 1024;
/// More than this becomes of one byte only in files that are made for it; small ones do not matter.
const LARGEST_RATIO: u64 = 5_000;
const UNSUSPICIOUS: u64 = 64 << 20;

/// What a file is by its first bytes, not by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Utf16 {
        little: bool,
    },
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Tar,
    Zip,
    /// Known, but not opened.
    Foreign(&'static str),
}

impl Format {
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Foreign("a 7z archive"),
            [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Self::Foreign("a rar archive"),
            [4, 0x22, 0x4d, 0x18, ..] => Self::Foreign("compressed with lz4"),
            [b'L', b'Z', b'I', b'P', ..] => Self::Foreign("compressed with lzip"),
            [0x1f, 0x9d, ..] => Self::Foreign("compressed with compress"),
            [0xff, 6, 0, 0, b's', b'N', ..] => Self::Foreign("compressed with snappy"),
            [b'P', b'A', b'R', b'1', ..] => Self::Foreign("a Parquet file"),
            [0xff, 0xfe, ..] | [b'{' | b'[', 0, ..] => Self::Utf16 { little: true },
            [0xfe, 0xff, ..] | [0, b'{' | b'[', ..] => Self::Utf16 { little: false },
            _ if head.get(257..262) == Some(b"ustar") => Self::Tar,
            _ => Self::Plain,
        }
    }
}

/// How much was read of a file, and how much it became.
#[derive(Clone, Default)]
pub(crate) struct Measure {
    pub(crate) packed: Arc<AtomicU64>,
    plain: Arc<AtomicU64>,
}

impl Measure {
    /// Of a file of this length.
    pub(crate) fn of_length(length: u64) -> Self {
        Self { packed: Arc::new(AtomicU64::new(length)), plain: Arc::default() }
    }

    /// Ends what unpacks to more than anybody would pack.
    pub(crate) fn bounded<'a>(&self, plain: Box<dyn Read + 'a>) -> Box<dyn Read + 'a> {
        Box::new(Bounded { plain, measure: self.clone() })
    }
}

/// Unpacks what is compressed in one of the four formats that are nothing else.
pub(crate) fn decompressed<'a>(
    format: Format,
    whole: Box<dyn Read + 'a>,
    measure: &Measure,
) -> io::Result<Box<dyn Read + 'a>> {
    let buffered = BufReader::with_capacity(READ_BYTES, whole);
    let plain: Box<dyn Read + 'a> = match format {
        Format::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
        Format::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
        Format::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(buffered, true, XZ_MEMORY)),
        _ => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
    };
    Ok(measure.bounded(plain))
}

/// Counts what is read.
pub(crate) struct Counted<'a> {
    pub(crate) raw: Box<dyn Read + 'a>,
    pub(crate) counts: [Arc<AtomicU64>; 2],
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        for count in &self.counts {
            count.fetch_add(length as u64, Ordering::Relaxed);
        }
        Ok(length)
    }
}

struct Bounded<'a> {
    plain: Box<dyn Read + 'a>,
    measure: Measure,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.plain.read(buffer)?;
        let plain = self.measure.plain.fetch_add(length as u64, Ordering::Relaxed);
        let packed = self.measure.packed.load(Ordering::Relaxed);
        if plain > UNSUSPICIOUS.max(packed.saturating_mul(LARGEST_RATIO)) {
            let text = format!("it unpacks to more than {LARGEST_RATIO} times its size");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(length)
    }
}

/// Counts the zeros that were read last: a tar archive that is whole ends with a block of them.
pub(crate) struct TarEnd<'a> {
    pub(crate) raw: Box<dyn Read + 'a>,
    pub(crate) zeros: Arc<AtomicU64>,
}

impl Read for TarEnd<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        let zeros = buffer[..length].iter().rev().take_while(|byte| **byte == 0).count();
        if zeros == length {
            self.zeros.fetch_add(zeros as u64, Ordering::Relaxed);
        } else {
            self.zeros.store(zeros as u64, Ordering::Relaxed);
        }
        Ok(length)
    }
}
