//! The peers that tests compare with: code that is not ours, from PyPI.
//!
//! The environment lives under `target/`, its versions are pinned; the pure
//! Python packages are pinned by SHA-256 too.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Failure, root, run, succeeds, target};

/// Where the peers are.
pub(crate) struct Peers {
    /// The environment's interpreter.
    pub(crate) python: PathBuf,
    /// The reference corpus inside the installed package.
    pub(crate) corpus: PathBuf,
}

/// Makes the environment, or takes the one that is there and complete.
pub(crate) fn environment() -> Result<Peers, Failure> {
    let folder = target().join("peers");
    let python = folder.join("bin/python");
    let stamp = folder.join("complete");
    let wanted = requirements()?;
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(wanted.as_str()) || !python.exists() {
        create(&folder, &python)?;
        std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    let corpus = corpus(&python)?;
    Ok(Peers { python, corpus })
}

fn requirements() -> Result<String, Failure> {
    ["python-hashed.txt", "python-pinned.txt"].iter().try_fold(String::new(), |all, name| {
        let path = root().join("xtask").join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(all + &text)
    })
}

fn create(folder: &Path, python: &Path) -> Result<(), Failure> {
    if !succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)) {
        // Debian ships the venv module apart from the interpreter.
        println!("python3 has no venv module; installing python3-venv with apt-get");
        run("apt-get update", Command::new("apt-get").arg("update"))?;
        run("apt-get install", Command::new("apt-get").args(["install", "-y", "python3-venv"]))?;
        run("python3 -m venv", Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    }
    let install = |what: &str, arguments: &[&str], file: &str| {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(what, command.args(arguments).arg("-r").arg(root().join("xtask").join(file)))
    };
    install("pip install (hashed)", &["--no-deps", "--require-hashes"], "python-hashed.txt")?;
    install("pip install (pinned)", &["--only-binary", ":all:"], "python-pinned.txt")
}

fn corpus(python: &Path) -> Result<PathBuf, Failure> {
    let code =
        "import asqav, os; print(os.path.join(os.path.dirname(asqav.__file__), 'conformance_vectors'))";
    let output = Command::new(python).args(["-c", code]).output().map_err(|error| error.to_string())?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if path.is_dir() {
        Ok(path)
    } else {
        Err("the reference corpus is not where its package should be".to_owned())
    }
}
