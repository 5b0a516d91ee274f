//! What a run stored is there at its end, or was not stored.

use stats_model::chain;

use crate::report::{Stored, Summary};
use crate::service::CachedResponseService;
use crate::survey::request::KEYS_PER_QUESTION;

const GONE: &str = "stored, and gone again before the run ended: somebody removed it, or its file";

impl CachedResponseService {
    /// Takes back what a summary says of responses that are gone, or of which the store cannot tell:
    /// others may remove entries and whole files at any time.
    pub(crate) fn look_back(&self, summary: &mut Summary) {
        let stored = std::mem::take(&mut summary.responses);
        for responses in stored.chunks(KEYS_PER_QUESTION) {
            let keys: Vec<String> = responses.iter().map(|it| it.cache_key.clone()).collect();
            match self.store.absent(&keys) {
                Ok(absent) if absent.is_empty() => summary.responses.extend_from_slice(responses),
                Ok(absent) => {
                    for response in responses {
                        if absent.contains(&response.cache_key) {
                            summary.take_back(response, GONE);
                        } else {
                            summary.responses.push(response.clone());
                        }
                    }
                }
                Err(error) => {
                    let text = format!("stored, but not to be seen: {}", chain(&error));
                    responses.iter().for_each(|response| summary.take_back(response, &text));
                }
            }
        }
    }
}

impl Summary {
    fn take_back(&mut self, response: &Stored, error: &str) {
        self.success -= 1;
        self.fail(response.cell.clone(), error.to_owned());
    }
}
