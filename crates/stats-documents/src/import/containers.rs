//! Opening files: what is compressed, packed or written as UTF-16 becomes plain bytes, one stream
//! after the other. Nothing is written to the disk, and memory is bounded whatever a file claims.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::file_names::FileName;
use super::files::{Found, From};
use super::formats::{Counted, Format, HEAD, Measure, TarEnd, decompressed};
use super::told::EMPTY;
use super::utf16::Utf16;

/// Something that was found: a file, or what is in it.
pub(crate) struct Member<'a> {
    /// The file, and what it is called inside.
    pub(crate) name: String,
    /// Found in a folder or in an archive, not named by the caller.
    pub(crate) in_folder: bool,
    pub(crate) content: Content<'a>,
}

/// What there is to read.
pub(crate) enum Content<'a> {
    /// Plain bytes.
    Plain(Box<dyn Read + 'a>),
    /// Nothing that could hold documents, and why.
    Skipped(&'static str),
    /// It cannot be read.
    Failed(io::Error),
}

/// Receives one member after the other.
pub(crate) type Visit<'v> = dyn FnMut(Member<'_>) -> ControlFlow<()> + 'v;

/// Compressed archives in archives are opened so deep.
const DEEPEST: u32 = 5;

/// Hands out what was found. Bytes read from the disk are added to `read`.
pub(crate) fn open(found: Found, read: &Arc<AtomicU64>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    let Found { name, in_folder, from, .. } = found;
    let mut opener =
        Opener { in_folder, depth: 0, unpacked: false, measure: Measure::default(), visit };
    let raw: Box<dyn Read> = match from {
        From::Reader(reader) => reader,
        From::Nowhere(why) => return opener.tell(name, Content::Skipped(why)),
        From::File(path) => match File::open(&path) {
            Ok(file) => {
                if let Some(length) = length_of_zip(&file) {
                    read.fetch_add(length, Ordering::Relaxed);
                    opener.measure = Measure::of_length(length);
                    return opener.zip_file(&name, file);
                }
                Box::new(file)
            }
            Err(error) => return opener.tell(name, Content::Failed(error)),
        },
    };
    let counts = [read.clone(), opener.measure.packed.clone()];
    opener.open(name, Box::new(Counted { raw, counts }))
}

struct Opener<'v, 'f> {
    in_folder: bool,
    depth: u32,
    /// Whether this is what was in a compressed file, and not the file itself.
    unpacked: bool,
    measure: Measure,
    visit: &'v mut Visit<'f>,
}

