//! Runs a folder of Cedar's integration tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use asqav_cedar::Engine;
use asqav_cedar::cedar_policy::{Context, Entities, EntityUid, PolicyId, PolicySet, Request, Schema};
use asqav_cedar::engine::Ruling;
use serde_json::Value;

/// What came of a folder.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) tests: usize,
    pub(crate) requests: usize,
    /// Which Cedar allows, skipping policies that failed.
    pub(crate) denied_for_errors: usize,
    pub(crate) failures: Vec<String>,
}

/// Runs every test under `root`, to which the paths in the tests are relative.
pub(crate) fn run(root: &Path) -> Report {
    let mut report = Report::default();
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    for file in files {
        let test: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let Some(requests) = test.get("requests").or_else(|| test.get("queries")).and_then(Value::as_array)
        else {
            continue;
        };
        report.tests += 1;
        report.requests += requests.len();
        let name = file.display();
        match Case::read(root, &test) {
            Ok(case) => {
                for request in requests {
                    case.check(request, &mut report).unwrap_or_else(|why| {
                        report.failures.push(format!("{name}: {}: {why}", request["description"]));
                    });
                }
            }
            Err(why) => report.failures.push(format!("{name}: {why}")),
        }
    }
    report
}

/// JSON files that may be tests.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, files);
        } else if name.ends_with(".json") && !name.ends_with(".entities.json") {
            files.push(path);
        }
    }
}

/// Policies, schema and entities of one test.
struct Case {
    policies: PolicySet,
    schema: Schema,
    entities: Entities,
}

impl Case {
    fn read(root: &Path, test: &Value) -> Result<Self, String> {
        let text = |key: &str| {
            let path = root.join(test[key].as_str().ok_or(format!("no `{key}`"))?);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let is_json = |key: &str| test[key] == "json";
        let schema = match is_json("schemaFormat") {
            true => Schema::from_json_str(&text("schema")?).map_err(|error| error.to_string())?,
            false => Schema::from_cedarschema_str(&text("schema")?).map_err(|error| error.to_string())?.0,
        };
        let policies = match is_json("policyFormat") {
            true => PolicySet::from_json_str(text("policies")?).map_err(|error| error.to_string())?,
            false => text("policies")?.parse().map_err(|error| format!("{error}"))?,
        };
        let entities = Entities::from_json_str(&text("entities")?, Some(&schema));
        Ok(Self { policies, entities: entities.map_err(|error| error.to_string())?, schema })
    }

    /// Asks, and compares with what the test expects.
    fn check(&self, test: &Value, report: &mut Report) -> Result<(), String> {
        let request = self.request(test)?;
        let action = request.action().unwrap().clone();
        let engine = Engine::new(&self.policies, self.entities.clone(), [action]);
        let ruling = engine.map_err(|error| error.to_string())?.judge(&request);
        let ids = |key: &str| -> BTreeSet<String> {
            let list = test[key].as_array().into_iter().flatten();
            list.map(|id| id.as_str().unwrap().to_owned()).collect()
        };
        let (errors, reasons) = (ids("errors"), &ids("reason") | &ids("reasons"));
        let allowed = test["decision"].as_str().unwrap().eq_ignore_ascii_case("allow");
        let as_expected = match &ruling {
            Ruling::Failed(policies) => !errors.is_empty() && texts(policies) == errors,
            Ruling::Permitted(policies) => errors.is_empty() && allowed && texts(policies) == reasons,
            Ruling::Forbidden(policies) => errors.is_empty() && !allowed && texts(policies) == reasons,
            Ruling::NoPolicy => errors.is_empty() && !allowed && reasons.is_empty(),
            _ => false,
        };
        if !as_expected {
            return Err(format!(
                "{ruling:?}, expected {} by {reasons:?}, errors {errors:?}",
                test["decision"]
            ));
        }
        report.denied_for_errors += usize::from(allowed && !errors.is_empty());
        Ok(())
    }

    fn request(&self, test: &Value) -> Result<Request, String> {
        let uid =
            |key: &str| EntityUid::from_json(test[key].clone()).map_err(|error| format!("{key}: {error}"));
        let action = uid("action")?;
        let context = Context::from_json_value(test["context"].clone(), Some((&self.schema, &action)));
        let context = context.map_err(|error| format!("context: {error}"))?;
        let schema = (test["validateRequest"] != false).then_some(&self.schema);
        Request::new(uid("principal")?, action, uid("resource")?, context, schema)
            .map_err(|error| error.to_string())
    }
}

fn texts(policies: &[PolicyId]) -> BTreeSet<String> {
    policies.iter().map(ToString::to_string).collect()
}
