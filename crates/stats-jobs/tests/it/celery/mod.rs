//! Celery itself beside us: Python sends what we perform, performs what we send, and its tools see us.

mod performed_here;
mod performed_there;
mod side;
mod tools;
