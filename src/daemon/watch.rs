//! Notices when the desired state's files change.
//!
//! What is watched are directories, since editors replace files (write beside, rename over) and Kubernetes
//! replaces a whole directory by swapping one symbolic link. For each file these are: the directory of every
//! link on the way to it, and the one that it really is in; where something is missing, the last directory
//! that is there. For each pattern of `include` they are those in which a match could appear.
//!
//! An event only says "look again". Once the events have settled, the files' content decides: what was
//! touched, or written as it was, makes no trigger. Where the system has no watches left, and beside network
//! file systems that report nothing, the content alone is compared, every ten seconds.
//!
//! All of this runs on one thread of its own, which sleeps until the system reports something.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use glob::Pattern;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::triggers::{Sender, Trigger};

/// How long no event may come before the files are looked at.
const QUIET: Duration = Duration::from_millis(100);
/// How long they are waited for at most, however many events come.
const PATIENCE: Duration = Duration::from_millis(800);
/// How often the content is compared where the system does not report changes.
const POLL: Duration = Duration::from_secs(10);
/// Links followed on the way to one file: the kernel's own limit.
const MAX_LINKS: usize = 40;

/// Watches the desired state's files, until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    messages: mpsc::Sender<Message>,
}

/// The thread that watches could not be started.
#[derive(Debug, thiserror::Error)]
#[error("could not start watching files")]
pub struct WatchError(#[from] io::Error);

#[derive(Debug)]
enum Message {
    Event(notify::Result<notify::Event>),
    Follow { files: Vec<PathBuf>, globs: Vec<String>, done: oneshot::Sender<()> },
    End,
}

impl Watcher {
    /// Follows nothing yet. Where the system cannot report changes, says so once and polls.
    pub fn new(triggers: Sender) -> Result<Watcher, WatchError> {
        let (messages, inbox) = mpsc::channel();
        let events = messages.clone();
        let notify = notify::recommended_watcher(move |event| {
            // An error means that the thread has ended, and nobody wants to know.
            let _ = events.send(Message::Event(event));
        });
        Watcher::start(triggers, notify, POLL, messages, inbox)
    }

    fn start(
        triggers: Sender,
        notify: notify::Result<RecommendedWatcher>,
        poll: Duration,
        messages: mpsc::Sender<Message>,
        inbox: Receiver<Message>,
    ) -> Result<Watcher, WatchError> {
        let mut watch = Watch {
            notify: None,
            triggers,
            files: BTreeSet::new(),
            globs: Vec::new(),
            interests: BTreeMap::new(),
            watched: BTreeMap::new(),
            print: Fingerprint::default(),
            poll,
            polling: false,
        };
        match notify {
            Ok(notify) => watch.notify = Some(notify),
            Err(error) => watch.poll_instead(&error),
        }
        thread::Builder::new().name("watch".to_owned()).spawn(move || watch.run(&inbox))?;
        Ok(Watcher { messages })
    }

    /// Follows these files, which need not exist, and what matches these patterns, instead of those before.
    ///
    /// Returns as soon as no change can be missed. What changed since a file was last looked at makes a
    /// trigger, also when that was before this call; of a file that is new here, what it holds now counts.
    /// Relative paths are relative to the working directory.
    pub async fn follow(&self, files: &[PathBuf], globs: &[String]) {
        let (done, wait) = oneshot::channel();
        let follow = Message::Follow { files: files.to_vec(), globs: globs.to_vec(), done };
        // Both can only fail if the thread is gone, which it is not before we are.
        if self.messages.send(follow).is_ok() {
            let _ = wait.await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::End);
    }
}

/// What the thread knows.
struct Watch {
    notify: Option<RecommendedWatcher>,
    triggers: Sender,
    files: BTreeSet<PathBuf>,
    globs: Vec<Glob>,
    /// What matters in which directory. The directories are real: no link is part of their paths.
    interests: BTreeMap<PathBuf, Interest>,
    /// The directories that the system watches for us, and which they were.
    watched: BTreeMap<PathBuf, Option<Identity>>,
    /// What the files were when a trigger was last sent.
    print: Fingerprint,
    /// How often they are compared while `polling`.
    poll: Duration,
    polling: bool,
}

/// A directory's device and inode: the same path may be another directory later.
type Identity = (u64, u64);

/// What matters in a directory.
#[derive(Debug, Default, PartialEq, Eq)]
struct Interest {
    /// These names.
    names: BTreeSet<OsString>,
    /// What matches a pattern, under this name of the directory.
    known_as: BTreeSet<PathBuf>,
}

impl Watch {
    fn run(mut self, inbox: &Receiver<Message>) {
        let mut next_poll = Instant::now() + self.poll;
        loop {
            let message = if self.polling {
                receive_until(inbox, next_poll)
            } else {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match message {
                Ok(Message::Event(event)) => {
                    if self.concerns_us(&event) {
                        match self.settle(inbox) {
                            Some(Message::Follow { files, globs, done }) => self.follow(files, &globs, done),
                            Some(Message::End) => return,
                            Some(Message::Event(_)) | None => self.look(),
                        }
                    }
                }
                Ok(Message::Follow { files, globs, done }) => self.follow(files, &globs, done),
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    next_poll = Instant::now() + self.poll;
                }
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Waits until the events have come to rest, or until something else is wanted of us.
    fn settle(&mut self, inbox: &Receiver<Message>) -> Option<Message> {
        let patience = Instant::now() + PATIENCE;
        let mut quiet = Instant::now() + QUIET;
        loop {
            match receive_until(inbox, quiet.min(patience)) {
                Ok(Message::Event(event)) => {
                    if self.concerns_us(&event) {
                        quiet = Instant::now() + QUIET;
                    }
                }
                Ok(other) => return Some(other),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(Message::End),
            }
        }
    }

    /// Whether an event is a reason to look at the files.
    fn concerns_us(&mut self, event: &notify::Result<notify::Event>) -> bool {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                warn!(event = "watch_failed", %error, "watching files reported an error, so they are compared");
                return true;
            }
        };
        // Reading is none of our business, the end of writing is.
        if matches!(event.kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write)) {
            return false;
        }
        // Events that were lost name no path.
        let mut concerns = event.need_rescan() || event.paths.is_empty();
        for path in &event.paths {
            if matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_))
            ) && self.watched.contains_key(path)
            {
                // The directory itself is gone or has moved away, and its watch with it.
                self.unwatch(path);
                concerns = true;
            }
            concerns |= self.matters(path) || self.interests.contains_key(path);
        }
        concerns
    }

    fn matters(&self, path: &Path) -> bool {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return false };
        self.interests.get(directory).is_some_and(|interest| {
            interest.names.contains(name)
                || interest
                    .known_as
                    .iter()
                    .any(|directory| self.globs.iter().any(|glob| glob.could_match(&directory.join(name))))
        })
    }

    fn follow(&mut self, files: Vec<PathBuf>, globs: &[String], done: oneshot::Sender<()>) {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        self.files = files.into_iter().map(absolute).collect();
        self.globs = globs.iter().filter_map(|pattern| Glob::new(pattern)).collect();
        self.arm();
        let now = self.fingerprint();
        // A file that was followed before is compared with what it was then, since it may have changed between
        // being read and now.
        let changed = now
            .0
            .iter()
            .any(|(path, content)| self.print.0.get(path).is_some_and(|before| before != content));
        self.print = now;
        if changed {
            self.triggers.send(Trigger::DesiredStateChanged);
        }
        // The caller may have stopped waiting.
        let _ = done.send(());
    }

    /// Compares the files with what they were.
    fn look(&mut self) {
        self.arm();
        let now = self.fingerprint();
        if now == self.print {
            return;
        }
        debug!(event = "files_changed", files = %now.changes(&self.print));
        self.print = now;
        self.triggers.send(Trigger::DesiredStateChanged);
    }

    fn fingerprint(&self) -> Fingerprint {
        let found = self.globs.iter().flat_map(Glob::matches);
        Fingerprint(
            self.files.iter().cloned().chain(found).map(|path| (path.clone(), Content::of(&path))).collect(),
        )
    }

    /// Has the system watch the directories that matter now.
    fn arm(&mut self) {
        // What is swapped while we arm shows in the next round. A handful of rounds is enough for anything but
        // an endless stream of swaps, which has its own events.
        for _ in 0..4 {
            let interests = self.interests_now();
            let settled = interests == self.interests;
            self.interests = interests;
            self.watch_directories();
            if settled {
                return;
            }
        }
    }

    fn interests_now(&self) -> BTreeMap<PathBuf, Interest> {
        let mut interests: BTreeMap<PathBuf, Interest> = BTreeMap::new();
        let mut add = |way: Way| {
            for (directory, name) in way.steps {
                interests.entry(directory).or_default().names.insert(name);
            }
        };
        for file in &self.files {
            add(Way::to(file));
        }
        let mut directories = Vec::new();
        for glob in &self.globs {
            for directory in glob.directories() {
                let way = Way::to(&directory);
                directories.extend(way.end.clone().map(|real| (real, directory)));
                add(way);
            }
            // What matches may be a link to elsewhere.
            glob.matches().for_each(|file| add(Way::to(&file)));
        }
        for (real, known_as) in directories {
            interests.entry(real).or_default().known_as.insert(known_as);
        }
        interests
    }

    fn watch_directories(&mut self) {
        let stale: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(path, identity)| !self.interests.contains_key(*path) || identity_of(path) != **identity)
            .map(|(path, _)| path.clone())
            .collect();
        for path in &stale {
            self.unwatch(path);
        }
        let missing: Vec<PathBuf> =
            self.interests.keys().filter(|path| !self.watched.contains_key(*path)).cloned().collect();
        for path in missing {
            let Some(notify) = &mut self.notify else { return };
            let identity = identity_of(&path);
            match notify.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path, identity);
                }
                // It has just gone; the next round watches where it was.
                Err(error) if !path.is_dir() => {
                    debug!(event = "watch_failed", path = %path.display(), %error);
                }
                Err(error) => self.poll_instead(&error),
            }
        }
    }

    fn unwatch(&mut self, path: &Path) {
        self.watched.remove(path);
        if let Some(notify) = &mut self.notify {
            // The system may have dropped the watch before us.
            let _ = notify.unwatch(path);
        }
    }

    fn poll_instead(&mut self, error: &notify::Error) {
        if !self.polling {
            self.polling = true;
            warn!(
                event = "watch_failed",
                %error,
                "changes of files are not reported by the system, so they are compared every 10 s"
            );
        }
    }
}

