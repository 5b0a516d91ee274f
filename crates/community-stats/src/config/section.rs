//! How a section of settings is declared: one struct per concern, its documentation, keys and
//! defaults in one place, so that the reference page and the checks grow from the code.

use super::error::ConfigError;
use super::resolve::Values;

/// A setting as it is declared.
#[derive(Debug)]
pub struct Setting {
    /// The key in the settings file, section included: `cache.ttl_days`.
    pub key: &'static str,
    /// What it means, line by line as in the source.
    pub documentation: &'static [&'static str],
    /// What is expected as value.
    pub expected: &'static str,
    /// The names that mean the same in InvenioRDM's configuration; without `INVENIO_`.
    pub invenio: &'static [&'static str],
    /// The default as it would stand in the settings file; empty when there is none.
    pub default: fn() -> String,
}

impl Setting {
    /// The variable that sets it: `COMMUNITY_STATS_CACHE_TTL_DAYS`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("COMMUNITY_STATS_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// The documentation as one text.
    #[must_use]
    pub fn text(&self) -> String {
        joined(self.documentation)
    }
}

/// A section as it is declared.
#[derive(Debug)]
pub struct SectionDescription {
    /// The name of the table in the settings file.
    pub name: &'static str,
    /// What the section is about, line by line as in the source.
    pub documentation: &'static [&'static str],
    /// Its settings in their order.
    pub settings: &'static [Setting],
}

impl SectionDescription {
    /// The documentation as one text.
    #[must_use]
    pub fn text(&self) -> String {
        joined(self.documentation)
    }
}

fn joined(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// A struct that [`section!`] declared.
pub(super) trait Section: Sized {
    const DESCRIPTION: SectionDescription;

    /// Takes the values of this section.
    fn resolve(values: &Values) -> Result<Self, ConfigError>;

    /// Key and masked value of each setting, in the declared order.
    fn shown(&self) -> Vec<(&'static str, String)>;
}

/// Declares a section: a struct with documented fields, their defaults and, in brackets, the names
/// that mean the same in InvenioRDM's configuration.
macro_rules! section {
    (
        $(#[doc = $doc:literal])+
        $name:ident = $section:literal {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident: $type:ty = $default:expr, [$($invenio:literal),*];
            )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::config::section::Section for $name {
            const DESCRIPTION: $crate::config::section::SectionDescription =
                $crate::config::section::SectionDescription {
                    name: $section,
                    documentation: &[$($doc),+],
                    settings: &[ $( $crate::config::section::Setting {
                        key: concat!($section, ".", stringify!($field)),
                        documentation: &[$($field_doc),+],
                        expected: <$type as $crate::config::value::SettingValue>::EXPECTED,
                        invenio: &[$($invenio),*],
                        default: || {
                            let default: $type = $default;
                            $crate::config::value::SettingValue::shown(&default)
                        },
                    }, )+ ],
                };

            fn resolve(
                values: &$crate::config::resolve::Values,
            ) -> Result<Self, $crate::config::error::ConfigError> {
                Ok(Self { $(
                    $field: match values.get(concat!($section, ".", stringify!($field)))? {
                        Some(value) => value,
                        None => $default,
                    },
                )+ })
            }

            fn shown(&self) -> Vec<(&'static str, String)> {
                vec![ $( (
                    concat!($section, ".", stringify!($field)),
                    $crate::config::value::SettingValue::shown(&self.$field),
                ), )+ ]
            }
        }
    };
}
pub(super) use section;
