//! What a search is narrowed down by: `{"filters": [{"field", "operator", "value"}]}`, or a `FilterRequest` in XML.

use serde_json::Value;

use super::xml;
use crate::simulator::gateway::body;
use crate::simulator::gateway::fields::{Field, Shape, written};
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::gateway::service::Call;
use crate::simulator::store::Record;

/// One field that can be asked for.
struct Searchable {
    name: &'static str,
    operand: Operand,
    /// Where an asset keeps it; the asset's own id where this is empty.
    path: &'static [&'static str],
}

/// What a field's values are, and so which operators go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    Number,
    Text,
    Address,
}

/// One condition.
pub(super) struct Filter {
    field: &'static Searchable,
    operator: &'static str,
    /// Several where the operator is IN.
    values: Vec<String>,
}

const SEARCHABLE: &[Searchable] = &[
    Searchable { name: "asset.id", operand: Operand::Number, path: &[] },
    Searchable { name: "asset.name", operand: Operand::Text, path: &["assetName"] },
    Searchable { name: "interfaces.address", operand: Operand::Address, path: &["address"] },
    Searchable { name: "oci.compute.canonicalRegionName", operand: Operand::Text, path: &["oci", "region"] },
];

const GIVEN: &[Field] = &[
    written("field", Shape::Text(0)),
    written("operator", Shape::Text(0)),
    // A number or a text; which one is the field's matter.
    written("value", Shape::Any),
];

impl Operand {
    fn operators(self) -> &'static [&'static str] {
        match self {
            Self::Number => {
                &["EQUALS", "IN", "NOT_EQUALS", "GREATER", "LESSER", "GREATER_THAN_EQUAL", "LESS_THAN_EQUAL"]
            }
            Self::Text => &["CONTAINS", "IN", "EQUALS", "NOT_EQUALS"],
            Self::Address => &["EQUALS", "IN"],
        }
    }
}

/// The conditions of a body; there need be neither conditions nor a body.
pub(super) fn read(call: &Call<'_>) -> Result<Vec<Filter>, Refusal> {
    if call.request.body.is_empty() {
        return Ok(Vec::new());
    }
    match call.request.media_type().as_str() {
        "application/json" => {
            let taken = [&written("filters", Shape::List(&Shape::Group(GIVEN)))];
            let given = body::object(call, &taken, &[])?;
            let filters = given.get("filters").and_then(Value::as_array).into_iter().flatten();
            filters.map(one).collect()
        }
        "application/xml" | "text/xml" => xml::criteria(&call.request.body)?.iter().map(one).collect(),
        _ => Err(Refusal::bad("The body has to be application/json or application/xml.")),
    }
}

fn one(given: &Value) -> Result<Filter, Refusal> {
    let part = |name: &str| given[name].as_str().ok_or_else(|| Refusal::missing(&format!("filters.{name}")));
    let (name, operator) = (part("field")?, part("operator")?);
    let Some(field) = SEARCHABLE.iter().find(|field| field.name == name) else {
        let names: Vec<_> = SEARCHABLE.iter().map(|field| field.name).collect();
        return Err(Refusal::bad(format!("There is no field '{name}'; there are {}.", names.join(", "))));
    };
    let operators = field.operand.operators();
    let Some(operator) = operators.iter().find(|known| **known == operator) else {
        return Err(Refusal::bad(format!("Field '{name}' takes {}, not {operator}.", operators.join(", "))));
    };
    let text = match &given["value"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Refusal::missing("filters.value")),
    };
    let values: Vec<String> = match *operator {
        "IN" => text.split(',').map(|value| value.trim().to_owned()).collect(),
        _ => vec![text],
    };
    let fits = |value: &String| match field.operand {
        Operand::Number => value.parse::<u64>().is_ok(),
        Operand::Text => !value.is_empty(),
        Operand::Address => value.parse::<std::net::IpAddr>().is_ok(),
    };
    match values.iter().find(|value| !fits(value)) {
        Some(value) => Err(Refusal::bad(format!("Field '{name}' does not take the value {value:?}."))),
        None => Ok(Filter { field, operator, values }),
    }
}

impl Filter {
    pub(super) fn takes(&self, record: &Record) -> bool {
        let kept = match self.field.path {
            [] => Some(record.id.to_string()),
            [first, rest @ ..] => {
                let value = record.object.get(*first);
                let value = rest.iter().try_fold(value, |value, name| Some(value?.get(*name)));
                value.flatten().and_then(Value::as_str).map(ToOwned::to_owned)
            }
        };
        let Some(kept) = kept else { return self.operator == "NOT_EQUALS" };
        let wanted = self.values.first().map_or("", String::as_str);
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        match self.operator {
            "EQUALS" => kept == wanted,
            "NOT_EQUALS" => kept != wanted,
            "IN" => self.values.contains(&kept),
            "CONTAINS" => kept.contains(wanted),
            "GREATER" => number(&kept) > number(wanted),
            "LESSER" => number(&kept) < number(wanted),
            "GREATER_THAN_EQUAL" => number(&kept) >= number(wanted),
            _ => number(&kept) <= number(wanted),
        }
    }
}
