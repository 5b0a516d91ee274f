//! Settings from the outside: which origin wins, what is refused and how it is said.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use community_stats::config::{
    ByteSize, CommunitySource, ConfigError, DEFAULT_FILE, JsonInput, LargeFloats, Lifetime, Loader,
    Origin, SECTIONS, Settings, SourceKind, StoreKind, Workers,
};
use tempfile::TempDir;

mod addresses;
mod defaults;
mod invenio;
mod invenio_cfg;
mod literals;
mod redis;
mod reference;

/// A folder for files, and a loader whose home it is.
struct Scene {
    folder: TempDir,
    variables: Vec<(String, String)>,
    flags: Vec<(String, String, String)>,
    file: Option<PathBuf>,
    invenio_cfg: Option<PathBuf>,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        Self {
            folder,
            variables: vec![("HOME".to_owned(), home)],
            flags: Vec::new(),
            file: None,
            invenio_cfg: None,
        }
    }

    fn variable(mut self, name: &str, content: &str) -> Self {
        self.variables.push((name.to_owned(), content.to_owned()));
        self
    }

    fn flag(mut self, name: &str, key: &str, value: &str) -> Self {
        self.flags.push((name.to_owned(), key.to_owned(), value.to_owned()));
        self
    }

    fn settings_file(mut self, text: &str) -> Self {
        self.file = Some(self.write("settings.toml", text));
        self
    }

    fn invenio_cfg(mut self, text: &str) -> Self {
        self.invenio_cfg = Some(self.write("invenio.cfg", text));
        self
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn try_load(&self) -> Result<Settings, ConfigError> {
        let mut loader = Loader::new()
            .environment(self.variables.clone())
            .file(self.file.clone())
            .invenio_cfg(self.invenio_cfg.clone());
        for (name, key, value) in &self.flags {
            loader = loader.flag(name, key, value);
        }
        loader.load()
    }

    fn load(&self) -> Settings {
        self.try_load().unwrap()
    }

    /// Message and hint of the refusal, the folder left out.
    fn refusal(&self) -> String {
        let error = self.try_load().unwrap_err();
        let folder = format!("{}/", self.folder.path().display());
        let hint = error.hint().map(|hint| format!(" | hint: {hint}")).unwrap_or_default();
        format!("{error}{hint}").replace(&folder, "")
    }
}

#[test]
fn nothing_said_means_defaults_in_one_data_folder() {
    let scene = Scene::new();
    let settings = scene.load();
    let folder = scene.folder.path().join(".local/share/community-stats");
    assert_eq!(settings.data.archive_path(), folder.join("archive.db"));
    assert_eq!(settings.cache.file_path(&settings.data), folder.join("cache.db"));
    assert_eq!(settings.source.kind, SourceKind::Archive);
    assert_eq!(settings.communities.source, CommunitySource::Archive);
    assert_eq!(settings.cache.store, StoreKind::Sqlite);
    assert_eq!(settings.cache.ttl_days.seconds(), Some(2_592_000));
    assert_eq!(settings.generation.workers, Workers::Auto);
    assert!(settings.explain().iter().all(|line| line.origin == Origin::Default));
}

#[test]
fn xdg_data_home_moves_the_data_folder() {
    let settings = Scene::new().variable("XDG_DATA_HOME", "/srv/data").load();
    assert_eq!(settings.data.dir, PathBuf::from("/srv/data/community-stats"));
    assert_eq!(settings.origin("data.dir").to_string(), "XDG_DATA_HOME");
    let relative = Scene::new().variable("XDG_DATA_HOME", "data").load();
    assert_eq!(*relative.origin("data.dir"), Origin::Default);
}

