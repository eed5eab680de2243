use asqav::{IncludedPolicy, include_policy};

// Found by the same code that a gate's policy is read with.
const SYNTAX: IncludedPolicy = include_policy!("broken.toml", tools = []);
const EXAMPLE: IncludedPolicy = include_policy!("example.toml", tools = []);
const FORMAT: IncludedPolicy = include_policy!("files.rs", tools = []);

fn main() {}
