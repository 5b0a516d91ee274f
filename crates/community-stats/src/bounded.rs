//! Small files and inputs: read whole, but never without end.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The most that is read of settings and of what they name, in bytes.
pub(crate) const SMALL: u64 = 16 << 20;

/// The most that is read of one response, in bytes: Redis holds no larger value.
pub(crate) const RESPONSE: u64 = 512 << 20;

/// The content of a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, or is larger.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, limit)
}

/// The same of a file that has to be text.
///
/// # Errors
/// When it cannot be read, is larger, or is not UTF-8 ([`ErrorKind::InvalidData`]).
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(read(path, limit)?).map_err(not_text)
}

/// Everything that an input of at most `limit` bytes holds.
///
/// # Errors
/// When it cannot be read, or holds more.
pub(crate) fn read_all(input: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let reason = format!("it is larger than {} MiB, the most that is read here", limit >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused() {
        let refused = read(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_all(&[7; 1 << 20][..], 1 << 20).unwrap().len(), 1 << 20);
        assert!(read_all(&[7; (1 << 20) + 1][..], 1 << 20).is_err());
    }
}
