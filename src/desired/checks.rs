//! What holds across the whole file: a table of named checks, each run over everything that was read.
//!
//! What one value alone can get wrong its type refuses; what one entry alone can get wrong is found by
//! [`crate::resource::Spec::check`].

use std::collections::HashMap;

use jiff::civil::Date;

use super::problem::Report;
use super::settings::{Prune, Settings};
use super::tree::{NodeId, Tree};
use super::{Declared, quoted};
use crate::resource::{ConnectorsApi, FILL_IN, InCloudview, Kind, Spec, Told};

/// Everything that was read, as far as it could be.
pub(super) struct Whole<'a> {
    pub(super) tree: &'a Tree,
    pub(super) settings: &'a Settings,
    /// `reconcile`, if it stands in the file.
    pub(super) reconcile: Option<NodeId>,
    /// The sections that stand in the files.
    pub(super) sections: &'a [(Kind, NodeId)],
    /// The objects, each with its entry and, beneath it, the defaults of its kind.
    pub(super) declared: &'a [Declared],
    pub(super) entries: &'a [Entry],
    pub(super) today: Date,
}

/// Where an object's fields come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) node: NodeId,
    pub(super) defaults: Option<NodeId>,
    /// What it stands in, where that says something of it.
    pub(super) above: Option<NodeId>,
}

impl Entry {
    /// The value of a field, the entry's own or else the default.
    pub(super) fn field(self, tree: &Tree, name: &str) -> Option<NodeId> {
        let own = tree.get(self.node, name);
        match own {
            Some(value) if tree.is_null(value) => None,
            Some(value) => Some(value),
            None => tree.get(self.defaults?, name).filter(|value| !tree.is_null(*value)),
        }
    }

    /// The value of the first of these fields that is there, or else the entry.
    fn place_of(self, tree: &Tree, names: &[&str]) -> NodeId {
        names.iter().find_map(|name| self.field(tree, name)).unwrap_or(self.node)
    }
}

#[cfg_attr(not(test), expect(dead_code, reason = "the name is for the tests and for the reader"))]
pub(super) struct Check {
    /// What it asks for; each is a case of the tests under this name.
    pub(super) name: &'static str,
    run: fn(&Whole<'_>, &mut Report),
}

pub(super) static CHECKS: &[Check] = &[
    Check { name: "an owner for prune: owned", run: prune_owned_needs_owner },
    Check { name: "one entry an object", run: identities_are_unique },
    Check { name: "one object a name", run: names_are_unique },
    Check { name: "one object a member", run: members_are_in_one },
    Check { name: "no tag above itself", run: tags_do_not_circle },
    Check { name: "no schedule in the past", run: schedules_start_in_future },
    Check { name: "nothing left to fill in", run: everything_is_filled_in },
    Check { name: "what CloudView has", run: cloudview_has_it },
];

/// Runs every check.
pub(super) fn run_all(whole: &Whole<'_>, report: &mut Report) {
    for Check { name: _, run } in CHECKS {
        run(whole, report);
    }
}

impl Whole<'_> {
    fn objects(&self) -> impl Iterator<Item = (&Declared, Entry)> {
        self.declared.iter().zip(self.entries.iter().copied())
    }
}

/// What is ours is told by the owner's mark.
fn prune_owned_needs_owner(whole: &Whole<'_>, report: &mut Report) {
    let Some(section) = whole.reconcile else { return };
    let tree = whole.tree;
    if whole.settings.reconcile.prune == Prune::Owned
        && whole.settings.reconcile.owner.is_none()
        && !tree.reported_keys(section).any(|key| key == "owner")
    {
        report.error(
            tree,
            tree.get(section, "prune").unwrap_or(section),
            "prune: owned needs owner".to_owned(),
            Some("add owner: NAME beside it; objects that bear its mark are ours".to_owned()),
        );
    }
}

/// What the one API neither takes nor tells cannot be kept as the file says.
fn cloudview_has_it(whole: &Whole<'_>, report: &mut Report) {
    if whole.settings.platform.connectors_api != ConnectorsApi::Cloudview {
        return;
    }
    let hint = |what: &str| Some(format!("remove {what}, or say platform: {{connectors_api: v3}}"));
    for &(kind, node) in whole.sections {
        if let InCloudview::Nothing(why) = kind.in_cloudview() {
            let message = format!("{} cannot be managed through CloudView v1: {why}", kind.section_path());
            report.error(whole.tree, node, message, hint("the section"));
        }
    }
    for (declared, entry) in whole.objects() {
        let kind = declared.spec.kind();
        let InCloudview::Without(lacking) = kind.in_cloudview() else { continue };
        let fields = declared.without_ignored().fields();
        for field in lacking.iter().filter(|field| fields.contains_key(**field)) {
            let message =
                format!("`{field}` cannot be managed through CloudView v1, which neither takes nor tells it");
            report.error(whole.tree, entry.place_of(whole.tree, &[*field]), message, hint("the field"));
        }
    }
}

/// Two entries for one object would undo each other.
fn identities_are_unique(whole: &Whole<'_>, report: &mut Report) {
    let mut first: HashMap<(Kind, String), &Declared> = HashMap::new();
    for (declared, entry) in whole.objects() {
        let kind = declared.spec.kind();
        let Some(identity) = declared.spec.identity() else { continue };
        match first.get(&(kind, identity.clone())) {
            Some(earlier) => report.error(
                whole.tree,
                entry.place_of(whole.tree, &most_telling(kind)),
                format!("{kind} {} is declared twice, first at {}", quoted(&identity), earlier.place),
                Some(format!("keep one of the two; the first is named {}", quoted(earlier.spec.name()))),
            ),
            None => {
                first.insert((kind, identity), declared);
            }
        }
    }
}

