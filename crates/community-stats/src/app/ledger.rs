//! What is remembered of runs.

use std::sync::Arc;

use stats_cache::{RedisClient, RedisOptions};
use stats_jobs::ledger::{Ledger, RedisLedger, SqliteLedger, SqliteLedgerOptions};

use super::parts::{App, AppError, make_folder_of};
use super::told::warn;
use crate::config::LedgerKind;
use crate::connections::redis_address;

impl App {
    /// The ledger: in a file, which is made when it is not there, or in Redis, which is not asked yet.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn ledger_to_write(&self) -> Result<Arc<dyn Ledger>, AppError> {
        match self.settings.ledger() {
            LedgerKind::Redis => self.ledger_in_redis(),
            LedgerKind::Sqlite => self.ledger_in_a_file(),
        }
    }

    /// The ledger as it is; `None` when there is none yet, or one is just being made.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn ledger_to_read(&self) -> Result<Option<Arc<dyn Ledger>>, AppError> {
        if self.settings.ledger() == LedgerKind::Redis {
            return self.ledger_in_redis().map(Some);
        }
        let path = self.settings.data.ledger_path();
        let is_made = path.metadata().is_ok_and(|file| file.is_dir() || file.len() > 0);
        if !is_made {
            return Ok(None);
        }
        let ledger = SqliteLedger::open_read_only(path, SqliteLedgerOptions::default())?;
        Ok(Some(Arc::new(ledger)))
    }

    fn ledger_in_a_file(&self) -> Result<Arc<dyn Ledger>, AppError> {
        let path = self.settings.data.ledger_path();
        make_folder_of(&path)?;
        let clock = Arc::clone(&self.clock);
        let ledger = SqliteLedger::open_with(path, SqliteLedgerOptions::default(), clock)?;
        if let Some(aside) = ledger.set_aside() {
            warn(&format!(
                "{}; it was set aside as {}, and what was remembered of runs is lost",
                aside.why,
                aside.path.display()
            ));
        }
        Ok(Arc::new(ledger))
    }

    /// Beside the responses, so that whoever shares those shares it, too.
    fn ledger_in_redis(&self) -> Result<Arc<dyn Ledger>, AppError> {
        let address = redis_address(&self.settings.cache.redis_targets().responses);
        let client = RedisClient::prepare(address, RedisOptions::default())?;
        let prefix = &self.settings.cache.prefix;
        Ok(Arc::new(RedisLedger::beside(prefix, move || client.open())))
    }
}
