//! What expectations take and refuse.

use super::*;

#[test]
fn expectations_have_a_name_and_a_bound() {
    for (fields, expected) in [
        ("{name: a, at_least: 1}", &[][..]),
        ("{name: a, at_most: 0, filters: }", &[]),
        ("{name: a, at_least: 5, at_most: 5}", &[]),
        ("{at_least: 1}", &["4:5: `name` is missing | add name: …"]),
        ("{name: \" \", at_least: 1}", &["4:12: an empty name | say what is expected"]),
        ("{name: 1, at_least: 1}", &["4:12: expected a text, found the number 1 | put it in quotes"]),
        ("{name: a}", &["4:5: `a` has no bound | add at_least: …, at_most: …, or both"]),
        ("{name: a, atleast: 1}", &["4:15: unknown key `atleast` | did you mean `at_least`?"]),
        (
            "{name: a, least: 1, at_most: 1}",
            &["4:15: unknown key `least` | accepted are name, at_least, at_most"],
        ),
        (
            "{name: a, at_least: 6, at_most: 5}",
            &["4:25: at_least 6 is more than at_most 5: no count is both | at_least is the lower"],
        ),
        ("{name: a, at_least: -1}", &["4:25: expected a whole number, not negative, found the number -1"]),
        ("{name: a, at_least: some}", &["4:25: expected a whole number, not negative, found `some`"]),
        ("{name: a, at_least: 0}", &["warning 4:25: at_least: 0 is always met | ask for one at least"]),
        ("hosts", &["4:5: expected an entry of expectations (key: value) | accepted are name, at_least"]),
        (
            "{name: a, at_least: 1}\n- {name: b, at_least: 1}\n- {name: a, at_most: 2}",
            &["6:12: the expectation `a` is declared twice, first at"],
        ),
    ] {
        let fields = fields.replace('\n', "\n  ");
        check(&format!("expectations:\n  - {fields}"), expected);
    }
}

#[test]
fn filters_of_expectations_are_held_against_what_the_documents_say() {
    for (filter, expected) in [
        ("field: oci.compute.canonicalRegionName, operator: EQUALS, value: us-ashburn-1", &[][..]),
        ("field: asset.isContainerHost, operator: EQUALS, value: true", &[]),
        ("field: asset.totalMemory, operator: GREATER_THAN_EQUAL, value: 1024", &[]),
        ("field: asset.created, operator: LESSER, value: 2026-01-01", &[]),
        ("field: asset.type, operator: IN, value: [HOST, VM]", &[]),
        ("field: asset.name, operator: CONTAINS, value: \"10\"", &[]),
        ("field: f, operator: EQUAL, value: a", &["7:30: unknown value `EQUAL` | did you mean `EQUALS`?"]),
        (
            "field: f, operator: NOT EQUALS, value: a",
            &["7:30: unknown value `NOT EQUALS` | did you mean `NOT_EQUALS`?"],
        ),
        ("field: f, operator: equals, value: a", &["7:30: unknown value `equals` | did you mean `EQUALS`?"]),
        (
            "field: f, operator: LIKE, value: a",
            &["7:30: unknown value `LIKE` | accepted are EQUALS, NOT_EQUALS, IN"],
        ),
        ("field: f, operator: EQUALS", &["7:9: `value` is missing | add value: …"]),
        (
            "field: f, operator: EQUALS, value: {a: 1}",
            &["7:45: expected a text, a number, true or false, or a list"],
        ),
        (
            "field: f, operator: EQUALS, value: \"\"",
            &["7:45: an empty text: no filter looks for that | give a"],
        ),
        (
            "field: a b, operator: EQUALS, value: a",
            &["7:17: `a b` is no field of the inventory | as in oci."],
        ),
        (
            "field: f, operater: EQUALS, value: a",
            &["7:20: unknown key `operater` | did you mean `operator`?"],
        ),
        ("field: f, operator: EQUALS, value: [a]", &["7:45: EQUALS takes one value | IN takes a list"]),
        ("field: f, operator: IN, value: a", &["7:41: IN takes a list | as in [a, b]"]),
        ("field: f, operator: IN, value: []", &["7:41: an empty list: no asset is one of none | give the"]),
        (
            "field: f, operator: IN, value: [a, \"b,c\"]",
            &["7:45: `b,c` holds a comma, which tells values apart"],
        ),
        (
            "field: f, operator: IN, value: [[a]]",
            &["7:42: expected a text, a number, or true or false, found a list"],
        ),
        (
            "field: f, operator: LESSER, value: true",
            &["7:45: LESSER does not take true or false | EQUALS does"],
        ),
        ("field: f, operator: CONTAINS, value: 10", &["7:47: CONTAINS takes a text | put it in quotes"]),
        (
            "field: f, operator: EQUALS, value: 1.10",
            &["7:45: `1.10` would be sent as 1.1 | put it in quotes"],
        ),
    ] {
        let head = "expectations:\n  - name: a\n    at_least: 1\n    filters:";
        check(&format!("{head}\n      - {{{filter}}}"), expected);
    }
    check(
        "expectations:\n  - name: a\n    at_least: 1\n    filters: [x, {field: f, operator: IN, value: b}]\n",
        &["6:15: expected a map (key: value), found `x`", "6:50: IN takes a list"],
    );
    check(
        "expectations:\n  - name: a\n    at_least: 1\n    filters: {field: f}\n",
        &["6:14: expected a list, found a map"],
    );
}

#[test]
fn expectations_of_included_files_are_appended() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("config.yaml", &format!("{HEAD}include: [more.yaml]\nexpectations: [{{name: a, at_least: 1}}]\n"));
    write("more.yaml", "expectations: [{name: b, at_most: 2}]\n");
    let load = || files::load_in(&directory.path().join("config.yaml"), TODAY, None);
    let names: Vec<String> = load().unwrap().expectations.into_iter().map(|expected| expected.name).collect();
    assert_eq!(names, ["a", "b"]);
    write("more.yaml", "expectations: [{name: a, at_most: 2}]\n");
    let said = said(&load());
    assert!(
        said.contains("the expectation `a` is declared twice, first at") && said.contains("config.yaml:4"),
        "{said}"
    );
}