/// The keys that say which object an entry is, to point at; of them the name tells least.
fn most_telling(kind: Kind) -> Vec<&'static str> {
    let mut keys: Vec<&str> = kind.identifying().collect();
    keys.sort_by_key(|key| *key == "name");
    keys
}

/// Names within a kind may repeat, but then they do not serve as addresses.
fn names_are_unique(whole: &Whole<'_>, report: &mut Report) {
    let mut first: HashMap<(Kind, String), &Declared> = HashMap::new();
    for (declared, entry) in whole.objects() {
        let (kind, name) = (declared.spec.kind(), declared.spec.address_name());
        let identity = declared.spec.identity();
        match first.get(&(kind, name.clone())) {
            // Where the name is the identity, that is an error already.
            Some(_) if kind.is_its_name() => {}
            Some(earlier) => report.warning(
                whole.tree,
                entry.place_of(whole.tree, &["name"]),
                format!("the name {} is used twice within {kind}, first at {}", quoted(&name), earlier.place),
                Some(match identity.filter(|identity| earlier.spec.identity().as_ref() != Some(identity)) {
                    Some(identity) => {
                        format!("give each its own name; this one's address is {kind}/{name}#{identity}")
                    }
                    None => "give each its own name".to_owned(),
                }),
            ),
            None => {
                first.insert((kind, name), declared);
            }
        }
    }
}

/// What only one object of a kind may have would be handed to and fro between two.
fn members_are_in_one(whole: &Whole<'_>, report: &mut Report) {
    let mut first: HashMap<(Kind, &str), &Declared> = HashMap::new();
    for (declared, entry) in whole.objects() {
        let kind = declared.spec.kind();
        let Some((field, names)) = declared.spec.exclusive() else { continue };
        for name in names {
            match first.get(&(kind, name.as_str())) {
                Some(earlier) => report.error(
                    whole.tree,
                    entry.place_of(whole.tree, &[field]),
                    format!(
                        "{} is in `{field}` of two {kind} entries, first at {}",
                        quoted(name),
                        earlier.place
                    ),
                    Some(format!("keep it in one of the two; the first is {}", quoted(earlier.spec.name()))),
                ),
                None => {
                    first.insert((kind, name), declared);
                }
            }
        }
    }
}

/// A tag cannot be its own parent, however far up.
fn tags_do_not_circle(whole: &Whole<'_>, report: &mut Report) {
    let tags: Vec<_> = whole
        .objects()
        .filter_map(
            |(declared, entry)| {
                if let Spec::Tag(tag) = &declared.spec { Some((tag, entry)) } else { None }
            },
        )
        .collect();
    let mut by_path: HashMap<String, usize> = HashMap::new();
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, (tag, _)) in tags.iter().enumerate() {
        by_path.entry(tag.path()).or_insert(index);
        by_name.entry(&tag.name).or_default().push(index);
    }
    let parent_of = |index: usize| -> Option<usize> {
        let parent = tags[index].0.parent.as_deref().filter(|parent| !parent.is_empty())?;
        let named = match by_name.get(parent).map(Vec::as_slice) {
            Some([only]) => Some(*only),
            // Of several tags of that name a bare name means the one at the top.
            Some(_) | None => by_path.get(parent).copied(),
        };
        // A tag does not mean itself by its parent's name: that is one on the platform.
        named.filter(|named| *named != index)
    };
    // A tag that was walked over before leads to no new circle.
    let mut walked = vec![false; tags.len()];
    for start in 0..tags.len() {
        let mut way: Vec<usize> = Vec::new();
        let mut next = Some(start);
        while let Some(index) = next {
            if let Some(at) = way.iter().position(|earlier| *earlier == index) {
                let mut names: Vec<&str> = way[at..].iter().map(|tag| tags[*tag].0.name.as_str()).collect();
                names.push(&tags[index].0.name);
                let (_, entry) = tags[index];
                report.error(
                    whole.tree,
                    entry.place_of(whole.tree, &["parent"]),
                    format!("tag {} is above itself: {}", quoted(&tags[index].0.name), names.join(" below ")),
                    Some("give one of them another parent, or \"\" for none".to_owned()),
                );
                break;
            }
            if walked[index] {
                break;
            }
            walked[index] = true;
            way.push(index);
            next = parent_of(index);
        }
    }
}

/// The platform may refuse, or run at once, what should have started already.
fn schedules_start_in_future(whole: &Whole<'_>, report: &mut Report) {
    let tree = whole.tree;
    for (_, entry) in whole.objects() {
        let own = entry.field(tree, "start_date");
        let of_scan = || entry.field(tree, "perimeter_scan").and_then(|scan| tree.get(scan, "start_date"));
        let Some(at) = own.or_else(of_scan) else { continue };
        if let Ok(date) = tree.text(at).parse::<Date>()
            && date < whole.today
        {
            report.warning(
                tree,
                at,
                format!("start_date {date} is in the past"),
                Some(format!("give a date from {} on", whole.today)),
            );
        }
    }
}

/// What an export could not know would be sent as it is.
fn everything_is_filled_in(whole: &Whole<'_>, report: &mut Report) {
    let tree = whole.tree;
    for (declared, entry) in whole.objects() {
        let never_shown = declared.spec.kind().fields().iter().filter(|field| field.told == Told::Never);
        for at in never_shown.filter_map(|field| entry.field(tree, field.name)) {
            if tree.text(at).starts_with(FILL_IN) {
                let message = format!("{} would be sent as it stands here", tree.text(at));
                report.warning(
                    tree,
                    at,
                    message,
                    Some("replace it: the platform never shows the value".to_owned()),
                );
            }
        }
    }
}
