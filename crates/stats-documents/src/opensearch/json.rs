//! Numbers, lists and objects of answers, bounded: nothing is built that was not asked for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Floating-point numbers are exact below.
pub(super) const EXACT: u64 = 1 << 53;

/// A whole number from 0 to 2^53, however it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whole(pub(super) u64);

/// A whole number of that size or below 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signed(pub(super) i64);

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Signed;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a whole number below 2^53")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Signed, E> {
                if number.unsigned_abs() < EXACT {
                    Ok(Signed(number))
                } else {
                    Err(E::custom(format_args!("{number} is beyond 2^53")))
                }
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Signed, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Signed, E> {
                if number.fract() == 0.0 && number.abs() < EXACT as f64 {
                    Ok(Signed(number as i64))
                } else {
                    Err(E::custom(format_args!("{number} is no whole number below 2^53")))
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Signed(number) = Signed::deserialize(deserializer)?;
        let whole = u64::try_from(number);
        whole.map(Self).map_err(|_| D::Error::custom(format_args!("{number} is below 0")))
    }
}

/// A list of at most so many.
#[derive(Debug)]
pub(super) struct Listed<T, const MOST: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Listed<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
            type Value = Listed<T, MOST>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "a list of at most {MOST}")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    if list.len() == MOST {
                        return Err(S::Error::custom(format_args!("more than {MOST}")));
                    }
                    list.push(item);
                }
                Ok(Listed(list))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// The first of a list, whatever the others are, and how many there are.
#[derive(Debug)]
pub(super) struct First<T>(pub(super) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = First<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
                let first = items.next_element()?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// The members of an object by their names, each of which stands once, and at most so many.
#[derive(Debug)]
pub(super) struct Named<T, const MOST: usize>(pub(super) BTreeMap<String, T>);

impl<T, const MOST: usize> Default for Named<T, MOST> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Named<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Object<T, MOST> {
            type Value = Named<T, MOST>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, member)) = map.next_entry()? {
                    if members.len() == MOST {
                        return Err(M::Error::custom(format_args!("more than {MOST}")));
                    }
                    match members.entry(name) {
                        Entry::Vacant(place) => drop(place.insert(member)),
                        Entry::Occupied(there) => {
                            return Err(M::Error::custom(format_args!("{} twice", there.key())));
                        }
                    }
                }
                Ok(Named(members))
            }
        }
        deserializer.deserialize_map(Object(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_can_be_true() {
        let whole = |text: &str| serde_json::from_str::<Whole>(text).ok().map(|it| it.0);
        assert_eq!(whole("0"), Some(0));
        assert_eq!(whole("-0"), Some(0));
        assert_eq!(whole("17.0"), Some(17));
        assert_eq!(whole("1.7e1"), Some(17));
        assert_eq!(whole("9007199254740991"), Some(EXACT - 1));
        for odd in ["9007199254740992", "18446744073709551616", "-1", "1.5", "1e300", "\"1\"", "[]"]
        {
            assert_eq!(whole(odd), None, "{odd}");
        }
        let signed = |text: &str| serde_json::from_str::<Signed>(text).ok().map(|it| it.0);
        assert_eq!((signed("-1"), signed("-2.0")), (Some(-1), Some(-2)));
        assert_eq!(signed("-9223372036854775808"), None);
    }

    #[test]
    fn lists_and_names_have_their_bounds() {
        let listed = |text: &str| serde_json::from_str::<Listed<u8, 3>>(text).map(|list| list.0);
        assert_eq!(listed("[1,2,3]").unwrap(), [1, 2, 3]);
        assert!(listed("[1,2,3,4]").is_err() && listed("{}").is_err());
        let named =
            |text: &str| serde_json::from_str::<Named<u8, 2>>(text).map(|names| names.0.len());
        assert_eq!(named(r#"{"a":1,"b":2}"#).unwrap(), 2);
        assert!(named(r#"{"a":1,"\u0061":1}"#).is_err());
        assert!(named(r#"{"a":1,"b":1,"c":1}"#).is_err());
    }
}
