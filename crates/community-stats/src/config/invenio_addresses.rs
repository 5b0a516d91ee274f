//! InvenioRDM's names for database and broker: addresses, and how the broker is spoken with.

use invenio_config::Literal;

use super::invenio::{Invenio, Named};
use super::resolve::{Given, Values};
use super::value::Value;

/// How Celery is told to speak TLS with its broker; the first that is given counts.
const USE_TLS: [&str; 2] = ["CELERY_BROKER_USE_SSL", "BROKER_USE_SSL"];

impl Invenio {
    /// Addresses that are needed by few: one that cannot be read is told and left out.
    pub(super) fn offer_addresses(&mut self, values: &mut Values) {
        let database = |text: &str| super::DatabaseUrl::parse(text).err();
        self.offer_address(values, "SQLALCHEMY_DATABASE_URI", "communities.database_url", database);
        self.offer_broker_tls(values);
        let broker = |text: &str| super::BrokerUrl::parse(text).err();
        self.offer_address(values, "CELERY_BROKER_URL", "broker.url", broker);
        self.offer_address(values, "BROKER_URL", "broker.url", broker);
        self.offer_address(values, "CELERY_RESULT_BACKEND", "broker.result_backend", broker);
    }

    fn offer_address(
        &mut self,
        values: &mut Values,
        name: &'static str,
        key: &'static str,
        misfit: impl Fn(&str) -> Option<super::Misfit>,
    ) {
        let Some(Named { literal, origin, .. }) = self.named(name).cloned() else { return };
        let text = match &literal {
            Literal::Text(text) => text.clone(),
            Literal::List(items) | Literal::Tuple(items) if key == "broker.url" => {
                // A list is tried in its order, as one with semicolons is.
                let texts: Option<Vec<&str>> = items.iter().map(Literal::text).collect();
                texts.unwrap_or_default().join(";")
            }
            _ => String::new(),
        };
        if text.is_empty() && !literal.is_true() {
            return;
        }
        match misfit(&text) {
            Some(misfit) => self.warnings.push(format!(
                "{origin}: {name} cannot be used here: {}; it was skipped",
                misfit.0
            )),
            None => {
                let encrypted = key == "broker.url" && self.uses_tls();
                let value = Value::Text(if encrypted { with_tls(&text) } else { text });
                values.offer(key, Given { value, origin });
            }
        }
    }

    /// Whether the broker is spoken with in TLS, whatever its address says.
    fn uses_tls(&self) -> bool {
        self.broker_tls().is_some_and(|named| named.literal.is_true())
    }

    fn broker_tls(&self) -> Option<&Named> {
        USE_TLS.iter().find_map(|name| self.named(name))
    }

    /// What the client of AMQP, or that of Redis, is told of certificates.
    fn offer_broker_tls(&mut self, values: &mut Values) {
        let Some(Named { literal, origin, .. }) = self.broker_tls().cloned() else { return };
        let member = |names: [&str; 2]| names.iter().find_map(|name| literal.member(name));
        let given = |value| Given { value, origin: origin.clone() };
        if member(["certfile", "ssl_certfile"]).is_some_and(Literal::is_true) {
            self.warnings.push(format!(
                "{origin}: a certificate of our own is shown to no broker; name it in a rediss:// \
                 address (ssl_certfile), or let the broker go without it"
            ));
        }
        let file = member(["ca_certs", "ssl_ca_certs"]).filter(|file| **file != Literal::None);
        if let Some(file) = file {
            values.offer("broker.ca_certs", given(Value::from(file)));
        }
        let proves_nothing = |checked: &Literal| match checked {
            Literal::Text(word) => {
                matches!(word.to_ascii_lowercase().as_str(), "none" | "cert_none")
            }
            // `ssl.CERT_NONE`.
            other => *other == Literal::Int(0),
        };
        if member(["cert_reqs", "ssl_cert_reqs"]).is_some_and(proves_nothing) {
            values.offer("broker.verify_certs", given(Value::Bool(false)));
        }
    }
}

/// The same addresses, spoken with in TLS.
fn with_tls(addresses: &str) -> String {
    let encrypted = |address: &str| match address.trim().split_once("://") {
        Some(("amqp" | "pyamqp", rest)) => format!("amqps://{rest}"),
        Some(("redis", rest)) => format!("rediss://{rest}"),
        _ => address.to_owned(),
    };
    addresses.split(';').map(encrypted).collect::<Vec<_>>().join(";")
}
