//! Starts the servers that the tests need, for a person or a script:
//!
//! ```text
//! services check               what is missing, and what to install
//! services run -- COMMAND…     start all, tell COMMAND by environment variables, stop all after
//! services install             fetch and compile the OpenSearch nodes
//! ```
//!
//! `run` leaves OpenSearch 3 to the tests that need it, unless it is named: `run opensearch3 -- …`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::{Command, ExitCode};

use stats_testkit::services::{OpenSearch, Postgres, RabbitMq, Redis, Release, Service};

const USAGE: &str = "usage: services check | install | run [NAME…] -- COMMAND…";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("check") => Ok(check()),
        Some("install") => install(),
        Some("run") => run(&arguments[1..]),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Lists the services; fails when one cannot be started here.
fn check() -> ExitCode {
    let mut packages = Vec::new();
    for service in Service::ALL {
        match service.missing() {
            None => println!("{:<12} ok", service.name()),
            Some(program) => {
                println!("{:<12} missing: {program}", service.name());
                packages.push(service.packages());
            }
        }
    }
    if packages.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("apt-get install --no-install-recommends {}", packages.join(" "));
    ExitCode::FAILURE
}

/// Fetches and compiles every node that can be started here.
fn install() -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for release in Release::ALL {
        let service = release.service();
        if let Some(missing) = service.missing() {
            eprintln!("{}: not installed, {missing} not found", service.name());
            code = ExitCode::FAILURE;
            continue;
        }
        OpenSearch::install(release)?;
    }
    Ok(code)
}

/// Runs a command beside the servers; those named before `--`, or all that can be started and
/// are not started on demand.
fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let Some(split) = arguments.iter().position(|argument| argument == "--") else {
        anyhow::bail!("{USAGE}");
    };
    let (names, command) = (&arguments[..split], &arguments[split + 1..]);
    let Some((program, rest)) = command.split_first() else { anyhow::bail!("{USAGE}") };
    let known = |name: &String| Service::ALL.iter().any(|service| service.name() == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        anyhow::bail!("there is no service '{unknown}'");
    }
    let mut child = Command::new(program);
    child.args(rest);
    let mut running: Vec<Box<dyn std::any::Any>> = Vec::new();
    for service in Service::ALL {
        let named = names.iter().any(|name| name == service.name());
        if !named && (!names.is_empty() || service.on_demand()) {
            continue;
        }
        if let Some(missing) = service.missing() {
            eprintln!("{}: not started, {missing} not found", service.name());
            continue;
        }
        let (server, address) = start(service)?;
        eprintln!("{}: {address}", service.name());
        child.env(service.variable(), address);
        running.push(server);
    }
    let status = child.status()?;
    drop(running);
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The running server, and the text by which [`Service::variable`] names it.
fn start(service: Service) -> anyhow::Result<(Box<dyn std::any::Any>, String)> {
    Ok(match service {
        Service::Redis => {
            let server = Redis::start(&[])?;
            let address = server.address().to_owned();
            (Box::new(server), address)
        }
        Service::Postgres => {
            let server = Postgres::start()?;
            let address = server.address().to_owned();
            (Box::new(server), address)
        }
        Service::RabbitMq => {
            let server = RabbitMq::start()?;
            let address = server.description();
            (Box::new(server), address)
        }
        Service::OpenSearch => opensearch(Release::V2)?,
        Service::OpenSearch3 => opensearch(Release::V3)?,
        Service::Celery => anyhow::bail!("celery is no server; tests start what they need of it"),
    })
}

fn opensearch(release: Release) -> anyhow::Result<(Box<dyn std::any::Any>, String)> {
    let server = OpenSearch::start_release(release)?;
    let address = server.url().to_owned();
    Ok((Box::new(server), address))
}
