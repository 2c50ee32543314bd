//! Files saved, swapped, linked and removed in every way that editors and Kubernetes know.

use std::fs::File;
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
        let globs: Vec<_> = globs.iter().map(|name| self.path(name).to_str().unwrap().to_owned()).collect();
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
async fn any_directory_on_the_way_that_is_replaced_is_noticed_and_so_is_what_comes_after() {
    for (depth, link) in [("etc", false), ("etc/trueup", false), ("etc/trueup/conf", false), ("etc", true)] {
        let mut scene = Scene::new();
        let next = format!("next/{depth}");
        for (root, text) in [("etc/trueup/conf", "one"), ("next/etc/trueup/conf", "two")] {
            fs::create_dir_all(scene.path(root)).unwrap();
            scene.write(&format!("{root}/config.yaml"), text);
            scene.write(&format!("{root}/more.yaml"), text);
        }
        let main = if link { "linked/config.yaml" } else { "etc/trueup/conf/config.yaml" };
        symlink("etc/trueup/conf", scene.path("linked")).unwrap();
        scene.follow(&[main], &[&main.replace("config", "m*")]).await;
        fs::rename(scene.path(depth), scene.path("old")).unwrap();
        fs::rename(scene.path(&next), scene.path(depth)).unwrap();
        scene.triggers().await;
        scene.stays_silent().await;
        for file in ["config.yaml", "more.yaml", "mine.yaml"] {
            scene.write(&format!("etc/trueup/conf/{file}"), "three");
            scene.triggers().await;
        }
    }
}

#[tokio::test]
async fn whoever_asks_is_told_of_a_change_and_no_trigger_tells_it_again() {
    let mut scene = Scene::new();
    scene.write("config.yaml", "one");
    scene.follow(&["config.yaml"], &["more/*.yaml"]).await;
    assert!(!scene.watcher.look().await);
    fs::create_dir(scene.path("more")).unwrap();
    scene.write("more/a.yaml", "one");
    assert!(scene.watcher.look().await);
    assert!(!scene.watcher.look().await);
    scene.stays_silent().await;
    scene.write("config.yaml", "two");
    scene.triggers().await;
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
    let links = way.steps.iter().filter(|(parent, _)| parent == directory.path()).count();
    assert!(links <= way::MAX_LINKS + 1, "{way:?}");
    assert!(matches!(Content::of(&directory.path().join("a")), Content::Unreadable(_)));
}
