//! Where the statements of a Python file begin and end: brackets, texts, comments, continued lines,
//! and blocks that stand on the line of their condition.

/// One statement.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// The line on which it begins, counted from 1.
    pub(super) line: usize,
    /// Its text; a comment may stand at its end.
    pub(super) text: &'a str,
    /// Whether it stands inside another one: on lines of its own, or behind a condition.
    pub(super) indented: bool,
}

/// The statements of `text`, empty ones and comments left out.
///
/// # Errors
/// With the line of a bracket or text that never ends.
pub(super) fn statements(text: &str) -> Result<Vec<Statement<'_>>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Splitter { text, at: 0, line: 1 }.all()
}

/// `text` without the content of texts and without comments, to look for names in it.
pub(super) fn code_only(text: &str) -> String {
    let mut splitter = Splitter { text, at: 0, line: 1 };
    let mut code = String::with_capacity(text.len());
    let mut kept = 0;
    while let Some(byte) = splitter.byte(0) {
        if !matches!(byte, b'#' | b'"' | b'\'') {
            splitter.step();
            continue;
        }
        code.push_str(text.get(kept..splitter.at).unwrap_or_default());
        match byte {
            b'#' => splitter.skip_comment(),
            quote => {
                code.push('_');
                // The splitter has been over it before: every text has an end.
                if splitter.skip_text(quote).is_err() {
                    return code;
                }
            }
        }
        kept = splitter.at;
    }
    code.push_str(text.get(kept..).unwrap_or_default());
    code
}

/// Whether a statement has a block: its head ends with a colon.
fn begins_block(text: &str) -> bool {
    const WORDS: [&str; 11] =
        ["if", "elif", "else", "for", "while", "with", "try", "except", "finally", "def", "class"];
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (word, rest) = text.split_at(text.find(|letter| !part(letter)).unwrap_or(text.len()));
    match word {
        "async" => begins_block(rest.trim_start()),
        // These two may be names as well.
        "match" | "case" => {
            let after = rest.trim_start();
            rest.starts_with([' ', '\t']) && !after.starts_with(['=', ':', ',', '.'])
        }
        word => WORDS.contains(&word),
    }
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Splitter<'a> {
    fn all(mut self) -> Result<Vec<Statement<'a>>, usize> {
        let mut found = Vec::new();
        let mut indented = false;
        while self.at < self.text.len() {
            let (start, line) = (self.at, self.line);
            let begins_line = start == 0 || self.text.as_bytes()[start - 1] == b'\n';
            let rest = &self.text[start..];
            if begins_line {
                indented = rest.starts_with([' ', '\t']);
            }
            let begins_block = begins_block(rest.trim_start_matches([' ', '\t', '\x0c']));
            let separator = self.skip_statement(begins_block)?;
            let text = &self.text[start..self.at - usize::from(separator.is_some())];
            let bare = text.trim();
            if !bare.is_empty() && !bare.starts_with('#') {
                found.push(Statement { line, text, indented });
            }
            // What follows on the same line is inside.
            indented |= separator == Some(b':');
        }
        Ok(found)
    }

    fn byte(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + offset).copied()
    }

    /// Moves one byte on and counts lines.
    fn step(&mut self) {
        self.line += usize::from(self.byte(0) == Some(b'\n'));
        self.at = self.text.len().min(self.at + 1);
    }

    /// Moves behind the end of the statement; the line end or semicolon that ended it, or the colon
    /// that ends the head of a block.
    fn skip_statement(&mut self, begins_block: bool) -> Result<Option<u8>, usize> {
        let mut open_since = Vec::new();
        while let Some(byte) = self.byte(0) {
            match byte {
                b'#' => self.skip_comment(),
                b'"' | b'\'' => self.skip_text(byte)?,
                b'\\' => {
                    self.step();
                    if self.byte(0) == Some(b'\r') {
                        self.step();
                    }
                    self.step();
                }
                b'(' | b'[' | b'{' => {
                    open_since.push(self.line);
                    self.step();
                }
                b')' | b']' | b'}' => {
                    open_since.pop();
                    self.step();
                }
                b':' if begins_block && open_since.is_empty() && self.byte(1) != Some(b'=') => {
                    self.step();
                    return Ok(Some(byte));
                }
                b'\n' | b';' if open_since.is_empty() => {
                    self.step();
                    return Ok(Some(byte));
                }
                _ => self.step(),
            }
        }
        match open_since.first() {
            Some(line) => Err(*line),
            None => Ok(None),
        }
    }

    fn skip_comment(&mut self) {
        while self.byte(0).is_some_and(|byte| byte != b'\n') {
            self.step();
        }
    }

    fn skip_text(&mut self, quote: u8) -> Result<(), usize> {
        let begin = self.line;
        let is_long = self.byte(1) == Some(quote) && self.byte(2) == Some(quote);
        let length = if is_long { 3 } else { 1 };
        (0..length).for_each(|_| self.step());
        loop {
            match self.byte(0) {
                None => return Err(begin),
                Some(b'\n') if !is_long => return Err(begin),
                Some(b'\\') => {
                    self.step();
                    if self.byte(0) == Some(b'\r') {
                        self.step();
                    }
                    if self.byte(0).is_some() {
                        self.step();
                    }
                }
                Some(byte) if byte == quote => {
                    let closing = (0..length).all(|offset| self.byte(offset) == Some(quote));
                    (0..if closing { length } else { 1 }).for_each(|_| self.step());
                    if closing {
                        return Ok(());
                    }
                }
                Some(_) => self.step(),
            }
        }
    }
}
