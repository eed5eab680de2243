//! `cargo xtask …`: the one local gate that CI runs too, and its parts.

mod bench;
mod command;
mod figures;
mod fuzz;
mod instructions;
mod python;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of asqav.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that has to hold: format, lints, tests, documentation, interoperability.
    Test,
    /// Makes the Python environment with the peers that tests compare with.
    Peers,
    /// Mutated receipts through our verifier and the reference's.
    Differential {
        /// How many.
        #[arg(long, default_value_t = 20_000)]
        count: u64,
        /// The first seed; a case is its seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Fuzzes every way in for bytes that asqav did not write.
    Fuzz {
        /// How long, for each target.
        #[arg(long, default_value_t = 600)]
        seconds: u32,
        /// Only this target.
        #[arg(long)]
        target: Option<String>,
    },
    /// Crashes, power losses and failing disks in the life of a log, by seed.
    Simulate {
        /// How many schedules.
        #[arg(long, default_value_t = 1_000_000)]
        count: u64,
        /// The first seed; a schedule is its seed.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// What a gate holds in memory over so many calls; it must not grow.
    Memory {
        /// How many calls; each leaves two receipts.
        #[arg(long, default_value_t = 10_000_000)]
        calls: u64,
    },
    /// Cedar's own integration tests through our engine.
    CedarCorpus {
        /// A checkout of cedar-policy/cedar-integration-tests, its `corpus-tests.tar.gz` unpacked.
        folder: std::path::PathBuf,
    },
    /// Runs the benchmarks and prints their figures.
    Bench {
        /// Arguments for the benchmark program, e.g. a filter.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// How opening, appending, proving and verifying change as a log grows.
    BenchGrowth {
        /// How many receipts the log has in the end, about 1.1 KB each; the log
        /// is made below the target folder, if there is room, and removed.
        #[arg(long, default_value_t = 1_000_000)]
        receipts: u64,
    },
    /// Counts the instructions of single steps and compares with those on record.
    Instructions {
        /// Puts the counts on record instead.
        #[arg(long)]
        record: bool,
    },
    /// The same work by asqav and by its peers, side by side.
    BenchPeers {
        /// Only durable appends, on a disk whose syncs take so many
        /// milliseconds longer: `strace` lets them wait.
        #[arg(long)]
        sync_ms: Option<u16>,
    },
}

fn main() -> ExitCode {
    let outcome = match Args::parse().task {
        Task::Test => test::run_all(),
        Task::Peers => python::environment().map(|peers| println!("{}", peers.python.display())),
        Task::Differential { count, seed } => test::differential(count, seed),
        Task::Simulate { count, seed } => test::simulate(count, seed),
        Task::Memory { calls } => test::memory(calls),
        Task::Fuzz { seconds, target } => {
            python::environment().and_then(|peers| fuzz::run_targets(seconds, target.as_deref(), &peers))
        }
        Task::CedarCorpus { folder } => test::cedar_corpus(&folder),
        Task::Bench { rest } => bench::run(&rest),
        Task::BenchGrowth { receipts } => bench::growth(receipts),
        Task::Instructions { record } => instructions::check(record),
        Task::BenchPeers { sync_ms } => bench::peers(sync_ms),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
