//! Many objects at once: comparing goes over several threads, and every difference stays with its object.

use std::collections::BTreeMap;

use trueup::plan::{Action, Known};

use crate::{A, desired, live, many, plan_of};

#[test]
fn each_of_many_differences_stands_under_its_own_address() {
    const MANY: usize = 1500;
    // Of every third nothing differs, so that what is found comes at no regular distance.
    let name = |n: usize| if n.is_multiple_of(3) { format!("n{n}") } else { format!("new-{n}") };
    let entries: String = (0..MANY)
        .fold(String::new(), |all, n| all + &format!("    - {{name: {}, arn: '{A}{n}'}}\n", name(n)));
    let file = desired(&format!("connectors:\n  aws:\n{entries}"));
    let plan = plan_of(&file, &live(&many(MANY)), &Known::default());
    let changed: BTreeMap<String, usize> =
        (0..MANY).filter(|n| n % 3 != 0).map(|n| (format!("aws/{}", name(n)), n)).collect();
    assert_eq!((plan.changes.len(), plan.unchanged.len()), (changed.len(), MANY / 3));
    for change in &plan.changes {
        let n = changed[&change.address.to_string()];
        assert_eq!((change.action, change.id.as_deref()), (Action::Update, Some(n.to_string().as_str())));
        let fields: Vec<_> =
            change.fields.iter().map(|field| (&field.path[..], field.before.clone())).collect();
        assert_eq!(fields, [("name", format!("n{n}").into())], "{}", change.address);
    }
}