/// The next message, unless it is later than `end`: then there is none, even if one waits.
fn receive_until(inbox: &Receiver<Message>, end: Instant) -> Result<Message, RecvTimeoutError> {
    match end.checked_duration_since(Instant::now()) {
        Some(wait) => inbox.recv_timeout(wait),
        None => Err(RecvTimeoutError::Timeout),
    }
}

fn identity_of(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// The way to a file: everything that, if it changed, could make it another file.
#[derive(Debug)]
struct Way {
    /// Names in real directories: each link, and the file itself or what is missing first.
    steps: Vec<(PathBuf, OsString)>,
    /// The real path, if all of it is there.
    end: Option<PathBuf>,
}

impl Way {
    fn to(path: &Path) -> Way {
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
                    if ahead.is_empty() {
                        steps.push((real, name));
                    }
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

/// A pattern of `include`.
#[derive(Debug)]
struct Glob {
    /// The directories before the first wildcard.
    base: PathBuf,
    /// The pattern up to each of its components that has a wildcard, or comes after one; itself last.
    prefixes: Vec<Pattern>,
}

impl Glob {
    /// `None` for what is no pattern; who loads the file says so.
    fn new(pattern: &str) -> Option<Glob> {
        let absolute = std::path::absolute(pattern).ok()?;
        let wild = |name: &OsStr| name.as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte));
        let mut base = PathBuf::new();
        let mut prefixes = Vec::new();
        let mut so_far = PathBuf::new();
        for component in absolute.components() {
            so_far.push(component);
            if prefixes.is_empty() && !wild(component.as_os_str()) {
                base.push(component);
            } else {
                prefixes.push(Pattern::new(so_far.to_str()?).ok()?);
            }
        }
        if prefixes.is_empty() {
            // No wildcard: the one path.
            prefixes.push(Pattern::new(so_far.to_str()?).ok()?);
            base.pop();
        }
        Some(Glob { base, prefixes })
    }

    /// Whether a path of this name matters.
    fn could_match(&self, path: &Path) -> bool {
        self.prefixes.iter().any(|prefix| prefix.matches_path(path))
    }

    /// What matches now, sorted.
    fn matches(&self) -> impl Iterator<Item = PathBuf> {
        self.prefixes.last().into_iter().flat_map(expand)
    }

    /// The directories in which a match, or a directory on the way to one, could appear.
    fn directories(&self) -> impl Iterator<Item = PathBuf> {
        let between = self.prefixes.iter().rev().skip(1).flat_map(expand).filter(|path| path.is_dir());
        std::iter::once(self.base.clone()).chain(between)
    }
}

fn expand(pattern: &Pattern) -> impl Iterator<Item = PathBuf> + use<> {
    // What cannot be read cannot match.
    glob::glob(pattern.as_str()).into_iter().flatten().filter_map(Result::ok)
}

/// What all files are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fingerprint(BTreeMap<PathBuf, Content>);

impl Fingerprint {
    /// The files that differ, for people.
    fn changes(&self, before: &Fingerprint) -> String {
        let paths: BTreeSet<&PathBuf> = self.0.keys().chain(before.0.keys()).collect();
        let changed = paths.into_iter().filter(|path| self.0.get(*path) != before.0.get(*path));
        changed.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Digest([u8; 32]),
    /// Not there, or not to be read, and why.
    Unreadable(io::ErrorKind),
    /// A directory, a pipe, a device: reading it could take for ever.
    NoFile,
}

impl Content {
    fn of(path: &Path) -> Content {
        let digest = || -> io::Result<Content> {
            if !fs::metadata(path)?.is_file() {
                return Ok(Content::NoFile);
            }
            let mut hasher = Sha256::new();
            let mut file = File::open(path)?;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match io::Read::read(&mut file, &mut buffer)? {
                    0 => return Ok(Content::Digest(hasher.finalize().into())),
                    read => hasher.update(&buffer[..read]),
                }
            }
        };
        digest().unwrap_or_else(|error| Content::Unreadable(error.kind()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::super::triggers::{Event, Mailbox, mailbox};
    use super::*;
    use crate::stop::Stop;

    /// A directory that is watched.
    struct Scene {
        directory: TempDir,
        watcher: Watcher,
        mailbox: Mailbox,
    }

    impl Scene {
        fn new() -> Scene {
            let (sender, mailbox) = mailbox(Stop::new());
            let watcher = Watcher::new(sender).unwrap();
            Scene { directory: tempfile::tempdir().unwrap(), watcher, mailbox }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).unwrap();
        }

        async fn follow(&self, files: &[&str], globs: &[&str]) {
            let files: Vec<_> = files.iter().map(|name| self.path(name)).collect();
            let globs: Vec<_> =
                globs.iter().map(|name| self.path(name).to_str().unwrap().to_owned()).collect();
            self.watcher.follow(&files, &globs).await;
        }

        /// Puts a file in a new directory and swaps the link, as the kubelet does.
        fn publish(&self, version: &str, text: &str) {
            let folder = format!("..2026_{version}");
            fs::create_dir(self.path(&folder)).unwrap();
            self.write(&format!("{folder}/config.yaml"), text);
            symlink(&folder, self.path("..data_tmp")).unwrap();
            fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        }

        /// Waits for one trigger.
        async fn triggers(&mut self) {
            let event = tokio::time::timeout(Duration::from_secs(5), self.mailbox.next()).await;
            assert_eq!(event, Ok(Event::Pass(Trigger::DesiredStateChanged)), "a change was not noticed");
        }

        /// That nothing comes can only be told by waiting: thrice the time after which a trigger would come.
        async fn stays_silent(&mut self) {
            let wait = tokio::time::timeout(3 * QUIET, self.mailbox.next()).await;
            assert!(wait.is_err(), "nothing changed, but {wait:?} came");
        }
    }

    #[tokio::test]
    async fn a_file_saved_in_place_is_noticed() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        scene.write("config.yaml", "two");
        scene.triggers().await;
        scene.write("config.yaml", "three");
        scene.triggers().await;
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn a_change_is_noticed_within_a_second() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        let saved = Instant::now();
        scene.write("config.yaml", "two");
        scene.triggers().await;
        assert!(saved.elapsed() < Duration::from_secs(1), "{:?}", saved.elapsed());
    }

    #[tokio::test]
    async fn a_save_by_renaming_over_the_file_is_noticed_each_time() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        for text in ["two", "three", "four"] {
            scene.write(".config.yaml.tmp", text);
            fs::rename(scene.path(".config.yaml.tmp"), scene.path("config.yaml")).unwrap();
            scene.triggers().await;
        }
    }

    #[tokio::test]
    async fn a_save_the_way_of_vim_is_one_trigger() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        for text in ["two", "three"] {
            scene.write("4913", "");
            fs::remove_file(scene.path("4913")).unwrap();
            fs::rename(scene.path("config.yaml"), scene.path("config.yaml~")).unwrap();
            scene.write("config.yaml", text);
            fs::remove_file(scene.path("config.yaml~")).unwrap();
            scene.triggers().await;
            scene.stays_silent().await;
        }
    }

    #[tokio::test]
    async fn the_link_that_kubernetes_swaps_is_noticed_each_time() {
        let mut scene = Scene::new();
        scene.publish("1", "one");
        symlink("..data/config.yaml", scene.path("config.yaml")).unwrap();
        scene.follow(&["config.yaml"], &[]).await;
        for (version, before, text) in [("2", "..2026_1", "two"), ("3", "..2026_2", "three")] {
            scene.publish(version, text);
            fs::remove_dir_all(scene.path(before)).unwrap();
            scene.triggers().await;
        }
        // The same content in a new directory is no change.
        scene.publish("4", "three");
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn a_link_to_a_file_elsewhere_is_followed_to_its_end() {
        let mut scene = Scene::new();
        fs::create_dir(scene.path("real")).unwrap();
        scene.write("real/a.yaml", "one");
        scene.write("real/b.yaml", "two");
        symlink("real/a.yaml", scene.path("config.yaml")).unwrap();
        scene.follow(&["config.yaml"], &[]).await;
        scene.write("real/a.yaml", "one, edited");
        scene.triggers().await;
        fs::remove_file(scene.path("config.yaml")).unwrap();
        symlink("real/b.yaml", scene.path("config.yaml")).unwrap();
        scene.triggers().await;
        scene.write("real/b.yaml", "two, edited");
        scene.triggers().await;
    }

    #[tokio::test]
    async fn a_new_file_that_matches_an_include_is_noticed_and_one_that_does_not_is_not() {
        let mut scene = Scene::new();
        fs::create_dir(scene.path("connectors")).unwrap();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &["connectors/*.yaml"]).await;
        scene.write("connectors/notes.txt", "nothing");
        scene.stays_silent().await;
        scene.write("connectors/aws.yaml", "one");
        scene.triggers().await;
        scene.write("connectors/aws.yaml", "two");
        scene.triggers().await;
        fs::remove_file(scene.path("connectors/aws.yaml")).unwrap();
        scene.triggers().await;
    }

    #[tokio::test]
    async fn an_include_finds_files_in_directories_that_come_later() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &["teams/*/aws.yaml"]).await;
        fs::create_dir_all(scene.path("teams/blue")).unwrap();
        scene.write("teams/blue/aws.yaml", "one");
        scene.triggers().await;
        fs::create_dir(scene.path("teams/red")).unwrap();
        scene.stays_silent().await;
        scene.write("teams/red/aws.yaml", "one");
        scene.triggers().await;
    }

    #[tokio::test]
    async fn touching_and_saving_without_change_make_no_trigger() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        scene.write("config.yaml", "one");
        scene.write("config.yaml.new", "one");
        fs::rename(scene.path("config.yaml.new"), scene.path("config.yaml")).unwrap();
        let file = File::options().append(true).open(scene.path("config.yaml")).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn our_own_files_in_the_same_directory_make_no_trigger() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &["*.yaml"]).await;
        scene.write("trueup.db", "one");
        scene.write("trueup.db-wal", "two");
        scene.write("trueup-simulator.json", "three");
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn a_file_that_vanishes_and_comes_back_is_noticed_both_times() {
        let mut scene = Scene::new();
        fs::create_dir(scene.path("etc")).unwrap();
        scene.write("etc/config.yaml", "one");
        scene.follow(&["etc/config.yaml"], &[]).await;
        fs::remove_file(scene.path("etc/config.yaml")).unwrap();
        scene.triggers().await;
        scene.write("etc/config.yaml", "one");
        scene.triggers().await;
        // The same with its directory.
        fs::remove_dir_all(scene.path("etc")).unwrap();
        scene.triggers().await;
        fs::create_dir(scene.path("etc")).unwrap();
        scene.write("etc/config.yaml", "one");
        scene.triggers().await;
        scene.write("etc/config.yaml", "two");
        scene.triggers().await;
    }

    #[tokio::test]
    async fn a_directory_that_is_replaced_at_once_is_noticed_and_so_is_what_comes_after() {
        let mut scene = Scene::new();
        for (name, text) in [("etc", "one"), ("next", "two")] {
            fs::create_dir(scene.path(name)).unwrap();
            scene.write(&format!("{name}/config.yaml"), text);
        }
        scene.follow(&["etc/config.yaml"], &[]).await;
        fs::rename(scene.path("etc"), scene.path("old")).unwrap();
        fs::rename(scene.path("next"), scene.path("etc")).unwrap();
        scene.triggers().await;
        scene.write("etc/config.yaml", "three");
        scene.triggers().await;
        scene.write("old/config.yaml", "four");
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn a_missing_file_may_be_followed_before_its_directory_is_there() {
        let mut scene = Scene::new();
        scene.follow(&["a/b/config.yaml"], &[]).await;
        fs::create_dir_all(scene.path("a/b")).unwrap();
        scene.write("a/b/config.yaml", "one");
        scene.triggers().await;
    }

    #[tokio::test]
    async fn what_changed_between_reading_and_following_is_noticed() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.write("more.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        scene.stays_silent().await;
        // Followed again at once: the event itself has no time to settle.
        scene.write("config.yaml", "two");
        scene.follow(&["config.yaml", "more.yaml"], &[]).await;
        scene.triggers().await;
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn a_file_that_is_no_longer_followed_makes_no_trigger() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.write("more.yaml", "one");
        scene.follow(&["config.yaml", "more.yaml"], &[]).await;
        scene.follow(&["config.yaml"], &[]).await;
        scene.write("more.yaml", "two");
        scene.stays_silent().await;
    }

    #[tokio::test]
    async fn a_stream_of_changes_is_not_waited_out() {
        let mut scene = Scene::new();
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &[]).await;
        let began = Instant::now();
        let path = scene.path("config.yaml");
        let writer = thread::spawn(move || {
            let mut count = 0;
            while began.elapsed() < Duration::from_secs(3) {
                count += 1;
                fs::write(&path, count.to_string()).unwrap();
                thread::sleep(QUIET / 4);
            }
        });
        scene.triggers().await;
        assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
        writer.join().unwrap();
    }

    #[tokio::test]
    async fn where_the_system_reports_no_changes_the_files_are_compared() {
        let (sender, mailbox) = mailbox(Stop::new());
        let (messages, inbox) = mpsc::channel();
        let none_left = Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch));
        let poll = Duration::from_millis(50);
        let watcher = Watcher::start(sender, none_left, poll, messages, inbox).unwrap();
        let mut scene = Scene { directory: tempfile::tempdir().unwrap(), watcher, mailbox };
        scene.write("config.yaml", "one");
        scene.follow(&["config.yaml"], &["*.yaml"]).await;
        scene.stays_silent().await;
        scene.write("config.yaml", "two");
        scene.triggers().await;
        scene.write("more.yaml", "new");
        scene.triggers().await;
        scene.stays_silent().await;
    }

    #[test]
    fn links_that_go_in_circles_end() {
        let directory = tempfile::tempdir().unwrap();
        symlink("b", directory.path().join("a")).unwrap();
        symlink("a", directory.path().join("b")).unwrap();
        let way = Way::to(&directory.path().join("a"));
        assert!(way.steps.len() <= MAX_LINKS + 1, "{way:?}");
        assert!(matches!(Content::of(&directory.path().join("a")), Content::Unreadable(_)));
    }
}
