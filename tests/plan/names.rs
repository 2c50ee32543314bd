//! Which live object an entry means: by identity, by name, by the account, by what the journal knows.

use trueup::plan::{Known, KnownObject};
use trueup::resource::Kind;

use crate::{
    A, APPLICATION, SUBSCRIPTION, assert_lines, aws, azure, check, desired, known_after,
    known_to_have_written, live, live_aws, live_azure, plan_of,
};

#[test]
fn a_rename_is_an_update() {
    check(
        &aws(""),
        &format!("- {{kind: aws, id: 1, name: old, arn: '{A}'}}"),
        "
        ~ aws/a
            name: \"old\" -> \"a\"",
    );
}

#[test]
fn a_new_role_in_the_same_account_is_an_update_where_the_account_is_unique() {
    let other = "arn:aws:iam::111111111111:role/Other";
    let row = |id: u8| format!("- {{kind: aws, id: {id}, name: a{id}, arn: '{other}{id}'}}\n");
    check(
        &aws(""),
        &row(1),
        "
        ~ aws/a
            name: \"a1\" -> \"a\"
            arn: \"arn:aws:iam::111111111111:role/Other1\" -> \"arn:aws:iam::111111111111:role/Q\"",
    );
    check(
        &aws(""),
        &(row(1) + &row(2)),
        "
        + aws/a
        o aws/a1 unmanaged
        o aws/a2 unmanaged",
    );
}

#[test]
fn two_live_objects_of_one_identity_are_an_error_and_neither_is_touched() {
    let twice = live_aws("enabled: true") + "\n" + &live_aws("enabled: true").replace("id: 1", "id: 2");
    check(
        &aws("enabled: false"),
        &twice,
        &format!(
            "
        x aws/a: 2 live objects have its identity {A}: ids 1, 2; neither is touched"
        ),
    );
}

#[test]
fn a_name_used_twice_makes_the_identity_part_of_the_address() {
    let wanted = format!("connectors: {{aws: [{{name: a, arn: '{A}'}}, {{name: a, arn: '{A}2'}}]}}");
    check(
        &wanted,
        "[]",
        &format!(
            "
        + aws/a#{A}
        + aws/a#{A}2"
        ),
    );
    check(
        &aws(""),
        &(live_aws("") + &format!("\n- {{kind: aws, id: 2, name: a, arn: '{A}2'}}")),
        &format!(
            "
        o aws/a#{A}2 unmanaged"
        )
        .replace("\n          ", "\n  "),
    );
}

#[test]
fn an_object_that_the_journal_knows_is_not_taken_for_another_one() {
    // Its answers do not tell its subscription, and the journal knows that it is the first one.
    let is = live("- {kind: azure, id: 1, name: a, not: {subscription_id: null}}");
    let first = desired(&azure(""));
    let other = desired(&azure("").replace(SUBSCRIPTION, "0d0d0d0d-1111-4222-8333-444444444444"));
    let known = known_to_have_written(&first, &live(&live_azure("")), "{}");
    assert_lines(&plan_of(&first, &is, &known), "");
    let held = "+ azure/a held: 1 live azure do not tell their identity (ids 1): one of them may be it\n\
                u azure/#1: its answer has no subscription_id";
    assert_lines(&plan_of(&other, &is, &Known::default()), held);
    assert_lines(&plan_of(&other, &is, &known), "+ azure/a\no azure/a#1 unmanaged");
}

