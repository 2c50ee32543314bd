//! What stands above the objects: the settings, and the comment that lists what a person has to know and to do.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::yaml;
use crate::desired::Settings;
use crate::desired::settings::{Platform, Pod};
use crate::resource::gcp::ProjectField;
use crate::resource::{CloudviewAuth, ConnectorsApi};
use crate::visible::visible;

/// More of the platform's own objects are counted alone.
const MANY: usize = 10;

/// `version`, how to reach and reconcile the platform, and what else the file says of how it is to be worked with.
pub(super) fn settings(settings: &Settings) -> String {
    let Settings { platform, reconcile, journal, listen, defaulted } = settings;
    let mut out = String::new();
    yaml::pair(&mut out, 0, "version", &json!(1));
    out.push('\n');
    yaml::pair(&mut out, 0, "platform", &self::platform(platform).into());
    out.push('\n');
    yaml::key(&mut out, 0, "reconcile");
    yaml::pair(&mut out, 2, "policy", &json!("dry-run"));
    if let Some(owner) = &reconcile.owner {
        yaml::pair(&mut out, 2, "owner", &json!(owner));
    }
    let journal = journal.as_ref().map_or_else(|| json!("off"), |path| json!(path));
    let listen = listen.map_or_else(|| json!("off"), |address| json!(address));
    let said = [("journal", journal, defaulted.journal), ("listen", listen, defaulted.listen)];
    for (key, value, _) in said.iter().filter(|(_, _, defaulted)| !defaulted) {
        out.push('\n');
        yaml::pair(&mut out, 0, key, value);
    }
    out
}

