//! What an `invenio.cfg` says that is not a plain value: told, skipped, or refused once it matters.

use community_stats::config::Origin;

use super::Scene;
use super::invenio::{from_cfg, warnings};

#[test]
fn what_a_cfg_says_otherwise_is_named_and_skipped() {
    let settings = from_cfg(
        "import os\nfrom site import f\n\
         CACHE_REDIS_URL = os.environ['X']\nSEARCH_INDEX_PREFIX = f'{f()}-'\n\
         SITE_NAME = _('x')\nSTATS_CACHE_PREFIX = 'a'\nSTATS_CACHE_PREFIX += 'b'\n\
         STATS_CACHE_REDIS_DB = 3\n",
    );
    assert_eq!(settings.cache.prefix, "ab");
    assert_eq!(settings.cache.redis_db, 3);
    assert_eq!(
        warnings(&settings),
        [
            "invenio.cfg:4: SEARCH_INDEX_PREFIX is a text with something in it that nobody knows; it was skipped",
            "invenio.cfg:3: CACHE_REDIS_URL needs the variable X, which is not set here; it was skipped",
        ]
    );
    // Lines that matter to no setting of ours are not mentioned.
    let skipped: Vec<&str> =
        settings.skipped().iter().map(|skipped| skipped.name.as_str()).collect();
    assert_eq!(skipped, ["SEARCH_INDEX_PREFIX", "CACHE_REDIS_URL"]);
}

#[test]
fn a_name_that_the_environment_gives_needs_no_warning() {
    let settings = Scene::new()
        .invenio_cfg("CACHE_REDIS_URL = os.environ['X']\n")
        .variable("INVENIO_CACHE_REDIS_URL", "redis://cache/0")
        .load();
    assert_eq!(settings.warnings(), [] as [&str; 0]);
}

/// What stands behind a condition on its line is no more known to happen than what stands below it.
#[test]
fn what_a_cfg_says_under_a_condition_is_skipped() {
    let settings = from_cfg(
        "CACHE_KEY_PREFIX = 'main::'\n\
         if os.environ.get('DEV'): CACHE_KEY_PREFIX = 'dev::'; STATS_CACHE_REDIS_DB = 3\n\
         SEARCH_CLIENT_CONFIG = {'hosts': ['a']}\n\
         for h in ['b']: SEARCH_CLIENT_CONFIG['hosts'].append(h)\n",
    );
    assert_eq!(settings.cache.redis_db, 7);
    // The variable is not set here; whoever reads the file by another environment is told.
    assert_eq!(settings.lock.key_prefix, "main::");
    let hosts: Vec<String> = settings.source.hosts.iter().map(|host| host.base_url()).collect();
    assert_eq!(hosts, ["http://a:9200", "http://b:9200"]);
    let settings = from_cfg(
        "from site import f\nCACHE_KEY_PREFIX = 'main::'\n\
         if f(): CACHE_KEY_PREFIX = 'dev::'; STATS_CACHE_REDIS_DB = 3\n\
         SEARCH_CLIENT_CONFIG = {'hosts': ['a']}\n\
         for h in f(): SEARCH_CLIENT_CONFIG['hosts'].append(h)\n",
    );
    assert_eq!(settings.cache.redis_db, 7);
    assert_eq!(settings.lock.key_prefix, "cache::");
    assert_eq!(*settings.origin("source.hosts"), Origin::Default);
    let mut names: Vec<String> = settings
        .skipped()
        .iter()
        .map(|skipped| format!("{}:{}", skipped.name, skipped.line))
        .collect();
    names.sort();
    assert_eq!(names, ["CACHE_KEY_PREFIX:3", "SEARCH_CLIENT_CONFIG:5", "STATS_CACHE_REDIS_DB:3"]);
}

/// Message and hint of the refusal to write, the folder left out; empty when there is none.
fn refusal_to_write(scene: &Scene) -> String {
    let Err(error) = scene.load().refuse_undecided() else { return String::new() };
    let folder = format!("{}/", scene.folder.path().display());
    format!("{error} | hint: {}", error.hint().unwrap_or_default()).replace(&folder, "")
}

