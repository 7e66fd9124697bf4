//! A disk whose power can be cut: an ext4 image in an image. Freezing the
//! outer file system holds the inner one's disk still while it is copied, and
//! writes back nothing of what the inner one has only in memory.

use std::path::{Path, PathBuf};
use std::process::Command;

fn run(program: &str, arguments: &[&Path]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
}

/// Whether images can be mounted here: it is tried.
pub(crate) fn permitted() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("tried.img");
    let at = folder.path().join("tried");
    std::fs::create_dir(&at).unwrap();
    std::fs::File::create(&image)
        .unwrap()
        .set_len(4 << 20)
        .unwrap();
    let tried = |program: &str, arguments: &[&Path]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let mounted = tried("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &image])
        && tried("mount", &["-o".as_ref(), "loop".as_ref(), &image, &at]);
    if mounted {
        run("umount", &[&at]);
    } else {
        println!("not run: no image can be mounted here, which takes root and loop devices");
    }
    mounted
}

fn make_image(path: &Path, megabytes: u64) {
    let file = std::fs::File::create(path).unwrap();
    file.set_len(megabytes << 20).unwrap();
    run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), path]);
}

/// A mounted image; unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(image: &Path, at: PathBuf) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        run("mount", &["-o".as_ref(), "loop".as_ref(), image, &at]);
        Self(at)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &[&self.0]);
    }
}

/// The outer file system.
pub(crate) struct Lab {
    outer: Mount,
    folder: tempfile::TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("outer.img");
        make_image(&image, 512);
        let outer = Mount::new(&image, folder.path().join("outer"));
        Self { outer, folder }
    }
}

/// A file system on an image of its own.
pub(crate) struct Disk {
    inner: Mount,
    outer: PathBuf,
    image: PathBuf,
    copy: PathBuf,
}

pub(crate) struct Cut(PathBuf);

impl Disk {
    pub(crate) fn new(lab: &Lab) -> Self {
        let image = lab.outer.0.join("inner.img");
        make_image(&image, 256);
        Self::mount(lab, image)
    }

    fn mount(lab: &Lab, image: PathBuf) -> Self {
        Self {
            inner: Mount::new(&image, lab.folder.path().join("inner")),
            outer: lab.outer.0.clone(),
            image,
            copy: lab.folder.path().join("clone.img"),
        }
    }

    pub(crate) fn mounted(&self) -> &Path {
        &self.inner.0
    }

    pub(crate) fn clone_as_the_cut_would_leave_it(&self) -> Cut {
        let freeze = |option: &str| run("fsfreeze", &[option.as_ref(), &self.outer]);
        freeze("--freeze");
        let copied = Command::new("cp")
            .arg("--sparse=always")
            .args([&self.image, &self.copy])
            .status();
        freeze("--unfreeze");
        assert!(copied.unwrap().success());
        Cut(self.copy.clone())
    }
}

impl Cut {
    pub(crate) fn mount(self, lab: &Lab) -> Disk {
        Disk::mount(lab, self.0)
    }
}