#[test]
fn without_home_a_data_folder_must_be_named() {
    let error = Loader::new().load().unwrap_err();
    assert!(error.hint().unwrap().contains("--data-dir"));
    let settings = Loader::new().flag("--data-dir", "data.dir", "here").load().unwrap();
    assert_eq!(settings.data.dir, PathBuf::from("here"));
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let mut scene = Scene::new().settings_file("[cache]\nttl_days = 3\n");
    assert_eq!(scene.load().cache.ttl_days, Lifetime::Days(3));
    assert!(scene.load().origin("cache.ttl_days").to_string().ends_with("settings.toml:2"));

    scene = scene.variable("COMMUNITY_STATS_CACHE_TTL_DAYS", "5");
    assert_eq!(scene.load().cache.ttl_days, Lifetime::Days(5));
    assert_eq!(scene.load().origin("cache.ttl_days").to_string(), "COMMUNITY_STATS_CACHE_TTL_DAYS");

    scene =
        scene.flag("--ttl-days", "cache.ttl_days", "7").flag("--ttl-days", "cache.ttl_days", "0");
    assert_eq!(scene.load().cache.ttl_days, Lifetime::Never);
    assert_eq!(scene.load().origin("cache.ttl_days").to_string(), "--ttl-days");
}

#[test]
fn values_are_read_in_the_forms_people_write() {
    let settings = Scene::new()
        .settings_file(
            "[source]\ntimeout = \"1.5m\"\npage_size = 1_000_000\nca_certs = \"ca.crt\"\n\
             [mirror]\nmax_size = \"1.5 GB\"\n\
             [generation]\nworkers = 3\nlarge_floats = \"1e+16\"\nlayouts = \"~/layouts.json\"\n",
        )
        .variable("COMMUNITY_STATS_GENERATION_OPTIMIZE", "off")
        .variable("COMMUNITY_STATS_SOURCE_HOSTS", "one:9201, https://u:p%40w@two/es/")
        .load();
    assert_eq!(settings.source.timeout, Duration::from_secs(90));
    assert_eq!(settings.source.page_size, ByteSize(1_000_000));
    assert_eq!(settings.mirror.max_size, ByteSize(1_500_000_000));
    assert_eq!(settings.generation.workers.count(), 3);
    assert_eq!(settings.generation.large_floats, LargeFloats::Signed);
    assert!(!settings.generation.optimize);
    let [one, two] = settings.source.hosts.as_slice() else { panic!() };
    assert_eq!(one.base_url(), "http://one:9201");
    assert_eq!(two.base_url(), "https://two:443/es");
    assert_eq!(two.credentials.as_ref().unwrap().password.expose(), "p@w");
}

#[test]
fn paths_in_a_file_begin_at_its_folder_and_others_where_we_are() {
    let scene = Scene::new()
        .settings_file("[source]\nca_certs = \"ca.crt\"\n[generation]\nlayouts = \"~/l.json\"\n")
        .variable("COMMUNITY_STATS_GENERATION_SUBCOUNTS", "subcounts.json");
    let settings = scene.load();
    assert_eq!(settings.source.ca_certs, Some(scene.folder.path().join("ca.crt")));
    let home = JsonInput::File(scene.folder.path().join("l.json"));
    assert_eq!(settings.generation.layouts, Some(home));
    let here = JsonInput::File(PathBuf::from("subcounts.json"));
    assert_eq!(settings.generation.subcounts, Some(here));
}

#[test]
fn secrets_are_read_from_files() {
    let scene = Scene::new();
    let password = scene.write("password", "pa ss\r\n");
    let settings = scene
        .variable("COMMUNITY_STATS_SOURCE_USERNAME", "reader")
        .variable("COMMUNITY_STATS_SOURCE_PASSWORD_FILE", password.to_str().unwrap())
        .load();
    assert_eq!(settings.source.password.as_ref().unwrap().expose(), "pa ss");
    let origin = settings.origin("source.password").to_string();
    assert_eq!(origin, "COMMUNITY_STATS_SOURCE_PASSWORD_FILE");
}

#[test]
fn a_value_and_its_file_together_are_refused() {
    let refusal = Scene::new()
        .variable("COMMUNITY_STATS_SOURCE_API_KEY", "a")
        .variable("COMMUNITY_STATS_SOURCE_API_KEY_FILE", "b")
        .refusal();
    assert_eq!(
        refusal,
        "both COMMUNITY_STATS_SOURCE_API_KEY and COMMUNITY_STATS_SOURCE_API_KEY_FILE are set | \
         hint: unset one of them"
    );
}

