//! `trueup template`: what has to be set up in the cloud before a connector can work there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, Format, output, shown};
use crate::connect::connect;
use crate::error::one_line;
use crate::exit::Exit;
use crate::qualys::AwsTemplate;
use crate::resource::{Capability, ConnectorsApi, ExternalId, Partition};

#[derive(Debug, Args)]
pub(super) struct TemplateArgs {
    #[command(subcommand)]
    cloud: CloudArgs,
}

#[derive(Debug, Subcommand)]
enum CloudArgs {
    /// The CloudFormation template of the role that an AWS connector assumes
    Aws(AwsArgs),
}

#[derive(Debug, Args)]
struct AwsArgs {
    /// The application that the connector feeds
    #[arg(long, value_enum, ignore_case = true)]
    capability: CapabilityChoice,
    /// The partition of the account
    #[arg(long, value_enum, default_value_t = CloudChoice::Global)]
    cloud: CloudChoice,
    /// The external id of the role's trust policy, as in US1-1368984-11213331
    #[arg(long, value_name = "ID")]
    external_id: ExternalId,
    /// Write to this file, which must not exist, instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over the file
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "UPPER")]
enum CapabilityChoice {
    /// Asset inventory
    Ai,
    /// Cloud inventory
    Ci,
    /// Cloud security assessment
    Csa,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CloudChoice {
    /// The commercial regions
    Global,
    /// GovCloud
    Gov,
    /// The regions in China
    China,
}

pub(super) async fn run(common: &Common, args: TemplateArgs) -> Exit {
    let TemplateArgs { cloud: CloudArgs::Aws(AwsArgs { capability, cloud, external_id, out, force }) } = args;
    common.start_logs(-1);
    // Said before the platform is asked; that nobody makes the file meanwhile is seen to when it is written.
    if let Some(path) = out.as_deref().filter(|path| !force && path.exists()) {
        return exists(path);
    }
    let wanted = AwsTemplate {
        capability: match capability {
            CapabilityChoice::Ai => Capability::Ai,
            CapabilityChoice::Ci => Capability::Ci,
            CapabilityChoice::Csa => Capability::Csa,
        },
        partition: match cloud {
            CloudChoice::Global => Partition::Aws,
            CloudChoice::Gov => Partition::AwsUsGov,
            CloudChoice::China => Partition::AwsCn,
        },
        external_id,
    };
    let desired = match common.load() {
        Ok(desired) => desired,
        Err(rejected) => return output::reject(Format::Text, &rejected),
    };
    if desired.settings.platform.connectors_api == ConnectorsApi::Cloudview {
        let message =
            "the template is Connectors 3.0's, and the file says platform: {connectors_api: cloudview}";
        let hint =
            "say connectors_api: v3 if the subscription has it, or take the template from the user interface";
        return output::fail(Format::Text, Exit::Failure, message, Some(hint));
    }
    let connection = match connect(&desired.settings, None, None).await {
        Ok(connection) => connection,
        Err(error) => return output::fail(Format::Text, Exit::Failure, &one_line(&error), None),
    };
    let template = connection.reader.aws_template(&wanted).await;
    if let Some(simulator) = connection.simulator {
        simulator.shutdown().await;
    }
    match (template, out) {
        (Err(error), _) => {
            output::fail(Format::Text, Exit::Failure, &one_line(&error), error.hint().as_deref())
        }
        (Ok(template), None) => {
            output::say(&format!("{template}\n"));
            Exit::Success
        }
        (Ok(template), Some(path)) => write(&path, &template, force),
    }
}

fn write(path: &Path, template: &str, force: bool) -> Exit {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options.open(path).and_then(|mut file| file.write_all(format!("{template}\n").as_bytes())) {
        Ok(()) => Exit::Success,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => exists(path),
        Err(error) => {
            let message = format!("could not write {}: {}", shown(path), one_line(&error));
            output::fail(Format::Text, Exit::Failure, &message, None)
        }
    }
}

fn exists(path: &Path) -> Exit {
    let message = format!("{} exists already", shown(path));
    output::fail(Format::Text, Exit::Failure, &message, Some("name another file, or pass --force"))
}
