//! From settings to what is made of documents.

use stats_model::Category;
use stats_series::{ComponentRegistry, FloatStyle, Layouts, SeriesConfig, SubcountConfig};

use super::parts::{App, AppError};
use super::told::warn;
use crate::config::LargeFloats;

impl App {
    /// The configuration of the transformation: built in, or from the files that settings name.
    ///
    /// # Errors
    /// When such a file cannot be read or understood.
    pub fn series_config(&self) -> Result<SeriesConfig, AppError> {
        let generation = &self.settings.generation;
        if generation.subcounts.is_none() && generation.components.is_none() {
            return Ok(SeriesConfig::default());
        }
        let subcounts = match &generation.subcounts {
            None => SubcountConfig::default(),
            Some(input) => {
                self.settings.parsed("generation.subcounts", input, SubcountConfig::from_json)?
            }
        };
        let components = match &generation.components {
            None => ComponentRegistry::default(),
            Some(input) => self.settings.parsed(
                "generation.components",
                input,
                ComponentRegistry::from_json,
            )?,
        };
        Ok(SeriesConfig::new(subcounts, components))
    }

    /// The layouts: built in, or from the file that settings name.
    ///
    /// # Errors
    /// When that file cannot be read or understood.
    pub fn layouts(&self) -> Result<Layouts, AppError> {
        match &self.settings.generation.layouts {
            None => Ok(Layouts::default()),
            Some(input) => {
                Ok(self.settings.parsed("generation.layouts", input, Layouts::from_json)?)
            }
        }
    }

    /// How large floats are written.
    #[must_use]
    pub const fn floats(&self) -> FloatStyle {
        match self.settings.generation.large_floats {
            LargeFloats::Plain => FloatStyle::Plain,
            LargeFloats::Signed => FloatStyle::Signed,
        }
    }

    /// The categories that are made when none are named.
    #[must_use]
    pub fn categories(&self) -> Vec<Category> {
        let derived = self.settings.generation.derived;
        Category::ALL.into_iter().filter(|category| derived || !category.is_derived()).collect()
    }

    /// Who takes every configured breakdown out of responses may mean it, and is told all the same.
    pub(super) fn tell_of_no_subcounts(&self, config: &SeriesConfig) {
        if config.has_no_subcounts() {
            let origin = self.settings.origin("generation.subcounts");
            warn(&format!(
                "{origin}: `generation.subcounts` names none, so responses hold no breakdown that \
                 is configured"
            ));
        }
    }
}
