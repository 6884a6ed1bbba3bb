//! Python with the peers: a virtual environment below the target folder, created once.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder of the Python scripts.
#[must_use]
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

/// Runs a script of [`scripts`] and waits for it.
///
/// # Panics
/// Panics with the output of the script if the script fails.
pub fn run(script: &str, arguments: &[&str]) -> String {
    let output = Command::new(interpreter())
        .arg(scripts().join(script))
        .args(arguments)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{script} {arguments:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// Returns the interpreter of the environment with the packages of `requirements.txt`.
///
/// # Panics
/// Panics without Python 3.12 or later, or if the packages cannot be installed.
#[must_use]
pub fn interpreter() -> PathBuf {
    environment("peers-python", "requirements.txt", |_| {})
}

/// Returns the interpreter of an environment below the target folder, recreated when its
/// requirements have changed. `prepare` runs on each call, under a lock between processes.
///
/// # Panics
/// Panics like [`interpreter`].
#[must_use]
pub fn environment(name: &str, requirements: &str, prepare: impl FnOnce(&Path)) -> PathBuf {
    let requirements = scripts().join(requirements);
    let target = target().join(name);
    std::fs::create_dir_all(&target).unwrap();
    let lock = std::fs::File::create(target.join("lock")).unwrap();
    lock.lock().unwrap();
    let interpreter = target.join("venv/bin/python");
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let installed = std::fs::read_to_string(target.join("installed"));
    if installed.ok().as_deref() != Some(wanted.as_str()) {
        let python = find();
        run_or_panic(
            Command::new(&python)
                .args(["-m", "venv", "--clear"])
                .arg(target.join("venv")),
        );
        run_or_panic(
            Command::new(&interpreter)
                .args(["-m", "pip", "install", "--quiet", "-r"])
                .arg(&requirements),
        );
        std::fs::write(target.join("installed"), wanted).unwrap();
    }
    prepare(&interpreter);
    interpreter
}

/// Returns the interpreter of an environment with the package `zarr_py`, built as a wheel from this
/// checkout, and the requirements of its tests.
///
/// # Panics
/// Panics like [`interpreter`], and if the package does not build.
#[must_use]
pub fn package() -> PathBuf {
    environment(
        "package-python",
        "package-requirements.txt",
        |interpreter| {
            let wheels = target().join("package-python/wheels");
            let _ = std::fs::remove_dir_all(&wheels);
            run_or_panic(
                Command::new(interpreter)
                    .args(["-m", "maturin", "build", "--quiet", "--out"])
                    .arg(&wheels)
                    .current_dir(package_root()),
            );
            let wheel = std::fs::read_dir(&wheels).unwrap().next().unwrap().unwrap();
            run_or_panic(
                Command::new(interpreter)
                    .args([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--no-deps",
                        "--force-reinstall",
                    ])
                    .arg(wheel.path()),
            );
        },
    )
}

/// Returns the folder of the Python package.
#[must_use]
pub fn package_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../zarr-py")
}

/// Returns the folder for installations of the tests.
#[must_use]
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")
}

/// Finds Python 3.12 or later: by name, or among the installed but inactive versions of pyenv.
///
/// # Panics
/// Panics if no suitable Python exists.
#[must_use]
pub fn find() -> PathBuf {
    let mut candidates = ["python3.13", "python3.12", "python3"]
        .map(PathBuf::from)
        .to_vec();
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    if let Some(Ok(versions)) = pyenv.map(|root| std::fs::read_dir(root.join("versions"))) {
        let mut versions = versions
            .filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")))
            .collect::<Vec<_>>();
        versions.sort();
        candidates.extend(versions.into_iter().rev());
    }
    let check = "import sys, venv; sys.exit(sys.version_info < (3, 12))";
    let works = |candidate: &PathBuf| {
        Command::new(candidate)
            .args(["-c", check])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    candidates
        .into_iter()
        .find(works)
        .expect("the peers' tests need Python 3.12 or later (python3.13, python3.12 or python3)")
}

fn run_or_panic(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}",
        output.status
    );
}
