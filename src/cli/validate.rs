//! `trueup validate`: the file alone, offline.

use std::collections::HashMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Common, Format, output, shown};
use crate::desired::{self, Declared, Desired};
use crate::exit::Exit;
use crate::plan::next_runs_json;
use crate::resource::{Address, ReportAddress, Spec, Timetable};
use crate::visible::visible;

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
    let now = Timestamp::now();
    match args.format {
        Format::Json => output::say_json(&json!({
            "format": "trueup.validate/v1",
            "exit": Exit::Success.code(),
            "declared": desired.declared.len(),
            "files": desired.files.len(),
            "warnings": desired.warnings,
            "schedules": schedules(&desired)
                .filter_map(|(address, schedule)| {
                    Some(json!({"address": address, "next_runs": next_runs_json(schedule, now)?}))
                })
                .collect::<Vec<Value>>(),
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
            for (address, schedule) in schedules(&desired).filter(|_| !common.quiet) {
                if let Some(runs) = schedule.describe(now) {
                    let line = format!("    {address}  {}  {runs}", schedule.label());
                    output::say(&format!("{}\n", visible(&line)));
                }
            }
        }
    }
    Exit::Success
}

/// The schedules of the file, each with the address of what bears it: of objects, then of reports.
fn schedules(desired: &Desired) -> impl Iterator<Item = (String, Timetable<'_>)> {
    let objects = of_objects(&desired.declared).map(|(address, schedule)| (address.to_string(), schedule));
    let reports = desired.reports.iter().filter_map(|report| {
        Some((ReportAddress(&report.name).to_string(), Timetable::Zoned(report.cron.as_ref()?)))
    });
    objects.chain(reports)
}

fn of_objects(declared: &[Declared]) -> impl Iterator<Item = (Address, Timetable<'_>)> {
    let address = |spec: &Spec| Address::new(spec.kind(), spec.address_name());
    let mut namesakes: HashMap<Address, usize> = HashMap::new();
    for Declared { spec, .. } in declared {
        *namesakes.entry(address(spec)).or_default() += 1;
    }
    declared.iter().filter_map(move |Declared { spec, .. }| {
        let mut address = address(spec);
        if let Some(identity) = spec.identity().filter(|_| namesakes.get(&address) > Some(&1)) {
            address.name = format!("{}#{identity}", address.name);
        }
        Some((address, spec.schedule()?))
    })
}
