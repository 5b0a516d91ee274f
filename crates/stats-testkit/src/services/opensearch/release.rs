//! The release lines of OpenSearch, and what tells them apart.

use std::path::PathBuf;

use super::jdk;
use crate::services::{Service, process};

/// A release line that the program works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 2.x, on the `java` of the search path.
    V2,
    /// 3.x, on Java 21 or newer.
    V3,
}

impl Release {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::V2, Self::V3];

    /// The service that is a node of this line.
    #[must_use]
    pub const fn service(self) -> Service {
        match self {
            Self::V2 => Service::OpenSearch,
            Self::V3 => Service::OpenSearch3,
        }
    }

    /// The version that is fetched, as in `project`.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::V2 => "2.19.1",
            Self::V3 => "3.9.0",
        }
    }

    /// Names the libraries.
    pub(super) const fn project(self) -> &'static str {
        match self {
            Self::V2 => include_str!("../../../opensearch/v2/pom.xml"),
            Self::V3 => include_str!("../../../opensearch/v3/pom.xml"),
        }
    }

    /// The source of the class that names the plugins.
    pub(super) const fn plugins(self) -> &'static str {
        match self {
            Self::V2 => include_str!("../../../opensearch/v2/Plugins.java"),
            Self::V3 => include_str!("../../../opensearch/v3/Plugins.java"),
        }
    }

    /// The Java version that it needs at least.
    pub(super) const fn java(self) -> u32 {
        match self {
            Self::V2 => 11,
            Self::V3 => 21,
        }
    }

    /// Where `java` or `javac` is.
    ///
    /// # Errors
    /// With the name of what is not installed.
    pub(super) fn program(self, name: &'static str) -> Result<PathBuf, &'static str> {
        match self {
            Self::V2 if process::on_path(name) => Ok(name.into()),
            Self::V2 => Err(name),
            Self::V3 => {
                let home = jdk::newer(self.java()).ok_or("a JDK of version 21 or newer")?;
                Ok(home.join("bin").join(name))
            }
        }
    }

    /// What only this line wants said to `java`.
    pub(super) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::V2 => &[],
            Self::V3 => &["--enable-native-access=ALL-UNNAMED"],
        }
    }
}