/// The answer to a create shows the record of an Azure connector empty, and other answers may.
#[test]
fn a_connector_whose_answer_does_not_tell_its_subscription_is_found_by_id_or_by_hint() {
    let wanted = azure(&format!("application_id: {APPLICATION}, enabled: false"));
    let row = |id: u8, more: &str| {
        format!(
            "- {{kind: azure, id: {id}, name: n{id}, enabled: false, not: {{application_id: null}}, {more}}}\n"
        )
    };
    let renamed = |id: u8, cause: &str| {
        format!("~ azure/a{cause}\n    name: \"n{id}\" -> \"a\"\n? azure/a: application_id")
    };
    // Nobody knows which one it is: a create could make a double.
    check(
        &wanted,
        &row(1, ""),
        "+ azure/a held: 1 live azure do not tell their identity (ids 1): one of them may be it\n\
         u azure/#1: its answer has no subscription_id",
    );
    let hint = format!("hint: {SUBSCRIPTION}");
    check(&wanted, &row(1, &hint), &renamed(1, ""));
    // The application, which many subscriptions share, is no subscription.
    let shared = format!("hint: {APPLICATION}");
    let both = row(1, &shared) + &row(2, &shared);
    check(
        &wanted,
        &both,
        "+ azure/a held: 2 live azure do not tell their identity (ids 1, 2): one of them may be it\n\
         u azure/#1: its answer has no subscription_id\nu azure/#2: its answer has no subscription_id",
    );
    // Two with one hint tell nothing.
    let twice = row(1, &hint) + &row(2, &hint);
    check(
        &wanted,
        &twice,
        "+ azure/a held: 2 live azure do not tell their identity (ids 1, 2): one of them may be it\n\
         u azure/#1: its answer has no subscription_id\nu azure/#2: its answer has no subscription_id",
    );

    // The journal knows the id, and what was written.
    let file = desired(&wanted);
    let told =
        live_azure(&format!("enabled: false, application_id: {APPLICATION}")).replace("id: 1", "id: 2");
    let written = format!(r#"{{"application_id": "{APPLICATION}"}}"#);
    let known = known_to_have_written(&file, &live(&told), &written);
    let untold = live(&(row(1, "") + &row(2, "")));
    assert_lines(
        &plan_of(&file, &untold, &known),
        "~ azure/a Drift\n    name: \"n2\" -> \"a\"\nu azure/#1: its answer has no subscription_id",
    );
}

#[test]
fn an_organization_connector_that_we_did_not_make_is_no_former_self_of_another_name() {
    let wanted = |name: &str| {
        desired(&format!(
            "reconcile: {{replace: allowed}}\nazure_organizations:
  - {{name: {name}, tenant_id: 22222222-2222-4222-8222-222222222222, tenant_name: T,
     application_id: 33333333-3333-4333-8333-333333333333, secret: {{env: NO_SUCH_SECRET}}, connector_prefix: p,
     capabilities: [AI], org_run_frequency: 4h, connector_run_frequency: 4h}}\n"
        ))
    };
    let theirs = live(
        "[{kind: azure_organization, id: 7, name: theirs, tenant_id: 22222222-2222-4222-8222-222222222222}]",
    );
    let seen = |known: &Known| {
        let plan = plan_of(&wanted("ours"), &theirs, known);
        let changes = plan.changes.iter().map(|change| (change.action.word(), change.id.clone()));
        (changes.collect::<Vec<_>>(), plan.unmanaged.len())
    };
    assert_eq!(seen(&Known::default()), (vec![("create", None)], 1));
    // The file once named it so, but we did not make it; then we did.
    let mut known = known_after(&wanted("theirs"), &theirs);
    assert_eq!(seen(&known), (vec![("create", None)], 1));
    known.objects.values_mut().for_each(|object| object.ours = true);
    assert_eq!(seen(&known), (vec![("replace", Some("7".to_owned()))], 0));
    // And it knows the entry by an object of its own, which is gone.
    let (_, former) = known.objects.iter().next().unwrap();
    let own = KnownObject { identity: former.identity.replace("theirs", "ours"), ..former.clone() };
    known.objects.insert((Kind::AzureOrganization, "8".to_owned()), own);
    // What we made stays, held by prune: never.
    assert_eq!(seen(&known), (vec![("create", None), ("delete", Some("7".to_owned()))], 0));
}