#[test]
fn unknown_names_are_refused_with_what_was_meant() {
    let file = |text: &str| Scene::new().settings_file(text).refusal();
    assert_eq!(
        file("[cache]\n  tll_days = 3\n"),
        "settings.toml:2:3: unknown key `cache.tll_days` | hint: did you mean `cache.ttl_days`?"
    );
    assert_eq!(
        file("[cach]\nttl_days = 3\n"),
        "settings.toml:1:2: unknown section `[cach]` | hint: did you mean `cache`?"
    );
    assert_eq!(
        file("workers = 3\n"),
        "settings.toml:1:1: unknown key `workers` outside any section | \
         hint: did you mean `generation.workers`?"
    );
    assert_eq!(
        file("[source]\nttl_days = 3\n"),
        "settings.toml:2:1: unknown key `source.ttl_days` | hint: did you mean `cache.ttl_days`?"
    );
    assert_eq!(
        file("source = \"opensearch\"\n"),
        "settings.toml:1:1: `source` is a section, not a setting | \
         hint: write its settings below a line `[source]`"
    );
    assert_eq!(
        Scene::new().variable("COMMUNITY_STATS_CACHE_TTL", "3").refusal(),
        "unknown variable COMMUNITY_STATS_CACHE_TTL in the environment | \
         hint: did you mean `COMMUNITY_STATS_CACHE_TTL_DAYS`?"
    );
    assert_eq!(
        Scene::new().variable("COMMUNITY_STATS_ENABLED", "True").refusal(),
        "unknown variable COMMUNITY_STATS_ENABLED in the environment | \
         hint: InvenioRDM's setting of this name is given as INVENIO_COMMUNITY_STATS_ENABLED"
    );
    assert_eq!(
        Scene::new().flag("--set", "cache.tll_days", "3").refusal(),
        "--set: unknown setting `cache.tll_days` | hint: did you mean `cache.ttl_days`?"
    );
}

#[test]
fn wrong_values_are_refused_with_what_was_expected() {
    let file = |text: &str| Scene::new().settings_file(text).refusal();
    assert_eq!(
        file("[cache]\nttl_days = \"thirty\"\n"),
        "settings.toml:2: `cache.ttl_days` is the text \"thirty\", expected a whole number of days \
         up to 36525, or 0 for never"
    );
    assert_eq!(
        file("[generation]\noptimize = \"true\"\n"),
        "settings.toml:2: `generation.optimize` is the text \"true\", expected true or false"
    );
    assert_eq!(
        file("[source]\ngzip = \"auto\"\n"),
        "settings.toml:2: `source.gzip` is the text \"auto\", expected \"on\" or \"off\""
    );
    assert_eq!(
        file("[cache]\nstore = \n"),
        "settings.toml:2:9: string values must be quoted, expected literal string"
    );
    assert_eq!(
        Scene::new().flag("--workers", "generation.workers", "0").refusal(),
        "--workers: `generation.workers` is `0`, expected \"auto\" or a whole number from 1 to 65535"
    );
}

#[test]
fn contradictions_are_refused() {
    assert_eq!(
        Scene::new().variable("COMMUNITY_STATS_COMMUNITIES_SOURCE", "postgres").refusal(),
        "COMMUNITY_STATS_COMMUNITIES_SOURCE: `communities.source` is \"postgres\" and no database \
         is named | hint: set communities.database_url"
    );
    assert_eq!(
        Scene::new().variable("COMMUNITY_STATS_SOURCE_USERNAME", "reader").refusal(),
        "COMMUNITY_STATS_SOURCE_USERNAME: `source.username` stands alone | hint: basic \
         authentication needs source.username and source.password"
    );
}

/// A key that no header can hold is found before anybody connects.
#[test]
fn a_key_with_a_line_break_is_refused_and_not_shown() {
    for key in ["hidden\nhidden", "hidden\r", "hid\u{e9}den"] {
        let refusal = Scene::new().variable("COMMUNITY_STATS_SOURCE_API_KEY", key).refusal();
        let start = "COMMUNITY_STATS_SOURCE_API_KEY: `source.api_key` holds a line break";
        assert!(refusal.starts_with(start) && !refusal.contains("hid"), "{refusal}");
    }
}

#[test]
fn variables_that_kubernetes_makes_for_services_are_not_ours() {
    Scene::new()
        .variable("COMMUNITY_STATS_SERVICE_HOST", "10.0.0.1")
        .variable("COMMUNITY_STATS_SERVICE_PORT", "80")
        .variable("COMMUNITY_STATS_SERVICE_PORT_HTTP", "80")
        .variable("COMMUNITY_STATS_PORT", "tcp://10.0.0.1:80")
        .variable("COMMUNITY_STATS_WEB_PORT_80_TCP_ADDR", "10.0.0.1")
        .load();
}

