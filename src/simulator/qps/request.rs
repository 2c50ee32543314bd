//! The envelope that comes in: ServiceRequest with data, filters and preferences.

use super::noun::Noun;
use super::refusal::Refusal;
use super::tree::{self, Tree};
use crate::simulator::answer::{Format, Request};

/// "A maximum of 100 instances are returned by default" (Search AWS Connector).
const DEFAULT_LIMIT: u64 = 100;

/// The vendor's page on truncation names this as the most.
const MAX_LIMIT: u64 = 1000;

/// A ServiceRequest, taken apart.
#[derive(Debug, Default)]
pub(crate) struct ServiceRequest {
    /// What stands under `data.<Object>`.
    pub(crate) object: Option<Tree>,
    /// `None` where there are no criteria at all.
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) preferences: Preferences,
}

/// One criterion as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Criterion {
    pub(crate) field: String,
    pub(crate) operator: String,
    pub(crate) value: String,
}

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preferences {
    pub(crate) start_from_offset: u64,
    pub(crate) start_from_id: Option<u64>,
    pub(crate) limit: u64,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { start_from_offset: 1, start_from_id: None, limit: DEFAULT_LIMIT }
    }
}

impl ServiceRequest {
    /// Reads the body; no body at all is an empty request.
    pub(crate) fn read(request: &Request, object: &str) -> Result<Self, Refusal> {
        if request.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let (root, tree) = tree::parse(format(request)?, &request.body)?;
        if root != "ServiceRequest" {
            return Err(Refusal::invalid(
                format!("'{root}' is not a request."),
                "Specify one 'ServiceRequest'.",
            ));
        }
        let mut read = Self::default();
        for (name, tree) in branch(&root, &tree)? {
            match name.as_str() {
                "data" | "filters" | "preferences" if *tree == Tree::Nothing => {}
                "data" => read.take_data(tree, object)?,
                "filters" => read.criteria.extend(criteria(tree)?),
                "preferences" => read.preferences = preferences(tree)?,
                _ => return Err(Refusal::unknown_field(name, &["data", "filters", "preferences"])),
            }
        }
        Ok(read)
    }

    fn take_data(&mut self, data: &Tree, object: &str) -> Result<(), Refusal> {
        for (name, tree) in branch("data", data)? {
            if name != object {
                return Err(Refusal::unknown_field(name, &[object]));
            }
            if *tree == Tree::Nothing {
                continue;
            }
            if self.object.replace(tree.clone()).is_some() {
                return Err(Refusal::twice(object));
            }
        }
        Ok(())
    }

    /// The object that a create or update needs.
    pub(crate) fn require_object(&self, noun: &Noun) -> Result<&Tree, Refusal> {
        self.object.as_ref().ok_or_else(|| Refusal::missing(noun.object))
    }
}

/// The form that a body is declared to have. curl declares a form where it is told nothing, and the samples tell it
/// nothing in places: such a body is XML, "the default", as is one that declares nothing.
fn format(request: &Request) -> Result<Format, Refusal> {
    let declared = request.media_type();
    match declared.as_str() {
        "application/json" => Ok(Format::Json),
        "" | "text/xml" | "application/xml" | "application/x-www-form-urlencoded" => Ok(Format::Xml),
        _ => Err(Refusal::value(
            "Content-Type",
            &declared,
            "Specify text/xml, application/xml or application/json.",
        )),
    }
}

fn branch<'a>(name: &str, tree: &'a Tree) -> Result<&'a [(String, Tree)], Refusal> {
    tree.entries().ok_or_else(|| Refusal::value(name, "a text", "Specify the elements of this field."))
}

fn criteria(filters: &Tree) -> Result<Vec<Criterion>, Refusal> {
    let mut all = Vec::new();
    for (name, tree) in branch("filters", filters)? {
        if name != "Criteria" {
            return Err(Refusal::unknown_field(name, &["Criteria"]));
        }
        if *tree == Tree::Nothing {
            continue;
        }
        let (mut field, mut operator, mut value) = (None, None, None);
        for (part, tree) in branch("Criteria", tree)? {
            let slot = match part.as_str() {
                "field" => &mut field,
                "operator" => &mut operator,
                "value" => &mut value,
                _ => return Err(Refusal::unknown_field(part, &["field", "operator", "value"])),
            };
            let leaf = match tree {
                Tree::Leaf(leaf) => leaf,
                Tree::Branch(_) => return Err(Refusal::value(part, "elements", "Specify one value.")),
                Tree::Nothing => continue,
            };
            if slot.replace(leaf.text.clone()).is_some() {
                return Err(Refusal::twice(&format!("Criteria.{part}")));
            }
        }
        let field = field.ok_or_else(|| Refusal::missing("Criteria.field"))?;
        let part = |part: Option<String>, name: &str| {
            part.ok_or_else(|| {
                Refusal::invalid(
                    format!("Criteria: '{name}' is missing for criteria '{field}'."),
                    format!("Specify criteria {name}."),
                )
            })
        };
        let (operator, value) = (part(operator, "operator")?, part(value, "value")?);
        all.push(Criterion { field, operator, value });
    }
    Ok(all)
}

fn preferences(tree: &Tree) -> Result<Preferences, Refusal> {
    let (mut read, mut given) = (Preferences::default(), Vec::new());
    for (name, tree) in branch("preferences", tree)? {
        let accepted = ["startFromOffset", "startFromId", "limitResults"];
        if !accepted.contains(&name.as_str()) {
            return Err(Refusal::unknown_field(name, &accepted));
        }
        if given.contains(&name.as_str()) {
            return Err(Refusal::twice(name));
        }
        let (number, shown) = match tree {
            Tree::Leaf(leaf) => (leaf.text.parse::<u64>().ok(), leaf.text.as_str()),
            Tree::Branch(_) => (None, "elements"),
            Tree::Nothing => continue,
        };
        given.push(name.as_str());
        let range = if name == "limitResults" { 1..=MAX_LIMIT } else { 1..=u64::MAX };
        let number = number.filter(|number| range.contains(number)).ok_or_else(|| {
            let most = if name == "limitResults" { " of at most 1000" } else { "" };
            Refusal::value(name, shown, &format!("Specify a whole number from 1{most}, without whitespace."))
        })?;
        match name.as_str() {
            "startFromOffset" => read.start_from_offset = number,
            "startFromId" => read.start_from_id = Some(number),
            _ => read.limit = number,
        }
    }
    Ok(read)
}
