//! The `fields` parameter of get and search: "Multiple fields are comma separated and wildcards are supported"
//! (Limit your results).

use super::out::Out;

/// The paths that an answer is limited to; none for everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Projection(Vec<Vec<String>>);

impl Projection {
    pub(crate) fn read(fields: Option<&str>) -> Self {
        let paths = fields.unwrap_or_default().split(',').map(str::trim).filter(|path| !path.is_empty());
        Self(paths.map(|path| path.split('.').map(str::to_owned).collect()).collect())
    }

    /// Limits an object to the paths.
    pub(crate) fn limit<'a>(&self, out: Out<'a>) -> Out<'a> {
        if self.0.is_empty() {
            return out;
        }
        let paths: Vec<&[String]> = self.0.iter().map(Vec::as_slice).collect();
        keep(out, &paths).unwrap_or(Out::Group(Vec::new()))
    }
}

/// What is left of an element; `None` if nothing is.
fn keep<'a>(out: Out<'a>, paths: &[&[String]]) -> Option<Out<'a>> {
    // A path that ends here takes all that is below.
    if paths.iter().any(|path| path.is_empty()) {
        return Some(out);
    }
    match out {
        Out::Text(_) | Out::Lines(_) | Out::Number(_) | Out::Flag(_) => None,
        Out::Group(members) => {
            let kept: Vec<_> = members
                .into_iter()
                .filter_map(|(name, value)| Some((name, keep(value, &below(paths, name))?)))
                .collect();
            (!kept.is_empty()).then_some(Out::Group(kept))
        }
        Out::Items { list, item, items } => {
            let in_list = below(paths, "list");
            if in_list.iter().any(|path| path.is_empty()) {
                return Some(Out::Items { list, item, items });
            }
            // The JSON form of some lists has no `list` level, so that both spellings of the path mean the same.
            let mut inner = below(&in_list, item);
            inner.extend(below(paths, item));
            let kept: Vec<_> = items.into_iter().filter_map(|value| keep(value, &inner)).collect();
            (!kept.is_empty()).then_some(Out::Items { list, item, items: kept })
        }
    }
}

fn below<'p>(paths: &[&'p [String]], name: &str) -> Vec<&'p [String]> {
    let matching = paths.iter().filter_map(|path| path.split_first());
    matching.filter(|(first, _)| fits(first, name)).map(|(_, rest)| rest).collect()
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => {
            let Some(left) = name.strip_prefix(start) else { return false };
            rest.is_empty() || (0..=left.len()).any(|at| left.get(at..).is_some_and(|tail| fits(rest, tail)))
        }
    }
}
