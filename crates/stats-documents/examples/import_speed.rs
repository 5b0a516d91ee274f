//! How fast files are imported, and read again:
//! `import_speed ARCHIVE PATH…`, with the number of threads in `THREADS`.
//!
//! The archive is made anew unless `KEEP` is set.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions, Documents, ShelfFilter};
use stats_model::DocumentKind;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let path = arguments.next().ok_or("usage: import_speed ARCHIVE PATH…")?;
    let inputs = arguments.map(Input::Path).collect();
    if std::env::var_os("KEEP").is_none() {
        for ending in ["", "-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            let _ = std::fs::remove_file(name);
        }
    }
    let threads = std::env::var("THREADS").map_or(Ok(0), |text| text.parse())?;
    let options = ImportOptions { threads, ..ImportOptions::default() };

    let archive = Archive::open(&path, ArchiveOptions::default())?;
    let started = Instant::now();
    let report = import(inputs, &archive, &options, &mut ())?;
    let took = started.elapsed().as_secs_f64();
    let megabytes = report.plain_bytes as f64 / 1e6;
    for (kind, counts) in &report.kinds {
        println!("{kind}: {counts:?}");
    }
    println!("skipped: {:?}, file errors: {:?}", report.skipped, report.file_errors);
    println!("import: {megabytes:.1} MB in {took:.2} s, {:.0} MB/s", megabytes / took);

    let started = Instant::now();
    let (mut documents, mut bytes) = (0u64, 0usize);
    for kind in DocumentKind::ALL {
        for shelf in archive.fingerprints(kind, &ShelfFilter::default())?.into_keys() {
            archive.documents(&shelf, None, &mut |document| {
                documents += 1;
                bytes += document.source.len();
                ControlFlow::Continue(())
            })?;
        }
    }
    let took = started.elapsed().as_secs_f64();
    let megabytes = bytes as f64 / 1e6;
    println!(
        "read: {documents} documents, {megabytes:.1} MB in {took:.2} s, {:.0} MB/s",
        megabytes / took
    );
    println!("{:?}", archive.stats()?);
    Ok(())
}