#[test]
fn nothing_is_written_while_nobody_knows_where_to() {
    for (name, key) in [
        ("SEARCH_CLIENT_CONFIG", "source.hosts"),
        ("SEARCH_HOSTS", "source.hosts"),
        ("SEARCH_INDEX_PREFIX", "source.index_prefix"),
        ("CACHE_REDIS_URL", "cache.main_redis_url"),
        ("STATS_CACHE_REDIS_URL", "cache.redis_url"),
        ("STATS_CACHE_REDIS_DB", "cache.redis_db"),
        ("STATS_AGG_REGISTRY_REDIS_DB", "cache.registry_redis_db"),
        ("STATS_CACHE_PREFIX", "cache.prefix"),
        ("CACHE_KEY_PREFIX", "lock.key_prefix"),
    ] {
        let cfg = format!("import os\n{name} = os.environ['X']\n");
        let variable = format!("COMMUNITY_STATS_{}", key.replace('.', "_").to_uppercase());
        let expected = format!(
            "invenio.cfg:2: {name} needs the variable X, which is not set here, and it decides where \
             to read and write | hint: say it yourself: --set {key}=… or {variable}; or ask the \
             instance: community-stats config python"
        );
        let scene = Scene::new().invenio_cfg(&cfg);
        assert_eq!(refusal_to_write(&scene), expected);
        // Whatever says it instead: a variable of ours or of InvenioRDM, a flag, the settings file.
        let value = if key.ends_with("redis_url") { "redis://h/1" } else { "5" };
        let answers = [
            Scene::new().variable(&variable, value),
            Scene::new().flag("--set", key, value),
            Scene::new().variable(&format!("INVENIO_{name}"), &format!("'{value}'")),
        ];
        for answer in answers {
            let still = refusal_to_write(&answer.invenio_cfg(&cfg));
            let no_dictionary = still.contains("SEARCH_CLIENT_CONFIG is no dictionary");
            assert!(still.is_empty() || no_dictionary, "{still}");
        }
    }
}

#[test]
fn what_is_not_needed_may_stay_unknown() {
    let cfg = "SEARCH_HOSTS = f()\nSEARCH_INDEX_PREFIX = f()\nCACHE_REDIS_URL = f()\n\
               STATS_CACHE_REDIS_DB = f()\nCACHE_KEY_PREFIX = f()\nSITE_NAME = f()\n\
               from x import *\n";
    let alone = Scene::new()
        .flag("--set", "source.kind", "archive")
        .flag("--set", "cache.store", "sqlite")
        .flag("--set", "communities.opt_in", "true")
        .flag("--set", "generation.optimize", "false")
        .flag("--set", "generation.subcounts", "s.json")
        .flag("--set", "cache.prefix", "p")
        .invenio_cfg(cfg);
    assert_eq!(refusal_to_write(&alone), "");
    let elsewhere = Scene::new()
        .flag("--set", "source.kind", "archive")
        .flag("--set", "cache.redis_url", "redis://h/7")
        .flag("--set", "lock.enabled", "false")
        .flag("--set", "communities.opt_in", "true")
        .flag("--set", "generation.optimize", "false")
        .flag("--set", "generation.subcounts", "s.json")
        .flag("--set", "cache.prefix", "p")
        .invenio_cfg(cfg);
    assert_eq!(refusal_to_write(&elsewhere), "");
    let hosts =
        Scene::new().invenio_cfg("SEARCH_HOSTS = f()\nSEARCH_CLIENT_CONFIG = {'hosts': ['a']}\n");
    assert_eq!(refusal_to_write(&hosts), "");
}

#[test]
fn a_cfg_that_is_missing_or_broken_is_refused() {
    assert_eq!(
        Scene::new().invenio_cfg("A = 1\nB = [\n").refusal(),
        "invenio.cfg:3: Python could not read what stands here | hint: see what the instance itself \
         makes of it: community-stats config python"
    );
    let refusal = Scene::new().variable("COMMUNITY_STATS_INVENIO_CFG", "/nowhere.cfg").refusal();
    assert!(refusal.starts_with("/nowhere.cfg cannot be read: "), "{refusal}");
}
