//! The plan as text, for people: the verdict first, one line a change that can be searched for, the summary
//! last. Readable without colour, and in a comment on a pull request.

use std::collections::HashMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::change::{Action, Cause, Change, FieldChange};
use super::failed::failures;
use super::model::{Plan, Summary};
use super::warning::Warning;
use crate::desired::settings::Mode;
use crate::resource::RunError;
use crate::visible::visible;

/// What the run that shows a plan does with it: the last word of the headline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Doing {
    /// It writes nothing.
    #[default]
    DryRun,
    /// The daemon applies what the limits allow.
    Enforce,
    /// The command `apply` applies what is agreed to, whatever the policy says.
    Apply,
}

impl Doing {
    /// What the daemon does under a policy.
    #[must_use]
    pub const fn of(mode: Mode) -> Doing {
        match mode {
            Mode::DryRun => Doing::DryRun,
            Mode::Enforce => Doing::Enforce,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Doing::DryRun => Mode::DryRun.word(),
            Doing::Enforce => Mode::Enforce.word(),
            Doing::Apply => "apply",
        }
    }
}

/// How the text is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// What the run does with the plan.
    pub doing: Doing,
    /// Whether to list the unmanaged objects, or to count them alone.
    pub show_unmanaged: bool,
    /// The time from which next runs are counted.
    pub now: Timestamp,
}

/// The width of the column of addresses, at the least and at the most.
const ADDRESS: usize = 24;
const LONGEST: usize = 40;

/// The lines of a terminal, as it usually comes: what is longer has scrolled the verdict out of sight.
const SCREEN: usize = 24;

/// The longest list of values on one line; longer ones are one a line.
const LINE: usize = 100;

/// The plan as text, each line ended.
#[must_use]
pub fn render_text(plan: &Plan, platform: &str, style: Style) -> String {
    let mut out = Text { out: String::new(), style };
    out.verdict(plan, platform);
    if !plan.changes.is_empty() {
        out.line("");
    }
    let widths = Widths::of(plan);
    for change in plan.changes.iter().filter(|change| change.applies()) {
        out.change(change, &widths);
    }
    for change in plan.changes.iter().filter(|change| !change.applies()) {
        out.change(change, &widths);
    }
    out.rest(plan, &widths);
    if !plan.is_in_sync() {
        out.line("");
        out.summary(plan);
    }
    if out.out.lines().count() > SCREEN {
        out.line("");
        out.verdict(plan, platform);
    }
    out.out
}

/// Warnings that say the same of several places or objects: the first of them, and how many there are.
fn alike(warnings: &[Warning]) -> Vec<(&Warning, usize)> {
    let mut alike: Vec<(&Warning, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for warning in warnings {
        let at = *places.entry(warning.told()).or_insert(alike.len());
        match alike.get_mut(at) {
            Some((_, count)) => *count += 1,
            None => alike.push((warning, 1)),
        }
    }
    alike
}

/// The newest errors of a run, a line each, and how many more there are.
#[must_use]
pub fn run_error_lines(errors: &[RunError]) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut lines: Vec<String> = errors
        .iter()
        .take(SHOWN)
        .map(|RunError { message, created }| {
            let at = created.map(|at| format!("{}  ", clock(at))).unwrap_or_default();
            format!("    {at}{}", visible(message))
        })
        .collect();
    if errors.len() > SHOWN {
        lines.push(format!("    … {} more", errors.len() - SHOWN));
    }
    lines
}

/// The fields of a change, indented below its line, each line ended.
#[must_use]
pub fn field_lines(fields: &[FieldChange], action: Action) -> String {
    let mut out = Text { out: String::new(), style: Style::default() };
    let fields: Vec<FieldChange> = fields.iter().flat_map(flatten).collect();
    let width = fields.iter().map(|field| field.path.chars().count()).max().unwrap_or(0);
    for field in &fields {
        out.field(field, action, width);
    }
    out.out
}

