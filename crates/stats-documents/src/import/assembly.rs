//! The threads between the files and the archive.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::files;
use super::lines::Reading;
use super::options::ImportOptions;
use super::pieces::Cutter;
use super::texts::Texts;
use super::worker::{Worked, Worker};
use crate::Archive;

/// The threads that prepare what the importer writes. They end by themselves when the importer
/// goes away, except for a reader that waits for its input.
pub(super) struct AssemblyLine {
    pub(super) workers: Vec<Receiver<Worked>>,
}

/// So many pieces wait at each end of a worker.
const WAITING: usize = 1;

impl AssemblyLine {
    pub(super) fn start(
        found: Vec<files::Found>,
        archive: &Archive,
        options: &ImportOptions,
        read: &Arc<AtomicU64>,
    ) -> Self {
        let threads = match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from).min(4),
            threads => threads,
        };
        let (mut to_workers, mut workers) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (to_worker, pieces) = sync_channel(WAITING);
            let (done, from_worker) = sync_channel(WAITING);
            let worker = Worker {
                pieces,
                done,
                packer: archive.packer(),
                reading: Reading {
                    index: options.index.clone(),
                    prefix: options.prefix.clone(),
                    ..Reading::default()
                },
                line_limit: options.line_limit,
                refusals: options.refusals,
                cancel: options.cancel.clone(),
            };
            thread::spawn(move || worker.run());
            to_workers.push(to_worker);
            workers.push(from_worker);
        }
        let cutter = Cutter {
            workers: to_workers,
            sent: 0,
            texts: Texts {
                index: options.index.clone(),
                line_limit: options.line_limit,
                bare: options.index.is_some(),
            },
            cancel: options.cancel.clone(),
            read: read.clone(),
        };
        thread::spawn(move || cutter.run(found));
        Self { workers }
    }
}
