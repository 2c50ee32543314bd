//! A perimeter scan's schedule, a connector's own or the global one: its fields, and which of them need which.

use super::noun::{Field, Item, List, Many, Shape, Show, Write};
use super::refusal::Refusal;
use crate::simulator::options::{CpsWithoutVm, DateOrder, Options, PastStartDate};
use crate::simulator::store::Object;

/// "Specify the days when the scan should be scheduled."
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, write: Write::Both, show: Show::Always }
}

/// What `ConnectorScanConfiguration` holds, in the order of the sample of Get AWS Connector Details.
pub(crate) const CONFIGURATION: &[Field] = &[
    field("scanPrefix", Shape::Text { max: 0 }),
    field("optionProfileId", Shape::Integer { min: 1, max: u64::MAX }),
    field("recurrence", Shape::Word(&["DAILY", "WEEKLY"])),
    field("startDate", Shape::Date),
    field("startTime", Shape::Checked(start_time)),
    field("daysOfWeek", Shape::Many(Many { item: "Day", of: Item::Word(DAYS), list: List::Plain })),
    field("timezone", Shape::Checked(time_zone)),
];

/// The one switch in `connectorScanSetting`.
pub(crate) const SETTING: &[Field] = &[field("isCustomScanConfigEnabled", Shape::Flag)];

fn start_time(text: &str) -> Result<(), &'static str> {
    let whole = text.len() == 5 && text.as_bytes()[2] == b':';
    let valid = whole && text.parse::<jiff::civil::Time>().is_ok();
    if valid { Ok(()) } else { Err("Specify the start time of scan in HH:MM (24 hrs) format.") }
}

fn time_zone(text: &str) -> Result<(), &'static str> {
    let known = text.parse::<chrono_tz::Tz>().is_ok();
    if known { Ok(()) } else { Err("Specify a time zone by its IANA name, e.g. Africa/Cairo.") }
}

/// "Specify the start date of scan in mm/dd/yyyy format." The samples hold 31/05/2022, which is not.
pub(crate) fn date(path: &str, text: &str, options: &Options) -> Result<String, Refusal> {
    let refuse = || Refusal::value(path, text, "Specify the start date of scan in mm/dd/yyyy format.");
    let parts: Vec<&str> = text.split('/').collect();
    let [first, second, year] = parts.as_slice() else { return Err(refuse()) };
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(first, 2) && digits(second, 2) && digits(year, 4)) {
        return Err(refuse());
    }
    let numbers = (first.parse::<i8>(), second.parse::<i8>(), year.parse::<i16>());
    let (Ok(first), Ok(second), Ok(year)) = numbers else { return Err(refuse()) };
    let (month, day) = match options.date_order {
        DateOrder::Lenient if first > 12 => (second, first),
        DateOrder::Lenient | DateOrder::Mdy => (first, second),
    };
    let date = jiff::civil::Date::new(year, month, day).map_err(|_| refuse())?;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    if options.past_start_date == PastStartDate::Refused && date < today {
        return Err(Refusal::value(path, text, "Specify a start date that has not passed."));
    }
    Ok(text.to_owned())
}

/// "If isCPSEnabled flag is enabled, you need to provide the following parameters."
pub(crate) fn check(object: &Object, options: &Options) -> Result<(), Refusal> {
    let flag = |name: &str| object.get(name).and_then(serde_json::Value::as_bool).unwrap_or(false);
    let configuration = object.get("connectorScanConfig").and_then(serde_json::Value::as_object);
    let path = "connectorScanConfig.ConnectorScanConfiguration.";
    if let Some(configuration) = configuration {
        check_days(configuration, path)?;
    }
    if !flag("isCPSEnabled") {
        return Ok(());
    }
    let activation = object.get("activation").and_then(serde_json::Value::as_array);
    let vm = activation.is_some_and(|modules| modules.iter().any(|module| module == "VM"));
    if !vm && options.cps_without_vm == CpsWithoutVm::Refused {
        return Err(Refusal::invalid(
            "Field 'isCPSEnabled' needs the activation module VM.",
            "Add VM to 'activation', or disable the cloud perimeter scan.",
        ));
    }
    let custom =
        object.get("connectorScanSetting").and_then(|setting| setting.get("isCustomScanConfigEnabled"));
    let Some(custom) = custom.and_then(serde_json::Value::as_bool) else {
        return Err(Refusal::missing("connectorScanSetting.isCustomScanConfigEnabled"));
    };
    if custom { check_whole(configuration.unwrap_or(&Object::new()), path) } else { Ok(()) }
}

/// "This field is applicable only if the recurrence field is set to WEEKLY": and then a week needs days.
pub(crate) fn check_days(configuration: &Object, path: &str) -> Result<(), Refusal> {
    let recurrence = configuration.get("recurrence").and_then(serde_json::Value::as_str);
    let days = configuration.get("daysOfWeek").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    match recurrence {
        Some("DAILY") if days > 0 => Err(Refusal::invalid(
            format!("Field '{path}daysOfWeek' is not supported with the recurrence DAILY."),
            "This field is applicable only if the recurrence field is set to WEEKLY.",
        )),
        Some("WEEKLY") if days == 0 => Err(Refusal::missing(&format!("{path}daysOfWeek"))),
        _ => Ok(()),
    }
}

/// "You need to provide the following parameters."
pub(crate) fn check_whole(configuration: &Object, path: &str) -> Result<(), Refusal> {
    let needed = ["optionProfileId", "recurrence", "scanPrefix", "startDate", "startTime", "timezone"];
    match needed.iter().find(|name| !configuration.contains_key(**name)) {
        Some(name) => Err(Refusal::missing(&format!("{path}{name}"))),
        None => Ok(()),
    }
}
