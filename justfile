# What people run, and CI too.

default:
    @just --list

# Build the program and run it on sample data.
demo:
    cargo run --release -- demo

# Install what the tests need and run them all.
test:
    scripts/test

# Formatting, lints, documentation.
check:
    cargo fmt --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps

# The figures of docs/performance.md.
bench:
    cargo bench -p stats-series --bench transform
    cargo bench -p community-stats --bench pipeline
    cargo bench -p community-stats --bench live
    cargo bench -p stats-cache --bench stores
    cargo bench -p stats-service --bench keeper
    cargo bench -p stats-service --bench watch
    cargo bench -p stats-jobs --bench queues
