//! The status page: what is on the board, as HTML for people. Everything is escaped by the template.

use askama::Template;
use jiff::Timestamp;

use super::status::{ChangeView, PlanView, State, Status, Unhealthy};
use crate::reconcile::PassOutcome as Outcome;
use crate::resource::RunError;

/// Rows that a table shows at most; the plan's JSON has them all.
const ROWS: usize = 500;
/// Errors of one run that the page shows at most.
const ERRORS: usize = 10;

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    status: &'a Status,
    verdict: Verdict,
    plan: PlanView,
}

/// The first line: what a person came to know.
struct Verdict {
    class: &'static str,
    text: String,
}

/// The page for this status.
pub(super) fn render(status: &Status) -> Result<String, askama::Error> {
    // The board refuses what cannot be read, so this one can.
    let plan =
        status.plan_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let page = Page { status, verdict: verdict(status), plan }.render()?;
    // Remote text: what a browser would act on beyond markup, which the template has escaped.
    Ok(page.split('\n').map(crate::visible::visible).collect::<Vec<_>>().join("\n"))
}

fn verdict(status: &Status) -> Verdict {
    let (class, text) = match (&status.last_pass, &status.plan) {
        _ if status.state == State::Ended => ("bad", "the daemon has ended".to_owned()),
        _ if !status.config.ok && status.config.rejected_at.is_some() => {
            ("bad", "the file on disk is refused".to_owned())
        }
        (None, _) => ("quiet", "the first pass has not finished".to_owned()),
        (Some(pass), _) if pass.outcome == Outcome::Blocked => {
            ("bad", "a limit is exceeded, nothing was applied".to_owned())
        }
        (Some(pass), _) if pass.outcome == Outcome::Failed => ("bad", "the last pass failed".to_owned()),
        (Some(_), Some(plan)) => {
            let summary = &plan.summary;
            let wanted = summary.create + summary.update + summary.replace + summary.delete;
            let drifted = status.drifted.len();
            if wanted == 0 && drifted == 0 {
                ("good", "in sync".to_owned())
            } else {
                ("warn", format!("{wanted} to change, {drifted} drifted"))
            }
        }
        (Some(_), None) => ("quiet", "no plan yet".to_owned()),
    };
    Verdict { class, text }
}

impl Page<'_> {
    /// A time in UTC, to the second.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn time(&self, at: &Timestamp) -> String {
        at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    fn state(&self) -> &'static str {
        match self.status.state {
            State::Starting => "starting",
            State::Idle => "idle",
            State::Reconciling => "reconciling",
            State::Stopping => "stopping",
            State::Ended => "ended",
        }
    }

    fn duration(&self) -> String {
        let milliseconds = self.status.last_pass.as_ref().map_or(0, |pass| pass.duration_ms);
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }

    fn changes(&self) -> &[ChangeView] {
        &self.plan.changes[..self.plan.changes.len().min(ROWS)]
    }

    fn more_changes(&self) -> usize {
        self.plan.changes.len().saturating_sub(ROWS)
    }

    fn blocked(&self) -> Option<String> {
        let blocked = self.status.blocked.as_ref()?;
        // A string without its quotes, anything else as JSON writes it.
        let text = |key: &str| match &blocked[key] {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let mut line = text("limit").unwrap_or_default();
        for (word, key) in
            [("allows", "allowed"), ("wanted:", "wanted"), ("kind:", "kind"), ("hint:", "hint")]
        {
            if let Some(text) = text(key) {
                for part in [", ", word, " ", &text] {
                    line.push_str(part);
                }
            }
        }
        Some(line)
    }

    fn warnings(&self) -> Vec<String> {
        let text = |value: &serde_json::Value| {
            let text = value.as_str().or_else(|| value["message"].as_str());
            text.map_or_else(|| value.to_string(), str::to_owned)
        };
        self.plan.warnings.iter().take(ROWS).map(text).collect()
    }

    fn unmanaged(&self) -> impl Iterator<Item = &str> {
        self.plan.unmanaged.iter().take(ROWS).map(|object| object.address.as_str())
    }

    fn unverified(&self) -> impl Iterator<Item = &str> {
        self.plan.unverified.iter().take(ROWS).map(|object| object.address.as_str())
    }
}

impl Unhealthy {
    fn shown_errors(&self) -> &[RunError] {
        &self.errors[..self.errors.len().min(ERRORS)]
    }

    fn more_errors(&self) -> usize {
        self.errors.len().saturating_sub(ERRORS)
    }
}

impl ChangeView {
    fn symbol(&self) -> &'static str {
        match self.action.as_str() {
            "create" => "+",
            "update" => "~",
            "replace" => "±",
            "delete" => "-",
            _ => "?",
        }
    }

    fn paths(&self) -> String {
        self.fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::Duration;

    use super::super::board::Board;
    use super::super::board::tests::at;
    use super::super::triggers::Trigger;
    use super::*;

    /// A board after one pass that made this plan.
    fn board(plan: &str, outcome: Outcome) -> Board {
        let board = Board::new("1", at(0));
        board.config_loaded(&["/etc/trueup/config.yaml".into()], at(1));
        board.pass_begins("r1", Trigger::Startup, at(2));
        board.plan(plan.into()).unwrap();
        board.pass_ends(outcome, None, at(3), Duration::from_secs(1));
        board
    }

    #[test]
    fn the_verdict_says_the_worst_first() {
        let pending = r#"{"summary": {"create": 2},
            "changes": [{"address": "aws/x", "cause": "drift", "held": "observe"}]}"#;
        for (plan, outcome, expected) in [
            (r#"{"summary": {"unchanged": 3}}"#, Outcome::InSync, "in sync"),
            (pending, Outcome::Pending, "2 to change, 1 drifted"),
            (pending, Outcome::Blocked, "a limit is exceeded, nothing was applied"),
            (pending, Outcome::Failed, "the last pass failed"),
        ] {
            assert_eq!(verdict(&board(plan, outcome).status()).text, expected);
        }
        let board = board(pending, Outcome::Failed);
        board.config_rejected(&[], at(4));
        assert_eq!(verdict(&board.status()).text, "the file on disk is refused");
        assert_eq!(verdict(&Board::new("1", at(0)).status()).text, "the first pass has not finished");
    }

    #[test]
    fn a_plan_of_thousands_is_cut_and_says_so() {
        let mut changes = String::new();
        for number in 0..ROWS + 7 {
            let comma = if number == 0 { "" } else { "," };
            write!(changes, r#"{comma}{{"address": "aws/a{number}", "action": "create"}}"#).unwrap();
        }
        let page =
            render(&board(&format!(r#"{{"changes": [{changes}]}}"#), Outcome::Pending).status()).unwrap();
        assert!(page.contains("aws/a499") && !page.contains("aws/a500"));
        assert!(page.contains("… and 7 more."));
    }
}
