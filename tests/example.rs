//! The example that every newcomer starts from: it loads, every line that is commented out works, and its plan
//! shows what there is to see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/bin.rs"]
mod bin;

use bin::{Folder, example, warnings};
use serde_json::json;

/// The lines behind a `#` without a space, which the example says are valid as well: their numbers from 0.
fn optional_lines(text: &str) -> Vec<usize> {
    let is_optional = |line: &str| {
        line.trim_start()
            .strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|next: char| !next.is_whitespace()))
    };
    text.lines().enumerate().filter(|(_, line)| is_optional(line)).map(|(number, _)| number).collect()
}

/// The text with these lines taken out of their comments.
fn with_lines(text: &str, numbers: &[usize]) -> String {
    let lines = text.lines().enumerate().map(|(number, line)| {
        if numbers.contains(&number) { line.replacen('#', "", 1) } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn it_is_valid_without_a_warning() {
    let folder = Folder::with(&example());
    let valid = folder.expect(0, &["validate", "--format", "json"]).document("trueup.validate/v1");
    assert_eq!((&valid["declared"], &valid["files"]), (&json!(16), &json!(1)));
    assert_eq!(warnings(&valid), [json!(null); 0]);
}

#[test]
fn every_line_that_is_commented_out_is_valid_when_it_is_not() {
    let text = example();
    let optional = optional_lines(&text);
    assert!(optional.len() > 20, "{optional:?}");
    let folder = Folder::with("");
    folder.write("connectors/more.yaml", "tags: [{name: more}]\n");
    for &number in &optional {
        folder.write("config.yaml", &with_lines(&text, &[number]));
        let line = text.lines().nth(number).unwrap();
        let valid = folder.run(&["validate"]);
        assert_eq!(valid.code, 0, "{line}\n{valid}");
    }
    // Some are of use beside others alone, and say so.
    folder.write("config.yaml", &with_lines(&text, &optional));
    let valid = folder.expect(0, &["validate", "--format", "json"]);
    assert_eq!(warnings(&valid.json()), [json!(null); 0]);
}

#[test]
fn a_line_that_is_commented_out_would_be_found_if_it_were_wrong() {
    let text = example().replace("#connectors_api: v3", "#connectors_apy: v3");
    let folder = Folder::with(&with_lines(&text, &optional_lines(&text)));
    let wrong = folder.expect(78, &["validate"]);
    assert!(wrong.stderr.contains("connectors_apy") && wrong.stderr.contains("in 1 place"), "{wrong}");
}

#[test]
fn the_values_it_gives_as_defaults_are_the_defaults() {
    let text = example();
    let begin = text.find("\nreconcile:").unwrap();
    let end = begin + text[begin..].find("\n\n").unwrap();
    let without = format!("{}\n{}", &text[..begin], &text[end..]);
    // What a default decides shows in the plan: its policy, its limits, what is held.
    let plan = |text: &str| {
        let folder = Folder::with(&text.replace("listen: 127.0.0.1:9464", "listen: 127.0.0.1:0"));
        let mut plan = folder.expect(0, &["plan", "--format", "json"]).json();
        let plan = plan.as_object_mut().unwrap();
        plan.remove("generated_at");
        plan.insert("warnings".to_owned(), warnings(&plan.clone().into()).into());
        // Their reasons name lines of the file, and runs come next as time passes.
        for change in plan["changes"].as_array_mut().unwrap() {
            change.as_object_mut().unwrap().retain(|name, _| name != "reason" && name != "next_runs");
        }
        plan.clone()
    };
    assert_eq!(plan(&without), plan(&text));
}

#[test]
fn its_plan_shows_a_create_an_update_and_something_unmanaged() {
    let folder = Folder::example();
    let summary = folder.expect(0, &["plan", "--format", "json"]).json()["summary"].clone();
    for (what, at_least) in [("create", 1), ("update", 1), ("unmanaged", 1), ("unchanged", 1)] {
        assert!(summary[what].as_u64() >= Some(at_least), "{what}: {summary}");
    }
    for (what, none) in [("delete", 0), ("replace", 0), ("failed", 0), ("held", 0)] {
        assert_eq!(summary[what], none, "{what}: {summary}");
    }
    let text = folder.expect(0, &["plan", "--show-unmanaged"]).stdout;
    for line in ["+ aws/prod-payments ", "~ aws/prod-web ", "aws/sandbox"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
