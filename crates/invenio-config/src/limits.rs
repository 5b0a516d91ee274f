//! How deep a text is nested, told from its tokens alone, before anything walks over its tree.

use ruff_python_ast::token::TokenKind as Kind;
use ruff_python_parser::{Mode, lexer};

/// Far more than anybody writes, far less than what a stack of [`STACK`] bytes takes.
const MOST_NESTED: usize = 120;

/// The stack that parsing and evaluation get, in bytes.
pub(crate) const STACK: usize = 64 << 20;

/// Whether brackets, blocks, operators and calls of `text` stand in each other too often.
pub(crate) fn is_too_deep(text: &str, mode: Mode) -> bool {
    let mut lexer = lexer::lex(text, mode);
    let mut levels = Levels { open: vec![0], indents: 0, sum: 0 };
    let mut before = Kind::Newline;
    loop {
        let kind = lexer.next_token();
        if kind == Kind::EndOfFile {
            return false;
        }
        levels.take(kind, before);
        if levels.sum + levels.open.len() + levels.indents > MOST_NESTED {
            return true;
        }
        if !matches!(kind, Kind::Comment | Kind::NonLogicalNewline) {
            before = kind;
        }
    }
}

/// How often something begins in something else: brackets, and what is chained since the last comma
/// within each of them.
struct Levels {
    open: Vec<usize>,
    indents: usize,
    /// Of the chains of all levels.
    sum: usize,
}

impl Levels {
    fn take(&mut self, kind: Kind, before: Kind) {
        match kind {
            Kind::Lpar | Kind::Lsqb | Kind::Lbrace => {
                if ends_operand(before) {
                    self.chain();
                }
                self.open.push(0);
            }
            Kind::FStringStart | Kind::TStringStart => self.open.push(0),
            Kind::Rpar | Kind::Rsqb | Kind::Rbrace | Kind::FStringEnd | Kind::TStringEnd
                if self.open.len() > 1 =>
            {
                self.sum -= self.open.pop().unwrap_or_default();
            }
            Kind::Comma => self.begin_anew(),
            Kind::Newline | Kind::Semi => {
                self.open = vec![0];
                self.sum = 0;
            }
            Kind::Indent => self.indents += 1,
            Kind::Dedent => self.indents = self.indents.saturating_sub(1),
            kind if chains(kind) => self.chain(),
            _ => {}
        }
    }

    fn chain(&mut self) {
        self.sum += 1;
        if let Some(last) = self.open.last_mut() {
            *last += 1;
        }
    }

    fn begin_anew(&mut self) {
        if let Some(last) = self.open.last_mut() {
            self.sum -= *last;
            *last = 0;
        }
    }
}

/// Whether a bracket after this token is a call or an index.
fn ends_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Name | Kind::Rpar | Kind::Rsqb | Kind::Rbrace | Kind::String | Kind::FStringEnd
    )
}

/// Whether this token puts an operand into another one.
fn chains(kind: Kind) -> bool {
    let is_plain = matches!(
        kind,
        Kind::Name
            | Kind::Int
            | Kind::Float
            | Kind::Complex
            | Kind::String
            | Kind::FStringMiddle
            | Kind::TStringMiddle
            | Kind::Comment
            | Kind::NonLogicalNewline
            | Kind::None
            | Kind::True
            | Kind::False
            | Kind::Ellipsis
            | Kind::Colon
    );
    !is_plain
}
