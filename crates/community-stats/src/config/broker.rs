//! The message broker of InvenioRDM.

use std::path::PathBuf;

use super::database_url::BrokerUrl;
use super::section::section;

section! {
    /// The message broker of InvenioRDM: `doctor` looks at it, `run` performs the tasks that it brings.
    BrokerSettings = "broker" {
        /// The address of the broker: `amqp://`, `amqps://`, `redis://` or `rediss://`.
        url: Option<BrokerUrl> = None, ["CELERY_BROKER_URL", "BROKER_URL"];

        /// Where Celery keeps the results of tasks.
        result_backend: Option<BrokerUrl> = None, ["CELERY_RESULT_BACKEND"];

        /// A file with the certificates (PEM) of the authority that signed the broker's, or with that
        /// of the broker itself. Unless set, the system says who is trusted. Of a broker in Redis, what
        /// its address says (`?ssl_ca_certs=`) comes first.
        ca_certs: Option<PathBuf> = None, ["CELERY_BROKER_USE_SSL", "BROKER_USE_SSL"];

        /// Whether the certificate of the broker is checked. Celery does not unless it is told to
        /// (`cert_reqs`). Switch it off in experiments only.
        verify_certs: bool = true, ["CELERY_BROKER_USE_SSL", "BROKER_USE_SSL"];
    }
}
