//! One stored response against what a reading of its shelf gives, to the byte.

use std::io::{self, Write};

use sha2::{Digest, Sha256};
use stats_cache::EntryDescription;
use stats_series::WriteError;

use stats_model::chain;

use crate::difference::first_difference;
use crate::error::ServiceError;
use crate::make::reading::Reading;
use crate::service::CachedResponseService;

/// What comparing an entry with what would be made now gave.
pub(crate) enum Compared {
    /// The same bytes.
    Same,
    /// Others: the series and the date that differ first, and what differs there, in words.
    Different { place: Option<(String, Option<String>)>, difference: String },
    /// It cannot be made.
    Failed(String),
}

impl CachedResponseService {
    /// Compares one entry with the responses at `first` (optimised) and after it (full).
    pub(crate) fn compare(
        &self,
        entry: &EntryDescription,
        reading: &Reading,
        first: usize,
    ) -> Result<Compared, ServiceError> {
        let candidates = match &entry.origin {
            Some(origin) if origin.optimized => vec![first],
            Some(_) => vec![first + 1],
            None => vec![first, first + 1],
        };
        let Some(stored) = self.store.get(&entry.key)? else {
            let difference = "the stored body cannot be read".to_owned();
            return Ok(Compared::Different { place: None, difference });
        };
        let stored_hash: [u8; 32] = Sha256::digest(&stored.body).into();
        for index in &candidates {
            match self.hash_of(reading, *index) {
                Ok(made) if made == stored_hash => return Ok(Compared::Same),
                Ok(_) => {}
                Err(text) => return Ok(Compared::Failed(text)),
            }
        }
        let mut made = Vec::new();
        if let Err(error) = reading.builder.write(candidates[0], self.settings.floats, &mut made) {
            return Ok(Compared::Failed(write_failure(&error)));
        }
        let found = first_difference(&stored.body, &made);
        let difference = found.as_ref().map(ToString::to_string).unwrap_or_default();
        let place = found.map(|found| (found.series, found.date));
        Ok(Compared::Different { place, difference })
    }

    fn hash_of(&self, reading: &Reading, index: usize) -> Result<[u8; 32], String> {
        let mut hasher = Hashing(Sha256::new());
        match reading.builder.write(index, self.settings.floats, &mut hasher) {
            Ok(()) => Ok(hasher.0.finalize().into()),
            Err(error) => Err(write_failure(&error)),
        }
    }
}

fn write_failure(error: &WriteError) -> String {
    match error {
        WriteError::Document(failure) => failure.to_string(),
        WriteError::Io(error) => chain(error),
    }
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
