//! `trueup export`: the live state as a file. Writes neither to the platform nor to the journal, of which it reads what
//! only that knows.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::{Common, Format, output, shown};
use crate::connect::connect;
use crate::error::one_line;
use crate::exit::Exit;
use crate::export::{Export, Selection, export};
use crate::journal::Journal;
use crate::plan::failures;
use crate::pull::survey;
use crate::resource::{Address, Kind};
use crate::visible::visible;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Write to this file, which must not exist, instead of stdout; its owner alone can read it
    #[arg(short, long, visible_alias = "out", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over the file
    #[arg(long, requires = "output")]
    force: bool,
    /// Export these kinds alone, as in aws or tag
    #[arg(long, value_name = "KIND", num_args = 1.., conflicts_with = "target")]
    kind: Vec<Kind>,
    /// Export these objects alone, as a plan names them
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    target: Vec<Address>,
}

/// What has the rest.
const V3: &str = "say platform: {connectors_api: v3} in the file if the subscription has Connectors 3.0";

pub(super) async fn run(common: &Common, args: &ExportArgs) -> Exit {
    common.start_logs(-1);
    let out = args.output.as_deref().filter(|out| *out != Path::new("-"));
    if let Some(out) = out
        && let Err((message, hint)) = check_target(out, args.force)
    {
        return output::fail(Format::Text, Exit::Failure, &message, hint);
    }
    let desired = match common.load() {
        Ok(desired) => desired,
        Err(rejected) => return output::reject(Format::Text, &rejected),
    };
    let selection = Selection {
        kinds: args.kind.iter().copied().collect(),
        targets: args.target.iter().cloned().collect(),
    };
    let api = desired.settings.platform.connectors_api;
    if let Some(kind) = selection.not_had(api) {
        let message = format!("{kind} cannot be exported through CloudView v1, which has no such objects");
        return output::fail(Format::Text, Exit::Usage, &message, Some(V3));
    }
    let connection = match connect(&desired.settings, None, None).await {
        Ok(connection) => connection,
        Err(error) => return output::fail(Format::Text, Exit::Failure, &one_line(&error), None),
    };
    let kinds = selection.kinds_to_read(api);
    let mut survey = survey(&connection.reader, &kinds).await;
    // What is asked for, or declared already, is missed.
    survey.lacking.retain(|kind| !selection.names(*kind) && !desired.sections.contains(kind));
    if let Some(path) = &desired.settings.journal {
        let (subscription, settle_for) =
            (connection.reader.subscription(), desired.settings.reconcile.settle_for);
        match Journal::peek(path, &subscription, &survey.live, settle_for, Timestamp::now()) {
            Ok(known) => survey.live.recall(&known),
            Err(error) => output::complain(&format!("warning: {}", one_line(&error))),
        }
    }
    let exported = export(&survey, &desired.settings, &connection.platform, &selection);
    if let Some(simulator) = connection.simulator {
        simulator.shutdown().await;
    }
    if !exported.unknown_targets.is_empty() {
        let unknown: Vec<String> = exported.unknown_targets.iter().map(ToString::to_string).collect();
        let message = format!("no such object: {}", visible(&unknown.join(", ")));
        let hint =
            "a target is an address as plan --show-unmanaged gives it: aws/prod-payments, tag/prod/payments";
        return output::fail(Format::Text, Exit::Usage, &message, Some(hint));
    }
    let everywhere = survey.live.failed();
    let is_told = |kind: Kind| everywhere.iter().any(|failed| failed.kind == kind);
    for failure in failures(&everywhere) {
        let error = visible(&failure.first.error);
        output::complain(&format!("warning: {failure} could not be read: {error}"));
    }
    for (kind, error) in exported.failed.iter().filter(|(kind, _)| !is_told(*kind)) {
        output::complain(&format!("warning: {kind} could not be read: {}", visible(error)));
    }
    for (kind, error) in exported.lacking.iter().filter(|(kind, _)| !is_told(*kind)) {
        output::complain(&format!("warning: there seems to be no {kind}: {}", visible(error)));
    }
    if survey.live.is_blind() {
        return output::fail(Format::Text, Exit::Failure, "nothing could be read, nothing was written", None);
    }
    if let Some(flaw) = &exported.flaw {
        output::complain(&format!("warning: the file needs a person's hand: {}", visible(flaw)));
    }
    match out {
        None => output::say(&exported.text),
        Some(out) => match write(out, args.force, &exported.text) {
            Ok(()) => output::say(&summary(out, &exported)),
            Err(error) => {
                let message = format!("could not write {}: {error}", shown(out));
                return output::fail(Format::Text, Exit::Failure, &message, None);
            }
        },
    }
    if exported.failed.is_empty() && exported.flaw.is_none() { Exit::Success } else { Exit::Failure }
}

fn summary(out: &Path, exported: &Export) -> String {
    let Export {
        text: _,
        objects,
        secrets,
        left_out,
        withheld,
        lacking: _,
        failed,
        unknown_targets: _,
        flaw: _,
    } = exported;
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut parts = vec![plural(*objects, "object")];
    let told = [
        (*secrets, "secret", " to fill in"),
        (*left_out, "field", " left out"),
        (*withheld, "object", " as comments"),
        (failed.len(), "kind", " not read"),
    ];
    for (count, word, what) in told {
        if count > 0 {
            parts.push(format!("{}{what}", plural(count, word)));
        }
    }
    let rest = if parts.len() > 1 { "; its first lines list them" } else { "" };
    format!("{}: {}{rest}\n", shown(out), parts.join(", "))
}

/// Refuses what is not to be overwritten before the platform is asked for anything.
fn check_target(out: &Path, force: bool) -> Result<(), (String, Option<&'static str>)> {
    match fs::metadata(out) {
        Ok(found) if !found.is_file() => Err((format!("{} is not a file", shown(out)), None)),
        Ok(_) if !force => {
            Err((format!("{} exists already", shown(out)), Some("name another file, or pass --force")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Writes the file whole or not at all. One that is there keeps its permissions.
fn write(out: &Path, force: bool, text: &str) -> io::Result<()> {
    let real = fs::canonicalize(out).unwrap_or_else(|_| out.to_owned());
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let mode = fs::metadata(&real).map_or(0o600, |found| found.permissions().mode());
    file.as_file().set_permissions(Permissions::from_mode(mode & 0o7777))?;
    file.as_file().sync_all()?;
    let persisted = if force { file.persist(&real) } else { file.persist_noclobber(&real) };
    persisted.map(drop).map_err(|error| error.error)
}
