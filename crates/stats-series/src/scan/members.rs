//! Objects and lists taken apart, as Python reads them.

use std::borrow::Cow;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::json::{Next, Parsed, after_member, expect_colon, skip_space, skip_string};
use super::skip::skip_value;
use super::text::string_text;

/// The members of an object: the texts of their keys and their values.
pub(crate) type Members<'a> = Vec<(Cow<'a, [u8]>, &'a [u8])>;

/// The value of a member.
pub(crate) fn get<'a>(members: &[(Cow<'a, [u8]>, &'a [u8])], key: &str) -> Option<&'a [u8]> {
    members.iter().find(|(name, _)| name.as_ref() == key.as_bytes()).map(|(_, value)| *value)
}

/// The members of a valid object, each key once: the place of its first and the value of its last
/// occurrence.
pub(crate) fn members(object: &[u8]) -> Parsed<Members<'_>> {
    let mut members = Unique::default();
    let mut at = skip_space(object, 1);
    if object.get(at) == Some(&b'}') {
        return Ok(members.into_members());
    }
    loop {
        let key_end = skip_string(object, at)?;
        let key = string_text(&object[at..key_end]);
        let start = expect_colon(object, key_end)?;
        let end = skip_value(object, start, 0)?;
        members.put(key, &object[start..end]);
        match after_member(object, end, b'}')? {
            Next::Member(next) => at = next,
            Next::End(_) => return Ok(members.into_members()),
        }
    }
}

/// Members, each key once. Many are found by hash, few by looking through them.
pub(crate) struct Unique<'a, V> {
    members: Vec<(Cow<'a, [u8]>, V)>,
    places: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

impl<V> Default for Unique<'_, V> {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { members: Vec::new(), places: HashTable::new(), hasher }
    }
}

impl<'a, V> Unique<'a, V> {
    const FEW: usize = 16;

    pub(crate) fn into_members(self) -> Vec<(Cow<'a, [u8]>, V)> {
        self.members
    }

    /// The value under a key that is there takes the place of the earlier one.
    pub(crate) fn put(&mut self, key: Cow<'a, [u8]>, value: V) {
        match self.place(&key) {
            Some(place) => self.members[place].1 = value,
            None => {
                self.members.push((key, value));
                self.index();
            }
        }
    }

    fn place(&self, key: &[u8]) -> Option<usize> {
        if self.places.is_empty() {
            return self.members.iter().position(|(known, _)| known.as_ref() == key);
        }
        let hash = self.hasher.hash_one(key);
        self.places.find(hash, |place| self.members[*place].0.as_ref() == key).copied()
    }

    /// Enters the last member into the index, or all once they are no longer few.
    fn index(&mut self) {
        let count = self.members.len();
        if count <= Self::FEW {
            return;
        }
        let (members, hasher) = (&self.members, &self.hasher);
        let hash = |place: &usize| hasher.hash_one(members[*place].0.as_ref());
        let from = if self.places.is_empty() { 0 } else { count - 1 };
        for place in from..count {
            self.places.insert_unique(hash(&place), place, hash);
        }
    }
}

/// The elements of a valid list.
pub(crate) fn elements(array: &[u8]) -> Parsed<Vec<&[u8]>> {
    let mut elements = Vec::new();
    let mut at = skip_space(array, 1);
    if array.get(at) == Some(&b']') {
        return Ok(elements);
    }
    loop {
        let end = skip_value(array, at, 0)?;
        elements.push(&array[at..end]);
        match after_member(array, end, b']')? {
            Next::Member(next) => at = next,
            Next::End(_) => return Ok(elements),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_keys_wins_in_the_first_place() {
        let members = members(br#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
        let shown: Vec<_> = members.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
        assert_eq!(shown, [(b"a".as_slice(), b"3".as_slice()), (b"b", b"2")]);
    }

    #[test]
    fn many_members_are_told_apart_like_few() {
        let once: String = (0..100).map(|key| format!("\"{key}\":{key},")).collect();
        let text = format!("{{{once}\"7\":true,\"99\":false,\"\\ud800\":1,\"\\ud801\":2}}");
        let members = members(text.as_bytes()).unwrap();
        assert_eq!(members.len(), 102);
        assert_eq!(
            (get(&members, "7"), get(&members, "99")),
            (Some(&b"true"[..]), Some(&b"false"[..]))
        );
        assert_eq!(members[7].0.as_ref(), b"7");
    }
}
