//! The live state as a file that plans to no change. Pure: reads no platform, resolves no secret, writes nothing.
//!
//! An entry is what [`crate::resource::Spec::fields`] gives, which is the file's own form, so that a kind
//! needs no code here. What the file would not take is left out and listed at the top: first judged entry by
//! entry (`entry.rs`), then by reading the whole file as the program does and planning with it, until there is
//! nothing to change (`verify.rs`). `selection.rs` says what is asked for, `draft.rs` makes an entry of each object,
//! `head.rs`, `body.rs` and `yaml.rs` write.

mod body;
mod draft;
mod entry;
mod head;
mod secret_names;
mod selection;
mod verify;
mod yaml;

use crate::desired::Settings;
use crate::pull::Survey;
use crate::resource::{Address, Kind};

use draft::Draft;

pub use selection::Selection;

/// The file, and what is to be said of it.
#[derive(Debug)]
pub struct Export {
    /// The file.
    pub text: String,
    /// How many objects it declares.
    pub objects: usize,
    /// How many references to secrets it holds that are to be filled in.
    pub secrets: usize,
    /// How many fields it leaves out, or has to be told.
    pub left_out: usize,
    /// How many objects stand in it as comments alone.
    pub withheld: usize,
    /// The kinds of which the platform says that it does not have them, in what words.
    pub lacking: Vec<(Kind, String)>,
    /// The kinds that could not be read, and why.
    pub failed: Vec<(Kind, String)>,
    /// Targets that are not live.
    pub unknown_targets: Vec<Address>,
    /// Why the file cannot be relied on; a defect of this program.
    pub flaw: Option<String>,
}

/// Makes the file from a survey of [`Selection::kinds_to_read`].
#[must_use]
pub fn export(survey: &Survey, settings: &Settings, platform: &str, selection: &Selection) -> Export {
    let mut draft = Draft::new(survey, settings, selection);
    let flaw = draft.verify(&survey.live).err();
    let text = head::comment(&draft, platform) + &draft.body().0;
    let flaw = flaw.or_else(|| Some(verify::read(&text).err()?.problems.first()?.to_string()));
    let kept = || draft.entries.iter().filter(|entry| entry.withheld.is_none());
    Export {
        text,
        objects: kept().count(),
        secrets: kept().map(|entry| entry.secrets(entry.address.kind.fields()).count()).sum(),
        left_out: kept().map(|entry| entry.left_out.len()).sum(),
        withheld: draft.entries.len() - kept().count(),
        lacking: draft.lacking,
        failed: draft.failed,
        unknown_targets: draft.unknown_targets,
        flaw,
    }
}
