//! Secrets in what the control calls show: masked, unless the simulator was started to show them. People load their real
//! files into it, and what is shown is easily read or copied by others.

use serde_json::Value;

/// What stands for a secret.
const MASK: &str = "********";

/// The members that hold secrets, in the plain form of objects and in the requests of every family.
const SECRETS: [&str; 7] = [
    "authenticationKey",
    "privateKey",
    "private_key",
    "private_key_id",
    "passphrase",
    "secretValue",
    "password",
];

/// Masks the secrets in what a control call shows; the bodies of requests are looked into.
pub(crate) fn mask(shown: &mut Value) {
    match shown {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                match value {
                    Value::Null => {}
                    Value::String(text) if text.is_empty() => {}
                    Value::String(body) if name == "body" => mask_body(body),
                    value if SECRETS.contains(&name.as_str()) => *value = MASK.into(),
                    value => mask(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Masks the secrets in a request's body. What is no JSON, and speaks of one, is masked whole.
fn mask_body(body: &mut String) {
    if !SECRETS.iter().any(|name| body.contains(name)) {
        return;
    }
    *body = match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            mask(&mut value);
            value.to_string()
        }
        Err(_) => MASK.to_owned(),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand_and_nothing_else_is() {
        let form = "username=u&password=s3cret";
        let xml = "<privateKey>s3cret</privateKey>";
        let inner =
            json!({"data": {"authRecord": {"authenticationKey": "s3cret", "project_id": "p"}}}).to_string();
        let mut shown = json!({
            "objects": [{"object": {"name": "a", "privateKey": "s3cret", "passphrase": "", "list": [{"secretValue": 7}]}}],
            "requests": [{"body": form}, {"body": xml}, {"body": inner}, {"body": "<name>a</name>"}, {"body": ""}],
            "private_key": null,
        });
        mask(&mut shown);
        assert_eq!(
            shown,
            json!({
                "objects": [{"object": {"name": "a", "privateKey": MASK, "passphrase": "", "list": [{"secretValue": MASK}]}}],
                "requests": [
                    {"body": MASK}, {"body": MASK},
                    {"body": json!({"data": {"authRecord": {"authenticationKey": MASK, "project_id": "p"}}}).to_string()},
                    {"body": "<name>a</name>"}, {"body": ""},
                ],
                "private_key": null,
            })
        );
    }
}
