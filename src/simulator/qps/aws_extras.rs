//! What goes with connectors and is no object: the errors of runs in every cloud, and for AWS base accounts and the
//! CloudFormation template.

use serde_json::{Value, json};

use super::NOUNS;
use super::aws::QUALYS_ACCOUNTS;
use super::criteria::{Filter, Operand, Source, by};
use super::out::Out;
use super::refusal::Refusal;
use super::reply::{Envelope, Summary, refuse};
use super::request::ServiceRequest;
use super::route::Call;
use super::tree::Tree;
use crate::simulator::answer::{Answer, Request};
use crate::simulator::http::Shared;

/// A call with an answer of its own.
pub(crate) struct Extra {
    pub(crate) version: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) noun: &'static str,
    pub(crate) methods: &'static [&'static str],
    pub(crate) answer: fn(&Shared, &Request, &Call<'_>, &Envelope) -> Answer,
}

/// The searches are documented as GET with a body, which few clients can send: POST is taken as for every other search.
pub(crate) const EXTRAS: &[Extra] = &[
    Extra {
        version: "3.0",
        verb: "search",
        noun: "awsbaseaccount",
        methods: &["GET", "POST"],
        answer: base_accounts,
    },
    Extra { version: "3.0", verb: "get", noun: "awsbaseaccount", methods: &["GET"], answer: base_account },
    Extra {
        version: "3.0",
        verb: "search",
        noun: "assetdataconnectorerrors",
        methods: &["GET", "POST"],
        answer: errors,
    },
    Extra {
        version: "3.0",
        verb: "download",
        noun: "awscloudformationtemplate",
        methods: &["POST"],
        answer: template,
    },
];

/// The one base account of the subscription.
const BASE_ACCOUNT: &str = "1";

fn base_accounts(_: &Shared, request: &Request, _: &Call<'_>, envelope: &Envelope) -> Answer {
    if let Err(refusal) = ServiceRequest::read(request, "AwsBaseAccount") {
        return refuse(envelope, &refusal);
    }
    let account = |index: usize| Out::Text(QUALYS_ACCOUNTS[index].into());
    let data = Out::Group(vec![
        ("globalAccountId", account(0)),
        ("govAccountId", account(1)),
        ("chinaAccountId", account(2)),
        ("customerGlobalAccount", Out::Flag(false)),
        ("customerGovAccount", Out::Flag(false)),
        ("customerChinaAccount", Out::Flag(false)),
    ]);
    let envelope = envelope.clone().with_schema("version.xsd".to_owned());
    envelope.elements(Summary { count: 1, more: Some(false), last_id: None }, &[("", data)])
}

fn base_account(shared: &Shared, request: &Request, call: &Call<'_>, envelope: &Envelope) -> Answer {
    if call.id == Some(BASE_ACCOUNT) {
        return base_accounts(shared, request, call, envelope);
    }
    let message = "There is no base account with this id in your scope.".to_owned();
    let unknown = Refusal::unknown_id(message, &shared.world().options);
    refuse(envelope, &unknown)
}

/// "Get the list of errors encountered when executing a connector": filtered by the connector's id.
fn errors(shared: &Shared, request: &Request, _: &Call<'_>, envelope: &Envelope) -> Answer {
    let envelope = envelope.clone().with_schema("3.0/am/assetdataconnectorerrors.xsd".to_owned());
    let found = find_errors(shared, request);
    let errors = match found {
        Ok(errors) => errors,
        Err(refusal) => return refuse(&envelope, &refusal),
    };
    let elements: Vec<_> = errors
        .iter()
        .map(|error| {
            let text = |name: &str| Out::Text(error[name].as_str().unwrap_or_default().into());
            let out = Out::Group(vec![("errorMessage", text("errorMessage")), ("created", text("created"))]);
            ("AssetDataConnectorErrors", out)
        })
        .collect();
    let more = (!elements.is_empty()).then_some(false);
    envelope.elements(Summary { count: elements.len(), more, last_id: None }, &elements)
}

