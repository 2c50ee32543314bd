//! The way to a file over links and directories, some of which may be missing.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links followed on the way to one file: the kernel's own limit.
pub(super) const MAX_LINKS: usize = 40;

/// The way to a file: everything that, if it changed, could make it another file.
#[derive(Debug)]
pub(super) struct Way {
    /// Names in real directories: each directory and link, and the file itself or what is missing first.
    pub(super) steps: Vec<(PathBuf, OsString)>,
    /// The real path, if all of it is there.
    pub(super) end: Option<PathBuf>,
}

impl Way {
    pub(super) fn to(path: &Path) -> Way {
        let mut steps = Vec::new();
        let mut real = PathBuf::from("/");
        // What is still to go, the next last.
        let mut ahead: Vec<OsString> = names(path);
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            if name == ".." {
                real.pop();
                continue;
            }
            let here = real.join(&name);
            let kind = fs::symlink_metadata(&here).map(|metadata| metadata.file_type());
            match kind {
                Ok(kind) if kind.is_symlink() && links < MAX_LINKS => {
                    links += 1;
                    steps.push((real.clone(), name));
                    let Ok(target) = fs::read_link(&here) else { return Way { steps, end: None } };
                    if target.is_absolute() {
                        real = PathBuf::from("/");
                    }
                    ahead.extend(names(&target));
                }
                Ok(kind) if kind.is_dir() => {
                    steps.push((real, name));
                    real = here;
                    if ahead.is_empty() {
                        return Way { steps, end: Some(real) };
                    }
                }
                Ok(_) => {
                    // A file, or one in place of a directory.
                    steps.push((real, name));
                    let end = ahead.is_empty().then_some(here);
                    return Way { steps, end };
                }
                Err(_) => {
                    steps.push((real, name));
                    return Way { steps, end: None };
                }
            }
        }
        Way { steps, end: Some(real) }
    }
}

/// The names in a path, the first last. `..` is kept: behind a link it is not what it looks like.
fn names(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}
