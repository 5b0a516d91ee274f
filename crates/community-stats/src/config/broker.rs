//! The message broker of InvenioRDM.

use super::database_url::BrokerUrl;
use super::section::section;

section! {
    /// The message broker of InvenioRDM, which `doctor` looks at.
    BrokerSettings = "broker" {
        /// The address of the broker.
        url: Option<BrokerUrl> = None, ["CELERY_BROKER_URL", "BROKER_URL"];

        /// Where Celery keeps the results of tasks.
        result_backend: Option<BrokerUrl> = None, ["CELERY_RESULT_BACKEND"];
    }
}
