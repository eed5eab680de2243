use asqav::{IncludedPolicy, include_policy};

const NOTHING: IncludedPolicy = include_policy!();
const NO_TOOLS: IncludedPolicy = include_policy!("broken.toml");
const NO_LIST: IncludedPolicy = include_policy!("broken.toml", tools = query);
const OTHER: IncludedPolicy = include_policy!("broken.toml", tool = [query]);
const GENERIC: IncludedPolicy = include_policy!("broken.toml", tools = [query::<u8>]);

fn main() {}
