//! Who is trusted in an encrypted connection, and what a server has to prove. With which server, and by
//! which settings, is for others to know.
#![forbid(unsafe_code)]

mod proof;
mod trusting;

pub use proof::{Builder, Proof};
pub use trusting::{NoCertificates, Trusting, certificates_in};
