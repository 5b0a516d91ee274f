//! The reference page of the settings, which grows from their declarations.

use super::SECTIONS;
use super::section::{SectionDescription, Setting};

/// The page `docs/reference/settings.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in SECTIONS {
        page.push_str(&section_text(section));
    }
    page
}

const INTRODUCTION: &str = "\
# Settings

<!-- Made from the code: `UPDATE_REFERENCE=1 cargo test -p community-stats reference` -->

`config/default.toml` is a settings file with everything in it. The most specific origin wins:

1. a flag of the command line,
2. `COMMUNITY_STATS_<SECTION>_<KEY>` in the environment,
3. the settings file (TOML): that of `--config FILE`, else that of `COMMUNITY_STATS_CONFIG`, else
   `$XDG_CONFIG_HOME/community-stats/config.toml` if it exists,
4. `INVENIO_<NAME>` in the environment, a Python literal or else text, as InvenioRDM reads it,
5. `<NAME> = …` in the `invenio.cfg` of `--invenio-cfg FILE` or `COMMUNITY_STATS_INVENIO_CFG`, which
   is evaluated as far as that can be done exactly; a name that is left open is told, and no command
   writes while one is missing that decides where to, or what,
6. the default.

`community-stats config show --origin` tells for every setting which one it was.

* A variable with `_FILE` at its end, ours or InvenioRDM's, names a file that holds the value; line
  ends at its end do not count.
* An empty variable takes an optional setting back that a weaker origin gives.
* A section `[invenio]` of the settings file holds what an InvenioRDM said of itself (the script of
  `community-stats config python` makes it) and is stronger than 4 and 5.
* Beside an InvenioRDM (`source.kind = \"opensearch\"`, a variable `INVENIO_…` of search, cache or
  database, an `invenio.cfg`, a section `[invenio]`) everything unset is as it is by default there.
* An unknown key or an unknown variable `COMMUNITY_STATS_…` is refused, except the variables that
  Kubernetes makes for services.
* A variable for a list separates its items by commas.
* Sizes are bytes or carry a unit (`512 MiB`, `20 GB`), times are seconds or carry one (`500ms`,
  `30s`, `5m`, `1h`, `2d`).
* Relative paths in a file begin at the file's folder, all others at the working directory; `~/` is
  the home folder.
* InvenioRDM's truth values are Python's: any text but the empty one is true, also `false`.
";

fn section_text(section: &SectionDescription) -> String {
    let mut text = format!("\n## `[{}]`\n\n{}\n", section.name, section.text());
    for setting in section.settings {
        text.push_str(&setting_text(setting));
    }
    text
}

fn setting_text(setting: &Setting) -> String {
    let default = match (setting.default)() {
        default if default.is_empty() => "unset".to_owned(),
        default => format!("`{default}`"),
    };
    let invenio: Vec<String> = setting.invenio.iter().map(|name| format!("`{name}`")).collect();
    let mut text = format!(
        "\n### `{}`\n\n{}\n\n* Default: {default}\n* Expected: {}\n* Variable: `{}`\n",
        setting.key,
        setting.text(),
        setting.expected,
        setting.variable()
    );
    if !invenio.is_empty() {
        text.push_str(&format!("* InvenioRDM: {}\n", invenio.join(", ")));
    }
    text
}