/// The section as the file has it, less what is the default anyway. Paths are absolute, so that it holds wherever the
/// file goes.
fn platform(platform: &Platform) -> Map<String, Value> {
    let Platform {
        pod,
        name,
        api_url,
        portal_url,
        gateway_url,
        ca_bundle,
        proxy,
        timeout,
        concurrency,
        connectors_api,
        cloudview_auth,
        gcp_project_field,
        subscription,
        username,
        password,
    } = platform;
    let pod = match pod {
        Pod::Simulator => Some("simulator"),
        Pod::Vendor { name, api: _, portal: _, gateway: _ } => Some(*name),
        Pod::Private => name.as_deref(),
    };
    let url = |url: &Option<url::Url>| url.as_ref().map(|url| json!(url.as_str()));
    let timeout = Some(*timeout).filter(|timeout| *timeout != Duration::from_secs(30));
    let fields = [
        ("pod", pod.map(Value::from)),
        ("api_url", url(api_url)),
        ("portal_url", url(portal_url)),
        ("gateway_url", url(gateway_url)),
        ("ca_bundle", ca_bundle.as_ref().map(|path| json!(path))),
        ("proxy", url(proxy)),
        ("timeout", timeout.map(|timeout| json!(format!("{}ms", timeout.as_millis())))),
        ("concurrency", Some(*concurrency).filter(|number| *number != 8).map(Value::from)),
        (
            "connectors_api",
            Some(connectors_api.word())
                .filter(|word| *word != ConnectorsApi::default().word())
                .map(Value::from),
        ),
        (
            "cloudview_auth",
            Some(cloudview_auth.word())
                .filter(|word| *word != CloudviewAuth::default().word())
                .map(Value::from),
        ),
        (
            "gcp_project_field",
            Some(gcp_project_field.name())
                .filter(|name| *name != ProjectField::default().name())
                .map(Value::from),
        ),
        ("subscription", subscription.as_ref().map(|id| json!(id))),
        ("username", username.as_ref().map(|reference| json!(reference))),
        ("password", password.as_ref().map(|reference| json!(reference))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The comment at the top of the file.
pub(super) fn comment(draft: &Draft<'_>, platform: &str) -> String {
    let mut text = format!(
        "What is live on {platform}, written by trueup export. A plan with this file finds nothing to change.\n\
         Fields that an entry leaves out are not managed: neither compared nor written.\n"
    );
    failed(draft, &mut text);
    secrets(draft, &mut text);
    left_out(draft, &mut text);
    not_exported(draft, &mut text);
    let mut out = String::new();
    yaml::comment(&mut out, 0, &text);
    out.push('\n');
    out
}

fn failed(draft: &Draft<'_>, text: &mut String) {
    if !draft.failed.is_empty() {
        text.push_str("\nCould not be read, and is missing here:\n");
    }
    for (kind, error) in &draft.failed {
        let _ = writeln!(text, "  {kind}: {}", visible(error));
    }
}

fn secrets(draft: &Draft<'_>, text: &mut String) {
    let kept = || draft.entries.iter().filter(|entry| entry.withheld.is_none());
    let mut required = String::new();
    let mut optional = String::new();
    for entry in kept() {
        let address = visible(&entry.address.to_string());
        for (field, reference) in entry.secrets(entry.address.kind.fields()) {
            let name = reference["env"].as_str().unwrap_or_default();
            let _ = writeln!(required, "  {name}: {field} of {address}");
        }
        for (field, _) in &entry.advised {
            let _ = writeln!(optional, "  {field} of {address}");
        }
    }
    if !required.is_empty() {
        text.push_str(
            "\nSecrets, which the platform never shows: set these variables, or point to a file, a credential or a \
             command instead:\n",
        );
        text.push_str(&required);
    }
    if !optional.is_empty() {
        text.push_str("\nSecrets that the object may have: take the line out of its comment if so:\n");
        text.push_str(&optional);
    }
}

fn left_out(draft: &Draft<'_>, text: &mut String) {
    // Whether the file needs it; then the field and why, each with its objects.
    let mut by_reason: BTreeMap<bool, BTreeMap<(&str, &str), Vec<String>>> = BTreeMap::new();
    for entry in draft.entries.iter().filter(|entry| entry.withheld.is_none()) {
        for left_out in &entry.left_out {
            let needed = entry.fields.contains_key(&left_out.field);
            let reasons = by_reason.entry(!needed).or_default();
            let addresses = reasons.entry((&left_out.field, &left_out.why)).or_default();
            addresses.push(visible(&entry.address.to_string()));
        }
    }
    for (can_wait, reasons) in by_reason {
        text.push_str(if can_wait {
            "\nFields that are left out; fill them in if they are to be managed:\n"
        } else {
            "\nFields that have to be filled in:\n"
        });
        for ((field, why), addresses) in reasons {
            let _ = writeln!(text, "  {field} ({}):", visible(why));
            for address in addresses {
                let _ = writeln!(text, "    {address}");
            }
        }
    }
}

fn not_exported(draft: &Draft<'_>, text: &mut String) {
    let withheld: Vec<_> = draft.entries.iter().filter(|entry| entry.withheld.is_some()).collect();
    if !withheld.is_empty() {
        text.push_str("\nNot exported, but shown below as comments:\n");
    }
    for entry in withheld {
        let why = entry.why_withheld().unwrap_or_default();
        let _ = writeln!(text, "  {}", visible(&format!("{} (id {}): {why}", entry.address, entry.id)));
    }
    if !draft.platforms_own.is_empty() || !draft.impossible.is_empty() || !draft.lacking.is_empty() {
        text.push_str("\nNot exported:\n");
    }
    for ((kind, why), names) in &draft.platforms_own {
        let shown: Vec<String> =
            names.iter().take(MANY).map(|name| visible(&format!("{kind}/{name}"))).collect();
        let more =
            if names.len() > MANY { format!(", and {} more", names.len() - MANY) } else { String::new() };
        let _ = writeln!(text, "  {}{more}: {}", shown.join(", "), visible(why));
    }
    for (kind, why) in &draft.impossible {
        let _ = writeln!(text, "  {}: {why}", kind.section_path());
    }
    for (kind, error) in &draft.lacking {
        let _ =
            writeln!(text, "  {}: there seems to be no such thing: {}", kind.section_path(), visible(error));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::date;

    use crate::desired::{load_text, settings::Mode};

    #[test]
    fn the_settings_of_the_platform_are_read_back_as_they_were() {
        let file = Path::new("/etc/trueup/config.yaml");
        for platform in [
            "{pod: simulator}",
            "{pod: US3, username: {env: U}, password: {command: [op, read, \"op://x/y z\"]}}",
            "{api_url: https://qualysapi.example.com, portal_url: https://p.example.com, username: {file: u}, \
             password: {credential: pw}, timeout: 1m30s, concurrency: 3, ca_bundle: ca.pem, \
             proxy: http://proxy.example.com:3128, subscription: f972e2cc-69d6-4ebd-80e6-76eaaa5ba6a6}",
        ] {
            let text =
                format!("version: 1\nplatform: {platform}\nreconcile: {{policy: enforce, owner: me}}\n");
            let read = load_text(file, &text, date(2026, 1, 1)).unwrap().settings;
            let written = super::settings(&read);
            // Another folder: paths are absolute.
            let again = load_text(Path::new("/tmp/export.yaml"), &written, date(2026, 1, 1));
            let again =
                again.unwrap_or_else(|rejected| panic!("{:?}\n{written}", rejected.problems)).settings;
            assert_eq!(again.platform, read.platform, "{written}");
            assert_eq!(again.reconcile.policy, Mode::DryRun);
            assert_eq!(again.reconcile.owner.as_deref(), Some("me"));
        }
    }

    #[test]
    fn the_journal_and_the_port_are_those_of_the_file_where_it_names_them() {
        let file = Path::new("/etc/trueup/config.yaml");
        for (said, journal, listen) in [
            ("", Some("/tmp/trueup.db"), Some("127.0.0.1:9464")),
            ("journal: state.db\nlisten: 0.0.0.0:80\n", Some("/etc/trueup/state.db"), Some("0.0.0.0:80")),
            ("journal: off\nlisten: off\n", None, None),
        ] {
            let text = format!("version: 1\nplatform: {{pod: simulator}}\n{said}");
            let written = super::settings(&load_text(file, &text, date(2026, 1, 1)).unwrap().settings);
            let again =
                load_text(Path::new("/tmp/export.yaml"), &written, date(2026, 1, 1)).unwrap().settings;
            assert_eq!(again.journal.as_deref(), journal.map(Path::new), "{written}");
            assert_eq!(again.listen.map(|address| address.to_string()).as_deref(), listen, "{written}");
        }
    }
}
