//! The template of the role that a connector assumes.

use serde_json::json;

use crate::bin::{Folder, Simulator};

#[test]
fn the_template_of_a_role_is_printed_or_written_to_a_new_file() {
    let folder = Folder::example();
    let id = "US1-1368984-11213331";
    for (cloud, principal) in [
        (&[][..], "arn:aws:iam::"),
        (&["--cloud", "global"], "arn:aws:iam::"),
        (&["--cloud", "gov"], "arn:aws-us-gov:iam::"),
        (&["--cloud", "china"], "arn:aws-cn:iam::"),
    ] {
        for capability in ["AI", "CI", "csa"] {
            let args =
                [&["template", "aws", "--capability", capability, "--external-id", id], cloud].concat();
            let template = folder.expect(0, &args);
            assert_eq!(template.stderr, "");
            let role =
                &template.json()["Resources"]["ConnectorRole"]["Properties"]["AssumeRolePolicyDocument"];
            let statement = &role["Statement"][0];
            assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], id, "{args:?} {template}");
            assert!(
                statement["Principal"]["AWS"].as_str().unwrap().starts_with(principal),
                "{args:?} {template}"
            );
        }
    }
    let aws = ["template", "aws", "--capability", "CSA", "--external-id", id];
    let printed = folder.expect(0, &aws);
    let to_file = [&aws[..], &["--out", "role.json"]].concat();
    let written = folder.expect(0, &to_file);
    assert_eq!((written.stdout.as_str(), written.stderr.as_str()), ("", ""));
    assert_eq!(folder.read("role.json"), printed.stdout);

    folder.write("role.json", "mine");
    let refused = folder.expect(1, &to_file);
    assert_eq!(refused.stderr, "error: role.json exists already\nhint: name another file, or pass --force\n");
    assert_eq!(folder.read("role.json"), "mine");
    folder.expect(0, &[&to_file[..], &["--force"]].concat());
    assert_eq!(folder.read("role.json"), printed.stdout);
    let nowhere = folder.expect(1, &[&aws[..], &["--out", "no/such/role.json"]].concat());
    assert!(nowhere.stderr.starts_with("error: could not write no/such/role.json: "), "{nowhere}");
}

#[test]
fn an_answer_that_is_no_template_is_1_and_readable() {
    let folder = Folder::example();
    let simulator = Simulator::beside(&folder, &[]);
    let aws = [
        "template",
        "aws",
        "--capability",
        "AI",
        "--external-id",
        "US1-1368984-11213331",
        "--out",
        "role.json",
    ];
    let refusal = json!({"ServiceResponse": {"responseCode": "INVALID_REQUEST",
        "responseErrorDetails": {"errorMessage": "No such thing.", "errorResolution": "Ask again."}}});
    for (fault, said) in [
        (
            json!({"kind": "status", "status": 200, "body": refusal}),
            "INVALID_REQUEST: No such thing (Ask again)",
        ),
        (
            json!({"kind": "status", "status": 400, "body": refusal}),
            "INVALID_REQUEST: No such thing (Ask again)",
        ),
        (
            json!({"kind": "status", "status": 200, "body": {"ServiceResponse": {"responseCode": "SUCCESS"}}}),
            "SUCCESS",
        ),
        (json!({"kind": "status", "status": 200, "body": {"Outputs": {}}}), "JSON without a reason"),
        (json!({"kind": "html"}), "an HTML page"),
        (json!({"kind": "empty", "status": 200}), "an empty answer"),
    ] {
        let mut fault = fault;
        (fault["path"], fault["times"]) = (json!("awscloudformationtemplate"), json!(0));
        simulator.fault(&fault);
        let failed = folder.expect(1, &aws);
        let first = failed.stderr.lines().next().unwrap();
        assert!(first.starts_with("error: could not download awscloudformationtemplate: "), "{failed}");
        assert!(first.contains(said), "{fault}: {failed}");
        assert_eq!(failed.stdout, "");
        assert!(!folder.path("role.json").exists(), "{fault}");
        simulator.end_faults();
    }
}
