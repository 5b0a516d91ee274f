//! One honest reading of a shelf: its documents fed to a builder, and proof that they were all of
//! them.

use std::ops::ControlFlow;
use std::time::Duration;

use stats_cache::{Body, BodyWriter};
use stats_documents::{Amiss, ShelfFilter, SourceError, SourceErrorKind, jittered};
use stats_model::{Fingerprint, Shelf, chain};
use stats_series::{ResponseSpec, SeriesBuilder, WriteError};

use crate::error::ServiceError;
use crate::matrix::decide::position_text;
use crate::service::CachedResponseService;
use crate::stop::Stop;

/// A shelf that changes while it is read is read anew, so often in all.
const ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A shelf as it was read.
pub(crate) struct Reading {
    pub(crate) builder: SeriesBuilder,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) position: String,
    pub(crate) documents: u64,
    /// How many days its documents are of.
    pub(crate) days: u64,
    pub(crate) bytes: u64,
}

impl CachedResponseService {
    /// Reads a shelf once for all of `specs`. The fingerprint of what was read equals the one
    /// that the source gave before. A shelf that changes meanwhile is read again from its start;
    /// one that changes each time is an error.
    pub(crate) fn read_shelf(
        &self,
        shelf: &Shelf,
        specs: &[ResponseSpec],
        stop: &Stop,
    ) -> Result<Reading, ServiceError> {
        let mut attempt = 1;
        loop {
            let changed = match self.read_attempt(shelf, specs, stop) {
                Err(ServiceError::Source(error))
                    if error.kind() == SourceErrorKind::Own(Amiss::Inconsistent) =>
                {
                    error
                }
                done => return done,
            };
            if attempt == ATTEMPTS {
                let doing = format!("reading {shelf}, in vain {ATTEMPTS} times");
                let kind = SourceErrorKind::Own(Amiss::Inconsistent);
                return Err(SourceError::caused_by(kind, doing, changed).into());
            }
            self.clock.sleep(jittered(attempt, FIRST_WAIT, FIRST_WAIT * 2));
            if stop.is_set() {
                return Err(ServiceError::Interrupted);
            }
            attempt += 1;
        }
    }

    fn read_attempt(
        &self,
        shelf: &Shelf,
        specs: &[ResponseSpec],
        stop: &Stop,
    ) -> Result<Reading, ServiceError> {
        let expected = self.fingerprint(shelf)?;
        let reading = self.read_once(shelf, specs, stop)?;
        if reading.fingerprint == expected {
            return Ok(reading);
        }
        let found = format!("announced {expected}; delivered {}", reading.fingerprint);
        let doing = format!("reading {shelf}, which changed while it was read: {found}");
        Err(SourceError::new(SourceErrorKind::Own(Amiss::Inconsistent), doing).into())
    }

    fn fingerprint(&self, shelf: &Shelf) -> Result<Fingerprint, ServiceError> {
        let filter =
            ShelfFilter { communities: vec![shelf.community.clone()], years: vec![shelf.year] };
        let mut all = self.documents.fingerprints(shelf.kind, &filter)?;
        Ok(all.remove(shelf).unwrap_or_default())
    }

    fn read_once(
        &self,
        shelf: &Shelf,
        specs: &[ResponseSpec],
        stop: &Stop,
    ) -> Result<Reading, ServiceError> {
        let position = position_text(&self.documents.position(shelf.kind)?);
        let blueprint = self.blueprints.of(&self.settings.series, specs)?;
        let mut builder = SeriesBuilder::of(&blueprint);
        let (mut fingerprint, mut bytes) = (Fingerprint::default(), 0);
        let (mut days, mut day) = (0, None);
        self.documents.documents(shelf, None, &mut |document| {
            if stop.is_set() {
                return ControlFlow::Break(());
            }
            builder.feed(document.id, document.source);
            // They come in the order of their days.
            days += u64::from(day.replace(document.day) != Some(document.day));
            fingerprint.count += 1;
            fingerprint.max = fingerprint.max.max(document.sequence);
            fingerprint.sum = fingerprint.sum.wrapping_add(document.sequence);
            bytes += document.source.len() as u64;
            ControlFlow::Continue(())
        })?;
        if stop.is_set() {
            return Err(ServiceError::Interrupted);
        }
        let documents = fingerprint.count;
        Ok(Reading { builder, fingerprint, position, documents, days, bytes })
    }

    /// The response at `index` of a reading as a body for the store, or why there is none.
    pub(crate) fn body(&self, reading: &Reading, index: usize) -> Result<Body, String> {
        let encoding = self.store.encoding();
        let mut writer = BodyWriter::new(encoding).map_err(|error| chain(&error))?;
        match reading.builder.write(index, self.settings.floats, &mut writer) {
            Ok(()) => writer.finish().map_err(|error| chain(&error)),
            Err(WriteError::Document(failure)) => Err(failure.to_string()),
            Err(WriteError::Io(error)) => Err(chain(&error)),
        }
    }
}