#[test]
fn kinds_follow_from_addresses_and_show_their_origin() {
    let settings = Scene::new()
        .settings_file("[source]\nhosts = [\"search\"]\n[cache]\nmain_redis_url = \"redis://r\"\n")
        .variable("COMMUNITY_STATS_COMMUNITIES_DATABASE_URL", "postgresql://u:p@db/invenio")
        .load();
    assert_eq!(settings.source.kind, SourceKind::Opensearch);
    assert!(settings.origin("source.kind").to_string().ends_with("settings.toml:2"));
    assert_eq!(settings.cache.store, StoreKind::Redis);
    assert!(settings.origin("cache.store").to_string().ends_with("settings.toml:4"));
    assert_eq!(settings.communities.source, CommunitySource::Postgres);
    let origin = settings.origin("communities.source").to_string();
    assert_eq!(origin, "COMMUNITY_STATS_COMMUNITIES_DATABASE_URL");

    let explicit =
        Scene::new().settings_file("[source]\nhosts = [\"search\"]\nkind = \"archive\"\n").load();
    assert_eq!(explicit.source.kind, SourceKind::Archive);
}

#[test]
fn secrets_are_shown_nowhere() {
    let settings = Scene::new()
        .settings_file(
            "[source]\nhosts = [\"https://u:hidden-1@search\"]\nusername = \"u\"\n\
             password = \"hidden-2\"\n\
             [cache]\nredis_url = \"rediss://u:hidden-3@r/1\"\n\
             main_redis_url = \"unix://:hidden-4@/run/redis.sock\"\n\
             [communities]\ndatabase_url = \"postgresql+psycopg2://u:hid/den@5#@db/invenio\"\n\
             [broker]\nurl = \"amqp://u:hidden-6@mq/\"\n\
             result_backend = \"redis://:hidden-7@r/2\"\n",
        )
        .load();
    let shown = format!("{settings:?} {settings:#?} {:?}", settings.explain());
    assert!(!shown.contains("hidden") && !shown.contains("hid/den"), "{shown}");
    let lines = settings.explain();
    let value = |key: &str| lines.iter().find(|line| line.key == key).unwrap().value.clone();
    assert_eq!(value("source.password"), "\"***\"");
    assert_eq!(value("cache.redis_url"), "\"rediss://u:***@r:6379/1\"");
    assert_eq!(value("communities.database_url"), "\"postgresql://u:***@db:5432/invenio\"");
    assert_eq!(value("broker.url"), "\"amqp://u:***@mq/\"");
}

#[test]
fn refusals_hold_no_secret() {
    let texts = [
        "[cache]\nredis_url = \"http://u:hidden@r\"\n",
        "[cache]\nredis_url = \"redis://u:hidden@r/0?db=x\"\n",
        "[broker]\nurl = \"amqp://u:hidden@a//;amqp://u:hidden@$(B)//\"\n",
        "[source]\nhosts = [\"ftp://u:hidden@h\"]\n",
        "[source]\npassword = hidden\n",
        "[source]\npassword = \"hidden\n",
        "[communities]\ndatabase_url = \"mysql://u:hidden@db/x\"\n",
        "[broker]\nurl = \"hidden\"\n",
        "[source]\npassword = [\"hidden\"]\n",
    ];
    for text in texts {
        let error = Scene::new().settings_file(text).try_load().unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("hidden"), "{shown}");
    }
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_may() {
    let scene = Scene::new().variable("COMMUNITY_STATS_CONFIG", "/nowhere/settings.toml");
    assert_eq!(
        scene.refusal(),
        "the settings file /nowhere/settings.toml does not exist | hint: name another one with \
         --config FILE or COMMUNITY_STATS_CONFIG"
    );
    let scene = Scene::new();
    assert_eq!(scene.load().file(), None);
    let path = scene.write(".config/community-stats/config.toml", "[cache]\nprefix = \"x\"\n");
    assert_eq!(scene.load().file(), Some(path.as_path()));
    assert_eq!(scene.load().cache.prefix, "x");
}