/// The line of a change that was made, as it is in the plan but in the past tense, with this said of it.
#[must_use]
pub fn done_line(change: &Change, told: &str, color: bool) -> String {
    let mut out = Text { out: String::new(), style: Style { color, ..Style::default() } };
    let (address, action) = (visible(&change.address.to_string()), change.action);
    let line = format!("{} {address:<ADDRESS$} {:<8} {}", action.symbol(), action.done(), visible(told));
    out.coloured(code(action), &line);
    out.out
}

/// The colour of an action, by the number of the ANSI code.
const fn code(action: Action) -> &'static str {
    match action {
        Action::Create => "32",
        Action::Update => "33",
        Action::Replace | Action::Delete => "31",
    }
}

struct Widths {
    address: usize,
    action: usize,
}

impl Widths {
    fn of(plan: &Plan) -> Widths {
        let changes = plan.changes.iter().map(|change| &change.address);
        let unverified = plan.unverified.iter().map(|object| &object.address);
        let unhealthy = plan.unhealthy.iter().map(|object| &object.address);
        let unidentified = plan.unidentified.iter().map(|object| &object.address);
        let lengths = changes
            .chain(unverified)
            .chain(unhealthy)
            .chain(unidentified)
            .map(|address| visible(&address.to_string()).chars().count());
        // One very long address juts out of the column; it does not push all others apart.
        let address = lengths.filter(|length| *length <= LONGEST).max().unwrap_or(0).max(ADDRESS);
        Widths { address, action: 7 }
    }
}

struct Text {
    out: String,
    style: Style,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// A line in a colour of the terminal, by the number of the ANSI code.
    fn coloured(&mut self, code: &str, line: &str) {
        if self.style.color {
            let line = line.trim_end();
            let _ = writeln!(self.out, "\x1b[{code}m{line}\x1b[0m");
        } else {
            self.line(line);
        }
    }

    fn verdict(&mut self, plan: &Plan, platform: &str) {
        let Summary { held, unchanged, unmanaged, unidentified, unverified, live, declared, .. } =
            plan.summary;
        let platform = visible(platform);
        if plan.is_in_sync() {
            let mut parts = vec![format!("{unchanged} unchanged")];
            push_counts(
                &mut parts,
                &[
                    (unmanaged, "unmanaged"),
                    (unidentified, "unidentified"),
                    (held, "held"),
                    (unverified, "unverified"),
                ],
            );
            self.coloured("32", &format!("{platform}: in sync · {}", parts.join(", ")));
            return;
        }
        let cause = |wanted| plan.applicable().filter(|change| change.cause == wanted).count();
        let mut parts = Vec::new();
        push_counts(
            &mut parts,
            &[
                (cause(Cause::Pending), "pending"),
                (cause(Cause::Drift), "drifted"),
                (cause(Cause::Both), "drifted and pending"),
                (held, "held"),
                (plan.failed.len(), "failed"),
            ],
        );
        let id: String = plan.id.chars().take(8).collect();
        let what = parts.join(", ");
        let mode = self.style.doing.word();
        self.coloured(
            "1",
            &format!("{platform}: {what} · plan {id} · {live} live, {declared} declared · {mode}"),
        );
    }

    fn change(&mut self, change: &Change, widths: &Widths) {
        let address = visible(&change.address.to_string());
        let symbol = change.action.symbol();
        let (word, reason) = match &change.held {
            Some(held) => {
                let wanted = match change.action {
                    Action::Delete => String::new(),
                    // Nothing of it would change: it is not ours to keep.
                    Action::Update if change.fields.is_empty() => String::new(),
                    action => format!("{}: ", action.word()),
                };
                let drifted = drifted(change).map(|drifted| format!("; {drifted}")).unwrap_or_default();
                ("held", format!("{wanted}{}{drifted}", held.why))
            }
            None => (change.action.word(), why(change)),
        };
        let line = format!(
            "{symbol} {address:<address_width$} {word:<action_width$}  {reason}",
            address_width = widths.address,
            action_width = widths.action,
            reason = visible(&reason),
        );
        self.coloured(if change.held.is_some() { "2" } else { code(change.action) }, &line);
        let fields: Vec<FieldChange> = change.fields.iter().flat_map(flatten).collect();
        let runs = next_runs(change, self.style.now);
        let names =
            fields.iter().map(|field| field.path.as_str()).chain(runs.iter().map(|(label, _)| *label));
        let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
        for field in &fields {
            self.field(field, change.action, width);
        }
        if let Some((label, runs)) = runs {
            self.line(&format!("    {label:<width$}  {}", visible(&runs)));
        }
    }

