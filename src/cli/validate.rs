//! `trueup validate`: the file alone, offline.

use clap::Args;
use serde_json::json;

use super::{Common, Format, output, shown};
use crate::desired;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(common: &Common, args: &ValidateArgs) -> Exit {
    let path = common.config();
    let desired = match desired::load(&path) {
        Ok(desired) => desired,
        Err(rejected) => return output::reject(args.format, &rejected),
    };
    match args.format {
        Format::Json => output::say_json(&json!({
            "format": "trueup.validate/v1",
            "exit": Exit::Success.code(),
            "declared": desired.declared.len(),
            "files": desired.files.len(),
            "warnings": desired.warnings,
        })),
        Format::Text => {
            output::complain_of(&[], &desired.warnings);
            let (objects, files, warnings) =
                (desired.declared.len(), desired.files.len(), desired.warnings.len());
            let plural =
                |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
            output::say(&format!(
                "{}: valid · {}, {}, {}\n",
                shown(&path),
                plural(objects, "object"),
                plural(files, "file"),
                plural(warnings, "warning"),
            ));
        }
    }
    Exit::Success
}
