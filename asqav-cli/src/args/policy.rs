//! What can be typed after `asqav policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `asqav policy`
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// The commands about policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check a policy file and its examples; print its id and digest.
    Check(PolicyFile),
    /// Try the rules' own examples, and the calls of call files.
    Test(Test),
    /// Tell what in a policy is hardly meant: idle rules, conditions that nothing
    /// fulfils, tools without an example.
    ///
    /// Exit code 1 when there is a warning; notes alone are 0.
    Lint(PolicyFile),
    /// Tell what changes from one policy to another, in rules and in decisions.
    ///
    /// Exit code 0 when both mean the same, 1 when they do not.
    Diff(PolicyDiff),
    /// Draft a least-privilege policy (TOML) from a recorded log.
    Suggest(Suggest),
    /// Recompute the decisions of a recorded log whose inputs are disclosed.
    ///
    /// Exit code 0 when all were recomputed and are the same, 1 when one
    /// differs, 2 when some could not be recomputed.
    Replay(Replay),
    /// Print the JSON Schema of policy files, for editors.
    Schema,
    /// Tell why a call comes out as it does, rule by rule.
    Explain(Explain),
}

/// `asqav policy check` and `lint`
#[derive(Debug, Args)]
pub(crate) struct PolicyFile {
    /// The policy: TOML, YAML or JSON, told by the end of the name.
    pub(crate) file: PathBuf,
}

/// `asqav policy test`
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The policy: TOML, YAML or JSON.
    pub(crate) file: PathBuf,
    /// Call files: lists of calls under `allow`, `approve` and `deny`, as in a
    /// rule's examples; TOML, YAML or JSON.
    pub(crate) calls: Vec<PathBuf>,
}

/// `asqav policy diff`
#[derive(Debug, Args)]
pub(crate) struct PolicyDiff {
    /// The policy before: TOML, YAML or JSON.
    pub(crate) before: PathBuf,
    /// The policy after: TOML, YAML or JSON.
    pub(crate) after: PathBuf,
}

/// `asqav policy explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The policy: TOML, YAML or JSON.
    pub(crate) file: PathBuf,
    /// The call: `tool`, and if wanted `agent`, `at`, `args` and what else an
    /// example has; TOML, YAML or JSON.
    pub(crate) call: PathBuf,
}

/// `asqav policy suggest`
#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// The keys you trust (JWKS): nothing is learnt from a log that is not
    /// verified by them.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
    /// A new file; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav policy replay`
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// The policy: TOML, YAML or JSON; that of the log, or another one.
    pub(crate) file: PathBuf,
    /// The keys you trust (JWKS): nothing is said about a log that is not
    /// verified by them.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
    /// The key of the log's vault: opens arguments that were only committed.
    #[arg(long, value_name = "FILE")]
    pub(crate) vault_key: Option<PathBuf>,
}