    fn field(&mut self, field: &FieldChange, action: Action, width: usize) {
        let FieldChange { path, before, after, sensitive } = field;
        let name = format!("    {path:<width$}  ");
        if *sensitive {
            let told = match action {
                Action::Create => "(secret)",
                Action::Update | Action::Replace | Action::Delete if before == after => {
                    "(secret, written again)"
                }
                Action::Update | Action::Replace | Action::Delete if before.is_null() => "(secret, written)",
                Action::Update | Action::Replace | Action::Delete => "(secret, changed)",
            };
            self.line(&format!("{name}{told}"));
            return;
        }
        match (before, after) {
            (before, after) if is_long(before) || is_long(after) => {
                self.line(name.trim_end());
                self.line_diff(text_of(before), text_of(after));
            }
            (Value::Array(before), Value::Array(after)) => {
                let added =
                    after.iter().filter(|item| !before.contains(item)).map(|item| format!("+{}", show(item)));
                let removed =
                    before.iter().filter(|item| !after.contains(item)).map(|item| format!("-{}", show(item)));
                let members: Vec<String> = added.chain(removed).collect();
                self.members(&name, &members);
            }
            (Value::Null, after) if action == Action::Create => match after {
                Value::Array(items) => {
                    let shown = show(after);
                    if shown.chars().count() > LINE {
                        self.members(&name, &items.iter().map(show).collect::<Vec<_>>());
                    } else {
                        self.line(&format!("{name}{shown}"));
                    }
                }
                after => self.line(&format!("{name}{}", show(after))),
            },
            (before, after) => self.line(&format!("{name}{} → {}", show(before), show(after))),
        }
    }

    fn members(&mut self, name: &str, members: &[String]) {
        let one_line = members.join(" ");
        if one_line.chars().count() <= LINE {
            self.line(&format!("{name}{one_line}"));
            return;
        }
        self.line(name.trim_end());
        for member in members {
            self.line(&format!("      {member}"));
        }
    }

