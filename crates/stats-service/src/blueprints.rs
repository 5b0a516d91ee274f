//! What responses are made of, worked out once for all shelves that want the same.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use stats_series::{Blueprint, ResponseSpec, SeriesConfig, SeriesError};

/// So many are kept. Most communities share a layout, and each kind has its own.
const KEPT: usize = 32;

/// The blueprints that were asked for last, under what they are of.
#[derive(Debug, Default)]
pub(crate) struct Blueprints(Mutex<VecDeque<(Vec<ResponseSpec>, Blueprint)>>);

impl Blueprints {
    /// The blueprint of these responses under a configuration, which has to be the same one each time.
    ///
    /// # Errors
    /// When there is no response, or their kinds differ.
    pub(crate) fn of(
        &self,
        config: &SeriesConfig,
        specs: &[ResponseSpec],
    ) -> Result<Blueprint, SeriesError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = kept.iter().find(|(known, _)| known == specs) {
            return Ok(known.clone());
        }
        let blueprint = Blueprint::new(config, specs)?;
        kept.truncate(KEPT - 1);
        kept.push_front((specs.to_vec(), blueprint.clone()));
        Ok(blueprint)
    }
}

#[cfg(test)]
mod tests {
    use stats_model::Category;
    use stats_series::Selection;

    use super::*;

    #[test]
    fn the_same_responses_share_one_and_the_oldest_make_room() {
        let (blueprints, config) = (Blueprints::default(), SeriesConfig::default());
        let specs = |many: usize| -> Vec<ResponseSpec> {
            let spec = ResponseSpec { category: Category::UsageDelta, selection: Selection::All };
            vec![spec; many]
        };
        for many in 1..=2 * KEPT {
            let made = blueprints.of(&config, &specs(many)).unwrap();
            assert_eq!(made.responses(), many);
            assert_eq!(blueprints.of(&config, &specs(many)).unwrap().responses(), many);
        }
        let kept = blueprints.0.lock().unwrap();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.iter().all(|(specs, _)| specs.len() > KEPT));
    }
}
