//! Runs that go on at the moment, here or elsewhere.

use std::fmt;

use jiff::Timestamp;
use stats_model::Category;

use crate::service::RunAtWork;
use crate::survey::members::Member;
use crate::survey::names::{Communities, CommunityName};
use crate::survey::request::Request;

/// A run that goes on. What it is to make and has not made yet is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AtWork {
    /// What was asked of it.
    pub(crate) request: Request,
    /// When it began.
    pub(crate) since: Timestamp,
    /// Which one it is and who carries it out, for people.
    by: String,
}

impl AtWork {
    /// The run that somebody told of, if what was asked of it can be understood here. Where it names no
    /// categories it makes those that are `configured`.
    pub(crate) fn of(run: RunAtWork, configured: &[Category]) -> Option<Self> {
        let RunAtWork { request, since, by } = run;
        let mut request: Request = serde_json::from_value(request).ok()?;
        if request.categories.is_empty() {
            request.categories = configured.to_vec();
        }
        Some(Self { request, since, by })
    }

    /// Whether it is to make this cell, if the cell has to be made.
    pub(crate) fn is_about(&self, member: &Member, year: i16, category: Category) -> bool {
        let is_named = |name: &CommunityName| match name {
            CommunityName::Any(name) => {
                member.id.as_str() == name || member.slug.as_ref() == Some(name)
            }
            CommunityName::Slug(slug) => member.slug.as_ref() == Some(slug),
        };
        let is_asked = match &self.request.communities {
            Communities::All => member.takes_part,
            Communities::Named(names) => names.iter().any(is_named),
        };
        is_asked && self.request.is_about(year, category)
    }
}

impl fmt::Display for AtWork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "being made by {} since {:.0}", self.by, self.since)
    }
}
