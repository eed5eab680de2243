//! Tools and arguments that a policy names and the program has not.
use asqav::{IncludedPolicy, include_policy, signed};

#[signed(skip(token))]
fn query_account(account: &str, limit: u32, token: u32) -> Result<u32, String> {
    Ok(limit + token)
}

mod ledger {
    #[asqav::signed]
    pub fn post_transaction(to: &str, amount: u32) -> Result<u32, String> {
        Ok(amount)
    }
}

struct Ledger;

impl Ledger {
    #[signed]
    fn balance(&self) -> Result<u32, String> {
        Ok(1)
    }
}

const TOOL: IncludedPolicy = include_policy!("tool.toml", tools = [query_account, ledger::post_transaction]); //~ tool.toml:7:21: rule `read`: `post_transactoin` is not among the listed tools, did you mean `post_transaction`?
const ARGUMENT: IncludedPolicy = include_policy!("argument.toml", tools = [query_account]); //~ argument.toml:10:13: rule `read`: none of the rule's listed tools has an argument `limt`, did you mean `limit`?
const OTHER: IncludedPolicy = include_policy!("other_tool.toml", tools = [query_account, ledger::post_transaction]); //~ other_tool.toml:8:16: rule `read`: none of the rule's listed tools has an argument `amount`
const NOBODY: IncludedPolicy = include_policy!("nobody.toml", tools = [query_account]); //~ nobody.toml:8:16: rule `delete`: no listed tool has an argument `everything`
const SKIPPED: IncludedPolicy = include_policy!("skipped.toml", tools = [query_account]); //~ skipped.toml:8:16: rule `read`: the argument `token` is skipped: no policy sees it
const METHOD: IncludedPolicy = include_policy!("tool.toml", tools = [Ledger::balance]); //~ no associated item named `__asqav_tool_balance` found for struct `Ledger`

fn main() {}
