//! Bodies on their way into a store and out of it: encoded, measured and hashed as a stream.

use std::cell::Cell;
use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};
use zstd::stream::raw::{self, CParameter, Operation};
use zstd::stream::zio;

use crate::{Body, BodyEncoding};

/// The zstd level of stored bodies.
///
/// Measured on one-year responses: levels 1 to 4 differ by a few per cent in size and speed, and the
/// levels above take two to seven times as long to save at most a third.
const LEVEL: i32 = 3;

/// How far back the encoder looks, as a power of two: 8 MiB.
///
/// A response lists the same series once for every metric, megabytes apart. Measured on one-year
/// responses of 4 to 20 MB, this halves both size and time against the 2 MiB of the level.
const WINDOW_LOG: u32 = 23;

/// How much room is reserved on the word of a stored length before bytes have proved it.
const TRUSTED_CAPACITY: u64 = 1 << 20;

/// Takes the plain body as it is produced and makes a [`Body`] of it. What is kept is the encoded
/// bytes and nothing else.
///
/// ```
/// use std::io::Write as _;
/// use stats_cache::{BodyEncoding, BodyWriter};
///
/// let mut writer = BodyWriter::new(BodyEncoding::Zstd)?;
/// writer.write_all(b"{\"views\":[]}")?;
/// let body = writer.finish()?;
/// assert_eq!(body.plain_length, 12);
/// assert_eq!(body.decode()?, b"{\"views\":[]}");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct BodyWriter {
    encoder: Encoder,
    hash: Sha256,
    plain_length: u64,
}

enum Encoder {
    Plain(Vec<u8>),
    Zstd(zio::Writer<Vec<u8>, raw::Encoder<'static>>),
}

thread_local! {
    /// The encoder of the thread's last body: its window and tables serve the next one.
    static SPARE: Cell<Option<raw::Encoder<'static>>> = const { Cell::new(None) };
}

impl Encoder {
    fn zstd() -> io::Result<Self> {
        let encoder = match SPARE.take() {
            Some(encoder) => encoder,
            None => {
                let mut encoder = raw::Encoder::new(LEVEL)?;
                encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
                encoder
            }
        };
        Ok(Self::Zstd(zio::Writer::new(Vec::new(), encoder)))
    }

    fn finish(self) -> io::Result<(BodyEncoding, Vec<u8>)> {
        match self {
            Self::Plain(bytes) => Ok((BodyEncoding::Plain, bytes)),
            Self::Zstd(mut writer) => {
                writer.finish()?;
                let (bytes, mut encoder) = writer.into_inner();
                encoder.reinit()?;
                SPARE.set(Some(encoder));
                Ok((BodyEncoding::Zstd, bytes))
            }
        }
    }
}

impl BodyWriter {
    /// A writer for bodies in `encoding`.
    ///
    /// # Errors
    /// When the encoder cannot be set up (out of memory).
    pub fn new(encoding: BodyEncoding) -> io::Result<Self> {
        let encoder = match encoding {
            BodyEncoding::Plain => Encoder::Plain(Vec::new()),
            BodyEncoding::Zstd => Encoder::zstd()?,
        };
        Ok(Self { encoder, hash: Sha256::new(), plain_length: 0 })
    }

    /// Bytes of plain body written so far.
    #[must_use]
    pub const fn plain_length(&self) -> u64 {
        self.plain_length
    }

    /// Ends the body.
    ///
    /// # Errors
    /// When the encoder cannot end its frame.
    pub fn finish(self) -> io::Result<Body> {
        let (encoding, mut bytes) = self.encoder.finish()?;
        // The buffer grew by doubling; a body may wait for its turn to be stored.
        bytes.shrink_to_fit();
        Ok(Body {
            encoding,
            bytes,
            plain_length: self.plain_length,
            sha256: self.hash.finalize().into(),
        })
    }
}

impl Write for BodyWriter {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        let taken = match &mut self.encoder {
            Encoder::Plain(bytes) => {
                bytes.extend_from_slice(plain);
                plain.len()
            }
            Encoder::Zstd(writer) => writer.write(plain)?,
        };
        self.hash.update(&plain[..taken]);
        self.plain_length += taken as u64;
        Ok(taken)
    }

    /// Does nothing: flushing a compressed stream early would only make it longer.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body {
    /// A body from bytes that are at hand as a whole.
    ///
    /// # Errors
    /// When the encoder fails (out of memory).
    pub fn from_plain(encoding: BodyEncoding, plain: &[u8]) -> io::Result<Self> {
        let mut writer = BodyWriter::new(encoding)?;
        writer.write_all(plain)?;
        writer.finish()
    }

    /// The plain body, verified by length and SHA-256.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`], saying what is wrong with the bytes.
    pub fn decode(&self) -> io::Result<Vec<u8>> {
        decode_verified(self.encoding, &self.bytes, self.plain_length, &self.sha256)
    }