impl Opener<'_, '_> {
    fn open<'a>(&mut self, name: String, mut raw: Box<dyn Read + 'a>) -> ControlFlow<()> {
        let mut head = Vec::with_capacity(HEAD as usize);
        let broken = raw.by_ref().take(HEAD).read_to_end(&mut head).err();
        if head.is_empty() && broken.is_none() && !self.unpacked && FileName::of(&name).is_packed()
        {
            return self.fail(name, format!("{EMPTY}, though it has the name of a packed file"));
        }
        let format = Format::of(&head);
        let rest: Box<dyn Read + 'a> = match broken {
            Some(error) => Box::new(Failing(Some(error))),
            None => raw,
        };
        let whole: Box<dyn Read + 'a> = Box::new(Cursor::new(head).chain(rest));
        if self.depth == DEEPEST && !matches!(format, Format::Plain | Format::Utf16 { .. }) {
            return self.fail(name, "archives in archives, too deep to be opened".to_owned());
        }
        match format {
            Format::Plain => self.tell(name, Content::Plain(whole)),
            Format::Utf16 { little } => {
                self.tell(name, Content::Plain(Box::new(Utf16::new(whole, little))))
            }
            Format::Tar => self.tar(&name, whole),
            Format::Zip => self.zip(&name, whole),
            Format::Foreign(what) => {
                self.fail(name, format!("{what}, which is not opened: unpack it first"))
            }
            Format::Gzip | Format::Zstd | Format::Xz | Format::Bzip2 => {
                match decompressed(format, whole, &self.measure) {
                    Ok(plain) => {
                        let unpacked = std::mem::replace(&mut self.unpacked, true);
                        let flow = self.deeper(name, plain);
                        self.unpacked = unpacked;
                        flow
                    }
                    Err(error) => self.tell(name, Content::Failed(error)),
                }
            }
        }
    }

    fn tell(&mut self, name: String, content: Content<'_>) -> ControlFlow<()> {
        (self.visit)(Member { name, in_folder: self.in_folder, content })
    }

    fn fail(&mut self, name: String, why: String) -> ControlFlow<()> {
        self.tell(name, Content::Failed(io::Error::new(io::ErrorKind::Unsupported, why)))
    }

    fn deeper<'a>(&mut self, name: String, content: Box<dyn Read + 'a>) -> ControlFlow<()> {
        self.depth += 1;
        let flow = self.open(name, content);
        self.depth -= 1;
        flow
    }

    /// Opens something inside of an archive.
    fn inside<'a>(&mut self, name: String, content: Box<dyn Read + 'a>) -> ControlFlow<()> {
        let hidden = name.rsplit('/').next().is_some_and(|last| last.starts_with('.'));
        let in_folder = std::mem::replace(&mut self.in_folder, true);
        let unpacked = std::mem::replace(&mut self.unpacked, false);
        let flow = if hidden {
            self.tell(name, Content::Skipped(super::files::HIDDEN))
        } else {
            self.deeper(name, content)
        };
        (self.in_folder, self.unpacked) = (in_folder, unpacked);
        flow
    }

    /// Entries are taken as they lie there: long names, which would have to be read into memory,
    /// are left out.
    fn tar(&mut self, name: &str, whole: Box<dyn Read + '_>) -> ControlFlow<()> {
        let zeros = Arc::new(AtomicU64::new(0));
        let mut archive = tar::Archive::new(TarEnd { raw: whole, zeros: zeros.clone() });
        // Archives written one after the other are all read.
        archive.set_ignore_zeros(true);
        let entries = match archive.entries() {
            Ok(entries) => entries.raw(true),
            Err(error) => return self.tell(name.to_owned(), Content::Failed(error)),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.tell(name.to_owned(), Content::Failed(error)),
            };
            let kind = entry.header().entry_type();
            let inner = format!("{name}/{}", String::from_utf8_lossy(&entry.path_bytes()));
            if kind.is_file() || kind.is_contiguous() {
                self.inside(inner, Box::new(entry))?;
            } else if kind.is_gnu_sparse() {
                self.fail(inner, "a sparse file in a tar archive: unpack it first".to_owned())?;
            } else if kind.is_symlink() || kind.is_hard_link() {
                self.tell(inner, Content::Skipped("a link"))?;
            }
        }
        if zeros.load(Ordering::Relaxed) < HEAD {
            return self.fail(name.to_owned(), "the tar archive breaks off".to_owned());
        }
        ControlFlow::Continue(())
    }

    /// A zip archive that cannot be read from its end, where its table of contents is.
    fn zip(&mut self, name: &str, mut whole: Box<dyn Read + '_>) -> ControlFlow<()> {
        loop {
            match zip::read::read_zipfile_from_stream(&mut whole) {
                Ok(Some(entry)) if entry.is_file() => {
                    let inner = format!("{name}/{}", String::from_utf8_lossy(entry.name_raw()));
                    let plain = self.measure.bounded(Box::new(entry));
                    self.inside(inner, plain)?;
                }
                Ok(Some(_)) => {}
                Ok(None) => return ControlFlow::Continue(()),
                Err(error) => {
                    let why = format!("the zip archive cannot be read from a stream: {error}");
                    return self.fail(name.to_owned(), why);
                }
            }
        }
    }

    fn zip_file(&mut self, name: &str, file: File) -> ControlFlow<()> {
        let mut archive = match zip::ZipArchive::new(BufReader::new(file)) {
            Ok(archive) => archive,
            Err(error) => return self.fail(name.to_owned(), error.to_string()),
        };
        for index in 0..archive.len() {
            let inner = archive.name_for_index(index).and_then(Result::ok);
            let inner = inner.map_or_else(|| index.to_string(), std::borrow::Cow::into_owned);
            let inner = format!("{name}/{inner}");
            match archive.by_index(index) {
                Ok(entry) if entry.is_file() => {
                    let plain = self.measure.bounded(Box::new(entry));
                    self.inside(inner, plain)?;
                }
                Ok(entry) if entry.is_symlink() => {
                    self.tell(inner, Content::Skipped("a link"))?;
                }
                Ok(_) => {}
                Err(error) => self.fail(inner, error.to_string())?,
            }
        }
        ControlFlow::Continue(())
    }
}

/// The length of a file that is a zip archive.
fn length_of_zip(mut file: &File) -> Option<u64> {
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut head = [0; 4];
    // Whatever cannot be read says so again when it is read.
    let is_zip = file.read_exact(&mut head).is_ok() && Format::of(&head) == Format::Zip;
    file.rewind().ok()?;
    is_zip.then_some(metadata.len())
}

/// An error in the place of what could not be read.
pub(crate) struct Failing(pub(crate) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
