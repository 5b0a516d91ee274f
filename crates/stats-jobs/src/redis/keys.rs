//! The names that kombu gives to keys.

/// Between the parts of a name.
const SEPARATOR: &str = "\x06\x16";

/// The hash of messages that are in somebody's hand: by tag, `[message, exchange, routing key]`.
pub(super) const UNACKED: &str = "unacked";
/// The sorted set of their tags, by the time in seconds at which they were taken.
pub(super) const UNACKED_INDEX: &str = "unacked_index";

/// The lists of a queue, those that come first before the others.
pub(super) fn lists(queue: &str) -> [String; 4] {
    [0, 3, 6, 9].map(|step| list(queue, step))
}

/// The list for messages of a priority.
pub(super) fn list(queue: &str, priority: u8) -> String {
    match priority.min(9) / 3 * 3 {
        0 => queue.to_owned(),
        step => format!("{queue}{SEPARATOR}{step}"),
    }
}

/// The set of queues that an exchange leads to.
pub(super) fn bindings(exchange: &str) -> String {
    format!("_kombu.binding.{exchange}")
}

/// What says in such a set that messages with this key go to this queue.
pub(super) fn binding(routing_key: &str, queue: &str) -> String {
    format!("{routing_key}{SEPARATOR}{SEPARATOR}{queue}")
}

/// The queues that messages with this key go to, by the members of such a set.
pub(super) fn queues_bound_by<'a>(
    bound: &'a [Vec<u8>],
    routing_key: &str,
) -> impl Iterator<Item = &'a str> {
    let prefix = format!("{routing_key}{SEPARATOR}");
    bound.iter().filter_map(move |member| {
        let rest = std::str::from_utf8(member).ok()?.strip_prefix(&prefix)?;
        // Between the two stands a pattern, which the key of an answer does not need.
        Some(rest.split_once(SEPARATOR)?.1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kombu() {
        let lists = lists("celery");
        assert_eq!(lists, ["celery", "celery\x06\x163", "celery\x06\x166", "celery\x06\x169"]);
        assert_eq!(list("celery", 5), "celery\x06\x163");
        assert_eq!(list("celery", 255), "celery\x06\x169");
        assert_eq!(bindings("celery"), "_kombu.binding.celery");
        assert_eq!(binding("a", "b"), "a\x06\x16\x06\x16b");
        let bound = [binding("a", "b"), binding("ab", "c")].map(String::into_bytes);
        assert_eq!(queues_bound_by(&bound, "a").collect::<Vec<_>>(), ["b"]);
    }
}
