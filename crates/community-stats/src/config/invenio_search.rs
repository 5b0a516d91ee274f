//! InvenioRDM's `SEARCH_…` names: what opensearch-py is told, in our terms.

use invenio_config::Literal;

use super::invenio::{Invenio, Named};
use super::login::shown_name;
use super::origin::Origin;
use super::resolve::{Given, Values};
use super::search_host::{MEMBERS, login_from};
use super::value::{Misfit, Value};

/// Members of a host that count for the whole section.
const LIFTED: [&str; 5] = ["ca_certs", "verify_certs", "timeout", "http_compress", "max_retries"];

impl Invenio {
    /// Offers hosts, login and client options.
    pub(super) fn offer_search(&mut self, values: &mut Values) {
        let config = self.dictionary("SEARCH_CLIENT_CONFIG");
        let hosts = config.as_ref().and_then(|config| {
            let hosts = config.literal.member("hosts")?.clone();
            Some(Named { literal: hosts, ..config.clone() })
        });
        let hosts = hosts
            .or_else(|| self.named("SEARCH_HOSTS").cloned())
            .or_else(|| self.named("SEARCH_ELASTIC_HOSTS").cloned());
        if let Some(config) = &config {
            self.offer_client_options(values, &config.literal, &config.origin);
        }
        if let Some(hosts) = hosts.filter(|hosts| hosts.literal.is_true()) {
            let uses_tls = config
                .as_ref()
                .and_then(|config| config.literal.member("use_ssl"))
                .is_some_and(Literal::is_true);
            self.offer_hosts(values, &hosts, uses_tls);
        }
    }

    fn offer_client_options(&mut self, values: &mut Values, config: &Literal, origin: &Origin) {
        for (name, key) in [
            ("ca_certs", "source.ca_certs"),
            ("timeout", "source.timeout"),
            ("max_retries", "source.max_retries"),
        ] {
            if let Some(option) = config.member(name).filter(|option| **option != Literal::None) {
                let given = Given { value: Value::from(option), origin: origin.clone() };
                values.offer(key, given);
            }
        }
        if let Some(checked) = config.member("verify_certs") {
            let value = Value::Bool(checked.is_true());
            values.offer("source.verify_certs", Given { value, origin: origin.clone() });
        }
        if let Some(compressed) = config.member("http_compress") {
            let word = if compressed.is_true() { "on" } else { "off" };
            let value = Value::Text(word.to_owned());
            values.offer("source.gzip", Given { value, origin: origin.clone() });
        }
        if let Some(login) = config.member("http_auth") {
            self.offer_login(values, login, origin);
        }
    }

    /// A login counts as a whole: never half of it beside half of a stronger one.
    fn offer_login(&mut self, values: &mut Values, login: &Literal, origin: &Origin) {
        let ours = ["source.username", "source.password", "source.api_key"];
        if ours.iter().any(|key| values.given(key).is_some()) {
            return;
        }
        match login_from(&Value::from(login)) {
            Ok(None) => {}
            Ok(Some(login)) => {
                let given = |text: &str| Given {
                    value: Value::Text(text.to_owned()),
                    origin: origin.clone(),
                };
                values.offer("source.username", given(&login.username));
                values.offer("source.password", given(login.password.expose()));
            }
            Err(Misfit(reason)) => self.warnings.push(format!("{origin}: {reason}")),
        }
    }

    fn offer_hosts(&mut self, values: &mut Values, hosts: &Named, uses_tls: bool) {
        let listed = match &hosts.literal {
            Literal::List(items) | Literal::Tuple(items) | Literal::Set(items) => items.clone(),
            Literal::Text(text) if hosts.is_bare => {
                text.split(',').map(|host| Literal::Text(host.trim().to_owned())).collect()
            }
            other => vec![other.clone()],
        };
        let items: Vec<Value> =
            listed.iter().map(|item| self.host(values, item, uses_tls, &hosts.origin)).collect();
        let given = Given { value: Value::List(items), origin: hosts.origin.clone() };
        values.offer("source.hosts", given);
    }

    /// One host, with nothing in it that `source.hosts` does not know.
    fn host(
        &mut self,
        values: &mut Values,
        item: &Literal,
        uses_tls: bool,
        origin: &Origin,
    ) -> Value {
        let members = match item {
            Literal::Dict(members) => members.clone(),
            Literal::Text(host) if uses_tls && !host.contains("://") => {
                vec![(Literal::Text("host".to_owned()), item.clone())]
            }
            other => return Value::from(other),
        };
        let mut kept = vec![("use_ssl".to_owned(), Value::Bool(uses_tls))];
        let mut lifted = Vec::new();
        for (key, value) in members {
            let Literal::Text(name) = &key else { continue };
            if name == "use_ssl" {
                kept[0].1 = Value::Bool(value.is_true());
            } else if MEMBERS.contains(&name.as_str()) {
                kept.push((name.clone(), Value::from(&value)));
            } else if LIFTED.contains(&name.as_str()) {
                lifted.push((key, value));
            } else {
                self.warnings.push(format!(
                    "{origin}: `{}` of a host is not understood; it was skipped",
                    shown_name(name)
                ));
            }
        }
        self.offer_client_options(values, &Literal::Dict(lifted), origin);
        Value::Table(kept)
    }
}
