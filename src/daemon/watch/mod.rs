//! Notices when the desired state's files change.
//!
//! What is watched are directories, since editors replace files (write beside, rename over), Kubernetes replaces a
//! whole directory by swapping one symbolic link, and people swap directories further up. For each file these are
//! all directories on the way to it, over every link; where something is missing, the last directory that is there.
//! For each pattern of `include` they are those in which a match could appear, and those on the way there.
//!
//! An event only says "look again". Once the events have settled, the files' content decides: what was
//! touched, or written as it was, makes no trigger. Where the system has no watches left, and beside network
//! file systems that report nothing, the content alone is compared, every ten seconds. What the system never reports,
//! as a mount over a directory, shows when the daemon asks for a look, before each pass.
//!
//! All of this runs on one thread of its own, which sleeps until the system reports something, or somebody asks. A file
//! system that hangs holds up that thread alone.

mod content;
mod pattern;
#[cfg(test)]
mod tests;
mod way;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::triggers::{Sender, Trigger};
use content::{Content, Fingerprint};
use pattern::Glob;
use way::Way;

/// How long no event may come before the files are looked at.
const QUIET: Duration = Duration::from_millis(100);
/// How long they are waited for at most, however many events come.
const PATIENCE: Duration = Duration::from_millis(800);
/// How often the content is compared where the system does not report changes.
const POLL: Duration = Duration::from_secs(10);
/// How long somebody who asks waits for the answer. Longer than one file may take.
const ANSWER: Duration = Duration::from_secs(15);

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
    Look { done: oneshot::Sender<bool> },
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
    /// Returns as soon as no change can be missed, or the file system hangs. What changed since a file was last looked
    /// at makes a trigger, also when that was before this call; of a file that is new here, what it holds now counts.
    /// Relative paths are relative to the working directory.
    pub async fn follow(&self, files: &[PathBuf], globs: &[String]) {
        let (files, globs) = (files.to_vec(), globs.to_vec());
        self.ask(|done| Message::Follow { files, globs, done }).await;
    }

    /// Compares what the files hold with what they held when they were last looked at, and says whether that differs.
    /// No trigger is sent for what is told here.
    pub async fn look(&self) -> bool {
        self.ask(|done| Message::Look { done }).await.unwrap_or(false)
    }

    /// The thread's answer. There is none where a file system hangs.
    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
        let (done, wait) = oneshot::channel();
        // Fails if the thread is gone, which it is not before we are.
        self.messages.send(message(done)).ok()?;
        let answer = tokio::time::timeout(ANSWER, wait).await;
        if answer.is_err() {
            warn!(
                event = "watch_failed",
                "the file system of the desired state's files does not answer: changes may go unnoticed until it does"
            );
        }
        answer.ok()?.ok()
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
                            Some(Message::Look { done }) => self.answer(done),
                            Some(Message::End) => return,
                            Some(Message::Event(_)) | None => self.look(),
                        }
                    }
                }
                Ok(Message::Follow { files, globs, done }) => self.follow(files, &globs, done),
                Ok(Message::Look { done }) => self.answer(done),
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

    /// Sends a trigger where the files are not what they were.
    fn look(&mut self) {
        if self.have_changed() {
            self.triggers.send(Trigger::DesiredStateChanged);
        }
    }

    /// Tells somebody who asks.
    fn answer(&mut self, done: oneshot::Sender<bool>) {
        // Where the caller has stopped waiting, the trigger tells.
        if let Err(true) = done.send(self.have_changed()) {
            self.triggers.send(Trigger::DesiredStateChanged);
        }
    }

    /// Compares the files with what they were; from now on, with what they are.
    fn have_changed(&mut self) -> bool {
        self.arm();
        let now = self.fingerprint();
        if now == self.print {
            return false;
        }
        debug!(event = "files_changed", files = %now.changes(&self.print));
        self.print = now;
        true
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