    fn line_diff(&mut self, before: &str, after: &str) {
        let diff = TextDiff::from_lines(before, after);
        for change in diff.iter_all_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.value().trim_end_matches('\n');
            self.line(&format!("      {sign} {}", visible(line)));
        }
    }

    fn rest(&mut self, plan: &Plan, widths: &Widths) {
        let mut rows = Vec::new();
        let width = widths.address;
        let row = |sign: char, name: &str, word: &str, text: &str| {
            format!("{sign} {:<width$} {word:<10} {}", visible(name), visible(text))
        };
        for failure in failures(&plan.failed) {
            rows.push(("31", row('x', &failure.to_string(), "failed", &failure.first.error)));
        }
        for object in &plan.unidentified {
            let held: Vec<String> = object.holds.iter().map(ToString::to_string).collect();
            let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
            let text = format!("\"{}\", {}: holds {held}", object.name, object.why);
            rows.push(("33", row('?', &object.address.to_string(), "unidentified", &text)));
        }
        for object in &plan.unverified {
            let text = format!(
                "{}: not returned by the platform, not known to the journal",
                object.fields.join(", ")
            );
            rows.push(("2", row('?', &object.address.to_string(), "unverified", &text)));
        }
        for object in &plan.unhealthy {
            let text = match &object.last_error {
                Some(error) => format!("{}: {error}", object.state),
                None => object.state.clone(),
            } + &known_as(object.label.as_ref());
            rows.push(("35", row('!', &object.address.to_string(), "unhealthy", &text)));
            rows.extend(run_error_lines(&object.errors).into_iter().map(|line| ("35", line)));
        }
        if self.style.show_unmanaged {
            for object in &plan.unmanaged {
                let text = format!("id {}{}", object.id, known_as(object.label.as_ref()));
                rows.push(("0", row(' ', &object.address.to_string(), "unmanaged", &text)));
            }
        }
        for (first, count) in alike(&plan.warnings) {
            let times =
                if count > 1 { format!(" ({count} times, this is the first)") } else { String::new() };
            rows.push(("33", format!("warning: {}{times}", visible(first))));
        }
        if let Some(blocked) = &plan.blocked {
            rows.push(("31", blocked.to_string()));
            rows.push(("31", format!("hint: {}", blocked.hint)));
        }
        if !rows.is_empty() {
            self.line("");
        }
        for (code, text) in rows {
            self.coloured(code, &text);
        }
    }

    fn summary(&mut self, plan: &Plan) {
        let Summary {
            create,
            update,
            replace,
            delete,
            held,
            unchanged,
            unmanaged,
            unidentified,
            unhealthy,
            failed,
            ..
        } = plan.summary;
        let mut counts = vec![format!("{unchanged} unchanged")];
        push_counts(
            &mut counts,
            &[
                (held, "held"),
                (unmanaged, "unmanaged"),
                (unidentified, "unidentified"),
                (unhealthy, "unhealthy"),
                (plan.unverified.len(), "unverified"),
                (failed, "failed"),
            ],
        );
        let calls = plan.cost.calls_to_apply;
        let calls = if calls == 1 { "1 call to apply".to_owned() } else { format!("{calls} calls to apply") };
        self.line(&format!(
            "Plan: {create} to create, {update} to update, {replace} to replace, {delete} to delete. \
             {}. {calls}.",
            counts.join(", ")
        ));
    }
}

/// Appends each count that is not zero.
fn push_counts(parts: &mut Vec<String>, counts: &[(usize, &str)]) {
    parts
        .extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
}

/// The reason, and for a drift since when.
fn why(change: &Change) -> String {
    match drifted(change) {
        Some(drifted) => format!("{drifted}: {}", change.reason),
        None => change.reason.clone(),
    }
}

/// Of a drift, since when.
fn drifted(change: &Change) -> Option<String> {
    let since = change.since.filter(|_| change.cause.drifted())?;
    let passes = match change.passes {
        0 | 1 => String::new(),
        passes => format!(" ({passes} passes)"),
    };
    let also = if change.cause == Cause::Both { ", and the file moved too" } else { "" };
    Some(format!("drifted since {}{passes}{also}", clock(since)))
}

/// When the object runs next, before and after, where its schedule changes.
fn next_runs(change: &Change, now: Timestamp) -> Option<(&'static str, String)> {
    let (before, after) = change.new_schedule()?;
    let runs = after.describe(now)?;
    let runs = match before.and_then(|before| before.describe(now)) {
        Some(before) if before != runs => format!("{before} → {runs}"),
        Some(_) | None => runs,
    };
    Some((after.label(), runs))
}

/// A time to the minute, in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A table that changes as the fields within it that change.
fn flatten(field: &FieldChange) -> Vec<FieldChange> {
    let (Some(before), Value::Object(after), false) = (table(&field.before), &field.after, field.sensitive)
    else {
        return vec![field.clone()];
    };
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names
        .filter_map(|name| {
            let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
            let (before, after) = (of(&before), of(after));
            (before != after).then(|| FieldChange::plain(format!("{}.{name}", field.path), before, after))
        })
        .collect()
}

/// A table as such; nothing is as good as an empty one.
fn table(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::Null => Some(Map::new()),
        _ => None,
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn is_long(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains('\n'))
}

/// A value as the file would write it: words plain, other text in quotes.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::Bool(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_word(text) => text.clone(),
        Value::String(text) => format!("\"{}\"", visible(text).replace('"', "\\\"")),
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields: Vec<String> =
                map.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+'))
}

/// What people call what an object looks into, at the end of its row.
fn known_as(label: Option<&String>) -> String {
    label.map_or_else(String::new, |label| format!(" ({label})"))
}