fn find_errors(shared: &Shared, request: &Request) -> Result<Vec<Value>, Refusal> {
    let read = ServiceRequest::read(request, "AssetDataConnectorErrors")?;
    let world = shared.world();
    let searchable = [by("id", Operand::Integer, Source::Id)];
    let case = world.options.search_case;
    let checked = read.criteria.iter().map(|criterion| Filter::check(criterion, &searchable, false, case));
    let filters = checked.collect::<Result<Vec<_>, _>>()?;
    let connectors = NOUNS.iter().filter(|noun| noun.field("connectorState").is_some());
    let records = connectors.flat_map(|noun| world.store.starting_at(noun.kind, 0));
    let matching = records.filter(|record| {
        !record.flag("isDeleted") && filters.iter().all(|filter| filter.matches(record, world.store.tags()))
    });
    let errors = matching.filter_map(|record| record.object.get("errors")?.as_array()).flatten();
    let limit = usize::try_from(read.preferences.limit).unwrap_or(usize::MAX);
    Ok(errors.take(limit).cloned().collect())
}

/// A template as CloudFormation takes it, not a ServiceResponse.
fn template(_: &Shared, request: &Request, _: &Call<'_>, envelope: &Envelope) -> Answer {
    let read = ServiceRequest::read(request, "AwsCloudformationTemplate").and_then(|read| wanted(&read));
    let (cloud, external_id) = match read {
        Ok(wanted) => wanted,
        Err(refusal) => return refuse(envelope, &refusal),
    };
    let (partition, account) = match cloud.as_str() {
        "Government" => ("aws-us-gov", QUALYS_ACCOUNTS[1]),
        "China" => ("aws-cn", QUALYS_ACCOUNTS[2]),
        _ => ("aws", QUALYS_ACCOUNTS[0]),
    };
    Answer::json(
        200,
        &json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "The role that a simulated connector would assume",
            "Outputs": {"RoleARN": {"Value": {"Fn::GetAtt": ["ConnectorRole", "Arn"]}}},
            "Resources": {"ConnectorRole": {"Type": "AWS::IAM::Role", "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
                }]},
                "Policies": [{"PolicyName": "ConnectorReads", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Action": ["ec2:DescribeInstances", "ec2:DescribeAddresses", "ec2:DescribeImages"],
                    "Resource": "*",
                }]}}],
            }}},
        }),
    )
}

fn wanted(read: &ServiceRequest) -> Result<(String, String), Refusal> {
    let tree = read.object.as_ref().ok_or_else(|| Refusal::missing("AwsCloudformationTemplate"))?;
    let entries = tree.entries().unwrap_or_default();
    let text = |name: &str| {
        let mut given = entries.iter().filter(|(entry, _)| entry == name);
        match (given.next(), given.next()) {
            (Some((_, Tree::Leaf(leaf))), None) => Ok(leaf.text.trim().to_owned()),
            (_, Some(_)) => Err(Refusal::twice(name)),
            _ => Err(Refusal::missing(name)),
        }
    };
    let accepted = ["awsCloudType", "externalId", "capability"];
    if let Some((unknown, _)) = entries.iter().find(|(name, _)| !accepted.contains(&name.as_str())) {
        return Err(Refusal::unknown_field(unknown, &accepted));
    }
    let (cloud, capability) = (text("awsCloudType")?, text("capability")?);
    if !["Global", "Government", "China"].contains(&cloud.as_str()) {
        return Err(Refusal::value("awsCloudType", &cloud, "Values expected: Global, Government, China."));
    }
    if !super::read::APPS.contains(&capability.as_str()) {
        return Err(Refusal::value("capability", &capability, "Values expected: AI, CI, CSA."));
    }
    Ok((cloud, text("externalId")?))
}
