//! What people see: lines on standard output, and errors with hints, warnings and plain lines on
//! standard error. Nothing in a text of others moves their cursor. Colour only where it is wanted
//! (`NO_COLOR`, no terminal).

use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::Failure;
use crate::shown::shown;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Tells why a command ended.
pub(super) fn report(failure: &Failure) {
    line(ERROR, "error", &failure.message);
    if let Some(text) = &failure.hint {
        hint(text);
    }
}

/// Tells what to do.
pub(super) fn hint(text: &str) {
    line(HINT, "hint", text);
}

/// Tells what is odd.
pub(super) fn warn(text: &str) {
    line(WARNING, "warning", text);
}

/// Tells what goes on.
pub(super) fn say(text: &str) {
    // Standard error may be closed; then nobody wants to know.
    let _ = writeln!(anstream::stderr(), "{}", shown(text));
}

fn line(style: Style, word: &str, text: &str) {
    let _ = writeln!(anstream::stderr(), "{style}{word}:{style:#} {}", shown(text));
}

/// Standard output for people, line by line: `writeln!` is all that it takes.
pub(super) fn page() -> Page {
    Page { output: bytes() }
}

/// Lines for people. Each is written as [`shown`], so that no value in it can be anything but a part
/// of its line: what acts on a terminal has no other way there.
pub(super) struct Page {
    output: io::BufWriter<Reader<io::StdoutLock<'static>>>,
}

impl Page {
    /// For `writeln!`; a text without values stands as it is written.
    pub(super) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        if let Some(own) = text.as_str() {
            return self.output.write_all(own.as_bytes());
        }
        let text = text.to_string();
        let line = text.strip_suffix('\n').unwrap_or(&text);
        writeln!(self.output, "{}", shown(line))
    }

    /// An empty screen, on a terminal.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if io::stdout().is_terminal() {
            self.output.write_all(b"\x1b[2J\x1b[H")?;
        }
        Ok(())
    }

    /// Whoever wrote looks at the result of this.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Standard output for bodies and JSON, as they are. Whoever writes to it flushes it and looks at
/// the result.
pub(super) fn bytes() -> io::BufWriter<Reader<io::StdoutLock<'static>>> {
    io::BufWriter::with_capacity(64 * 1024, Reader::of(io::stdout().lock()))
}

/// Whoever reads what is written. One who goes away misses the rest, and changes nothing about how
/// the command ends.
pub(super) struct Reader<W> {
    output: W,
    is_gone: bool,
}

impl<W: Write> Reader<W> {
    /// Whoever reads this output.
    pub(super) const fn of(output: W) -> Self {
        Self { output, is_gone: false }
    }

    fn unless_gone<T>(
        &mut self,
        gone: T,
        write: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.is_gone {
            return Ok(gone);
        }
        match write(&mut self.output) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_gone = true;
                Ok(gone)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |output| output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), Write::flush)
    }
}

/// Writes a value as JSON with a line end to standard output.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut output = bytes();
    serde_json::to_writer_pretty(&mut output, value).map_err(io::Error::from)?;
    writeln!(output)?;
    output.flush()?;
    Ok(())
}