    /// The bytes as `encoding` wants them: these, or recoded ones.
    ///
    /// # Errors
    /// When the body is damaged, or the encoder fails.
    pub(crate) fn encoded_as(
        &self,
        encoding: BodyEncoding,
    ) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        if encoding == self.encoding {
            return Ok(self.bytes.as_slice().into());
        }
        Ok(Self::from_plain(encoding, &self.decode()?)?.bytes.into())
    }
}

/// Decodes stored bytes; they must be exactly one plain body of this length and hash.
pub(crate) fn decode_verified(
    encoding: BodyEncoding,
    bytes: &[u8],
    plain_length: u64,
    sha256: &[u8; 32],
) -> io::Result<Vec<u8>> {
    let plain = match encoding {
        BodyEncoding::Plain => bytes.to_vec(),
        BodyEncoding::Zstd => unpack(bytes, plain_length)?,
    };
    verify(&plain, plain_length, sha256)?;
    Ok(plain)
}

/// Whether a plain body is the one of this length and hash.
pub(crate) fn verify(plain: &[u8], plain_length: u64, sha256: &[u8; 32]) -> io::Result<()> {
    if plain.len() as u64 != plain_length {
        return Err(damaged(format!("{} bytes instead of {plain_length}", plain.len())));
    }
    if Sha256::digest(plain).as_slice() != sha256 {
        return Err(damaged("SHA-256 differs".to_owned()));
    }
    Ok(())
}

fn unpack(bytes: &[u8], plain_length: u64) -> io::Result<Vec<u8>> {
    let mut frame = zstd::stream::read::Decoder::with_buffer(bytes)
        .map_err(|error| damaged(format!("no zstd frame: {error}")))?
        .single_frame();
    // The stored length may be damaged itself: no more room than is sane before bytes arrive, and
    // never more bytes than one beyond it.
    let room = usize::try_from(plain_length.min(TRUSTED_CAPACITY)).unwrap_or(0);
    let mut plain = Vec::with_capacity(room);
    frame
        .by_ref()
        .take(plain_length.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|error| damaged(format!("damaged zstd frame: {error}")))?;
    if plain.len() as u64 <= plain_length && !frame.finish().is_empty() {
        return Err(damaged("bytes after the zstd frame".to_owned()));
    }
    Ok(plain)
}

fn damaged(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_cut_into_writes_gives_the_same_body(
            plain in prop::collection::vec(any::<u8>(), 0..4000),
            cuts in prop::collection::vec(1_usize..500, 0..20),
        ) {
            for encoding in [BodyEncoding::Plain, BodyEncoding::Zstd] {
                let whole = Body::from_plain(encoding, &plain).unwrap();
                let mut writer = BodyWriter::new(encoding).unwrap();
                let mut rest = plain.as_slice();
                for cut in &cuts {
                    let (head, tail) = rest.split_at((*cut).min(rest.len()));
                    writer.write_all(head).unwrap();
                    rest = tail;
                }
                writer.write_all(rest).unwrap();
                let body = writer.finish().unwrap();
                prop_assert_eq!(&body.decode().unwrap(), &plain);
                prop_assert_eq!(body.sha256, whole.sha256);
                prop_assert_eq!(body.plain_length, plain.len() as u64);
            }
        }

        #[test]
        fn no_altered_byte_goes_unnoticed(
            plain in prop::collection::vec(any::<u8>(), 1..2000),
            position in any::<prop::sample::Index>(),
            change in 1_u8..,
        ) {
            for encoding in [BodyEncoding::Plain, BodyEncoding::Zstd] {
                let mut body = Body::from_plain(encoding, &plain).unwrap();
                let position = position.index(body.bytes.len());
                body.bytes[position] ^= change;
                // A frame header has bits without meaning: then the plain body must be right.
                prop_assert!(body.decode().map_or(true, |decoded| decoded == plain));
            }
        }
    }

    #[test]
    fn cut_longer_and_bomb_like_bodies_are_refused() {
        let plain = vec![b'x'; 100_000];
        let body = Body::from_plain(BodyEncoding::Zstd, &plain).unwrap();
        for length in [0, 1, body.bytes.len() / 2, body.bytes.len() - 1] {
            let mut cut = body.clone();
            cut.bytes.truncate(length);
            assert!(cut.decode().is_err(), "cut at {length}");
        }
        let mut longer = body.clone();
        longer.bytes.push(0);
        assert!(longer.decode().is_err());
        let bomb = Body { plain_length: 10, ..body.clone() };
        assert!(bomb.decode().is_err());
        let absurd = Body { plain_length: u64::MAX, ..body };
        assert!(absurd.decode().is_err());
    }
}
