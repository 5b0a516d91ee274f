//! The tasks of the design document: one response, or several (cache-and-jobs specification, section
//! 15, row 14). They take no lock: each response is stored only over what was seen.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stats_jobs::ledger::Trigger;
use stats_jobs::{Failure, TaskControl, TaskFailure, TaskMessage};
use stats_model::Category;
use stats_service::{
    Communities, CommunityName, Pool, Request, Run, ServiceError, Summary, Years, chain,
};

use super::arguments::{bound, category, community, year};
use super::{Bench, failed, is_shut_down};
use crate::daemon::recorder::Asked;

/// A response as somebody named it.
#[derive(Debug, Clone)]
struct Named {
    community: String,
    year: i16,
    category: Category,
}

/// What came of a response: its key, or why there is none.
type Came = Result<String, String>;

pub(super) fn one(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
) -> Result<Value, TaskFailure> {
    let arguments = bound(task, &["community_id", "year", "category"])?;
    let named = Named {
        community: community(&arguments["community_id"])?,
        year: year(&arguments["year"])?,
        category: category(&arguments["category"])?,
    };
    let came = make(bench, task, control, std::slice::from_ref(&named))?;
    Ok(came.into_iter().next().map(|came| told(&named, came)).unwrap_or_default())
}

pub(super) fn several(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
) -> Result<Value, TaskFailure> {
    let arguments = bound(task, &["community_year_category_triples"])?;
    let Value::Array(triples) = &arguments["community_year_category_triples"] else {
        return Err(Failure::new("TypeError", "the triples are no list").into());
    };
    let named: Vec<Named> = triples.iter().map(triple).collect::<Result<_, _>>()?;
    let came = make(bench, task, control, &named)?;
    Ok(named.iter().zip(came).map(|(named, came)| told(named, came)).collect())
}

fn triple(value: &Value) -> Result<Named, Failure> {
    match value.as_array().map(Vec::as_slice) {
        Some([first, second, third]) => Ok(Named {
            community: community(first)?,
            year: year(second)?,
            category: category(third)?,
        }),
        _ => Err(Failure::new("ValueError", "a triple is a community, a year and a category")),
    }
}

fn told(named: &Named, came: Came) -> Value {
    let Named { community, year, category } = named;
    let mut object = json!({
        "success": came.is_ok(),
        "community_id": community,
        "year": year,
        "category": category.query_name(),
    });
    match came {
        Ok(key) => object["cache_key"] = json!(key),
        Err(error) => object["error"] = json!(error),
    }
    object
}

/// Makes responses, those of one community and year together; what came of each, in their order.
fn make(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
    named: &[Named],
) -> Result<Vec<Came>, TaskFailure> {
    let mut groups: BTreeMap<(&str, i16), Vec<usize>> = BTreeMap::new();
    for (place, it) in named.iter().enumerate() {
        groups.entry((&it.community, it.year)).or_default().push(place);
    }
    let nothing: Came = Err("it was not made".to_owned());
    let mut came = vec![nothing; named.len()];
    for ((community, year), places) in groups {
        let request = Request {
            communities: Communities::Named(vec![CommunityName::Any(community.to_owned())]),
            years: Years::Named(vec![year]),
            categories: places.iter().map(|place| named[*place].category).collect(),
            ..Request::default()
        };
        match make_group(bench, task, control, &request) {
            Ok((summary, keys)) => {
                if summary.interrupted && is_shut_down(bench, control) {
                    return Err(TaskFailure::Interrupted);
                }
                for place in places {
                    came[place] = outcome(&summary, &keys, named[place].category);
                }
            }
            Err(
                error @ (ServiceError::UnknownCommunity { .. } | ServiceError::UnknownSlug { .. }),
            ) => places.iter().for_each(|place| came[*place] = Err(chain(&error))),
            Err(error) => return Err(failed(bench, &error, control)),
        }
    }
    Ok(came)
}

/// The keys of the responses that a request is about.
type Keys = BTreeMap<Category, String>;

fn make_group(
    bench: &Bench,
    task: &TaskMessage,
    control: &TaskControl,
    request: &Request,
) -> Result<(Summary, Keys), ServiceError> {
    let plan = bench.service.plan(request)?;
    let key = |cell: &_| bench.service.key_of(&plan.place(cell));
    let keys = plan.cells.iter().map(|cell| (cell.category, key(cell))).collect();
    let asked = Asked {
        trigger: Trigger::Message,
        asked_by: format!("task {}", task.id),
        request: json!(request),
        resumes: None,
        planned: plan.to_make().count() as u64,
        limit: None,
        ends: Some(Box::new({
            let control = control.clone();
            move || control.should_stop()
        })),
    };
    let made = bench.recorder.record(asked, |stop, progress| {
        let run = &mut Run {
            hands: &Pool,
            workers: bench.workers,
            most: None,
            stop: stop.clone(),
            progress,
        };
        Ok(bench.service.execute(&plan, run))
    });
    made.map(|(_, summary)| (summary, keys))
}

/// What a summary says of the response of a category; what it says nothing bad of stands.
fn outcome(summary: &Summary, keys: &Keys, category: Category) -> Came {
    if let Some(failure) = summary.errors.iter().find(|it| it.cell.category == category) {
        return Err(failure.error.clone());
    }
    if let Some(held) = summary.held_responses.iter().find(|it| it.cell.category == category) {
        return Err(held.reason());
    }
    if let Some(waiting) = summary.waiting.iter().find(|it| it.cell.category == category) {
        return Err(waiting.wait.to_string());
    }
    if summary.interrupted {
        return Err("it was stopped before".to_owned());
    }
    let outside = || "the year is outside the lifespan of the community".to_owned();
    keys.get(&category).cloned().ok_or_else(outside)
}
