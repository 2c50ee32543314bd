//! Filters in XML, as a sample has them:
//! `<FilterRequest><filters><Criteria field=".." operator=".."><value>..</value></Criteria></filters></FilterRequest>`.

use serde_json::{Map, Value};

use crate::simulator::answer::Format;
use crate::simulator::gateway::refusal::Refusal;
use crate::simulator::qps::tree::{self, Tree};

/// The criteria, each with the names that it has in JSON.
pub(super) fn criteria(body: &[u8]) -> Result<Vec<Value>, Refusal> {
    let (root, tree) = tree::parse(Format::Xml, body).map_err(|refusal| Refusal::bad(refusal.message))?;
    if root != "FilterRequest" {
        return Err(Refusal::bad(format!("'{root}' is no FilterRequest.")));
    }
    let mut all = Vec::new();
    for (name, filters) in elements(&root, &tree)? {
        expect(name, &["filters"])?;
        for (name, given) in elements(name, filters)? {
            expect(name, &["Criteria"])?;
            all.push(Value::Object(criterion(given)?));
        }
    }
    Ok(all)
}

fn criterion(given: &Tree) -> Result<Map<String, Value>, Refusal> {
    let mut criterion = Map::new();
    for (name, part) in elements("Criteria", given)? {
        expect(name, &["field", "operator", "value"])?;
        let Tree::Leaf(leaf) = part else {
            return Err(Refusal::bad(format!("Field 'Criteria.{name}' takes a text.")));
        };
        if criterion.insert(name.clone(), Value::from(leaf.text.as_str())).is_some() {
            return Err(Refusal::bad(format!("Field 'Criteria.{name}' is given more than once.")));
        }
    }
    Ok(criterion)
}

fn elements<'a>(name: &str, tree: &'a Tree) -> Result<&'a [(String, Tree)], Refusal> {
    tree.entries().ok_or_else(|| Refusal::bad(format!("Field '{name}' takes elements, not a text.")))
}

fn expect(name: &str, accepted: &[&str]) -> Result<(), Refusal> {
    if accepted.contains(&name) {
        return Ok(());
    }
    Err(Refusal::bad(format!("There is no field '{name}' here; there are {}.", accepted.join(", "))))
}
