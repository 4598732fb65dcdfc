//! A kind is one type and one registration: this one is all it takes.

use pintle_core::change::Value;
use pintle_core::model::scalar::{Ref, Span, to};
use pintle_core::model::{Catalog, Kind, Problems};
use schemars::JsonSchema;
use serde::Deserialize;

struct Toy;

impl Kind for Toy {
    const NAME: &'static str = "Toy";
    const PLURAL: &'static str = "toys";
    const TABLE: &'static str = "toys";
    const SUMMARY: &'static str = "A toy.";
    type Spec = ToySpec;

    fn check(spec: &Value, problems: &mut Problems) {
        if spec.get("loud").and_then(Value::as_bool) == Some(true) && spec.get("owner").is_none() {
            problems.inconsistent("loud", "a loud toy needs an `owner`");
        }
    }
}

/// What a toy declares.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read as a schema only")]
struct ToySpec {
    /// Whose it is.
    owner: Option<Ref<to::Partner>>,
    /// How long it runs.
    runs: Span,
    /// Whether one hears it.
    #[serde(default)]
    loud: bool,
}

#[test]
fn a_toy_kind_is_one_type_and_one_registration() {
    let catalog = Catalog::standard().clone().with::<Toy>();
    let toy = catalog.find("toys").unwrap();
    let found = |spec: serde_json::Value| {
        let body =
            serde_json::json!({"apiVersion": "pintle/v1", "kind": "Toy", "metadata": {"name": "top"}, "spec": spec});
        toy.violations(&Value::from(&body))
            .into_iter()
            .map(|one| format!("{}: {}", one.path, one.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(serde_json::json!({"runs": "5m", "owner": "acme"})), Vec::<String>::new());
    assert_eq!(
        found(serde_json::json!({"runs": "long"})),
        ["spec.runs: `long` is not a duration such as `60s`, `10m`, `24h`, `7d`"]
    );
    assert_eq!(found(serde_json::json!({"runs": "5m", "loud": true})), ["spec.loud: a loud toy needs an `owner`"]);
}
