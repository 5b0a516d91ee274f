//! What an InvenioRDM is configured with: `INVENIO_…` variables and `invenio.cfg`, read through a
//! real Python parser, and what each name decides about (`cache-and-jobs.md` section 1).
//!
//! An `invenio.cfg` is a program. It is evaluated as far as that can be done exactly: whatever is
//! not understood makes each name that it may have touched *undecided*, with the line and the
//! reason, and never half known. Nothing of it is run.
//!
//! * `literal`: values, and texts that are one literal (`ast.literal_eval`)
//! * `names`: which name decides about what
//! * `findings`: what is known of a name
//! * `cfg`: what a file says about its names
//! * `eval`: the evaluator over the tree of `ruff_python_parser`
//! * `limits`: nothing nested so deep that a walk over its tree would run out of stack
#![forbid(unsafe_code)]

mod cfg;
mod eval;
mod findings;
mod limits;
mod literal;
mod names;

pub use cfg::{LARGEST, Unreadable};
pub use findings::{Cfg, Finding, Surroundings, Undecided, UpstreamModule};
pub use literal::{Literal, LiteralError};
pub use names::{Decides, NAMES, Name, PREFIXES_OF_A_COMPANION, name};
