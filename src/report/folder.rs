//! Where files of reports go. A file appears whole and under a name that nobody has: it is written beside its place,
//! and what is there already is never written over.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::{Made, NotMade};
use crate::resource::AssessmentReport;

/// How many files of one report and one second there may be.
const MOST_TURNS: u32 = 100;

/// Makes the folder if it is missing, and makes sure that a file can be written there, before the platform is put to
/// work for nothing.
pub(super) async fn prepare(folder: &Path) -> Result<(), NotMade> {
    in_folder(folder, |folder| {
        // What the reports say of the cloud is for those whom the owner lets in.
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        beside(folder).map(drop)
    })
    .await
}

/// Puts the file in place, readable for its owner alone.
pub(super) async fn put(report: &AssessmentReport, at: Timestamp, content: Bytes) -> Result<Made, NotMade> {
    let report = report.clone();
    in_folder(&report.download_to.clone(), move |folder| {
        let mut file = beside(folder)?;
        file.write_all(&content)?;
        file.as_file().sync_all()?;
        for turn in 0..MOST_TURNS {
            let path = folder.join(report.file_name(at, turn));
            match file.persist_noclobber(&path) {
                Ok(_) => {
                    File::open(folder)?.sync_all()?;
                    return Ok(Made { file: path, bytes: content.len() as u64 });
                }
                Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => file = taken.file,
                Err(failed) => return Err(failed.error),
            }
        }
        Err(io::Error::new(ErrorKind::AlreadyExists, "all names of this second are taken"))
    })
    .await
}

/// A file that is gone with its handle, and that nobody else can read.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".trueup-").suffix(".part").tempfile_in(folder)
}

/// Disks may be slow.
async fn in_folder<T: Send + 'static>(
    folder: &Path,
    doing: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, NotMade> {
    let folder: PathBuf = folder.to_owned();
    let wrong = folder.clone();
    let done = tokio::task::spawn_blocking(move || doing(&folder)).await;
    let done = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    done.map_err(|source| NotMade::Folder { folder: wrong, source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn report(folder: &Path) -> AssessmentReport {
        AssessmentReport { download_to: folder.to_owned(), ..AssessmentReport::example() }
    }

    #[tokio::test]
    async fn a_file_never_lies_over_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let report = report(&dir.path().join("made/here"));
        prepare(&report.download_to).await.unwrap();
        let at = "2026-11-23T06:00:00Z".parse().unwrap();
        let mut files = Vec::new();
        for content in ["one", "two", "three"] {
            let made = put(&report, at, Bytes::from(content)).await.unwrap();
            assert_eq!(made.bytes, content.len() as u64);
            files.push((made.file, content));
        }
        for (file, content) in &files {
            assert_eq!(std::fs::read_to_string(file).unwrap(), *content);
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        let names: Vec<_> =
            files.iter().map(|(file, _)| file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "gcp-weekly-20261123T060000Z.pdf",
                "gcp-weekly-20261123T060000Z-2.pdf",
                "gcp-weekly-20261123T060000Z-3.pdf"
            ]
        );
        let all = std::fs::read_dir(&report.download_to).unwrap().count();
        assert_eq!(all, 3, "nothing else is left");
        let mode = std::fs::metadata(&report.download_to).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let error = prepare(&dir.path().join("file/reports")).await.unwrap_err().to_string();
        assert!(
            error.starts_with("could not put the report into ") && error.contains("file/reports"),
            "{error}"
        );
    }
}
