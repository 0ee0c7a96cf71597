//! The referee: the broker's own SDKs and its OpenAPI definition against our simulator.
//!
//! This file brings what the referee needs into `.tools/referee/` (Python packages with pinned hashes, npm
//! packages with a lock file), builds the simulator and runs `tools/xtask/referee/referee.py`. What is installed
//! already for the same lists is not touched. Where the package indexes cannot be reached it is an error under
//! `CI=true` and a loud line elsewhere. What is checked, and how to check one endpoint: `CONTRIBUTING.md`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::install;
use crate::step::{Failed, Run, count_tests, pass};

const FOLDER: &str = "tools/xtask/referee";
const BUILD_LIST: &str = "tools/xtask/referee/requirements-build.txt";
const LIST: &str = "tools/xtask/referee/requirements.txt";
const NPM_FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs, builds and runs; the arguments of the chore go to the referee.
pub(crate) fn referee(run: &mut Run) -> Result<(), Failed> {
    run.step("referee", |run| {
        let home = run.root.join(".tools/referee");
        let Some(python) = python_packages(run, &home) else {
            return run.could_not(
                "the Python packages of the referee could not be installed: the simulator is unrefereed",
                "see that python3 -m venv works and that its package index can be reached",
            );
        };
        let Some(node) = npm_packages(run, &home) else {
            return run.could_not(
                "the npm packages of the referee could not be installed: the simulator is unrefereed",
                "install node and npm, and see that its registry can be reached",
            );
        };
        pass(&mut run.cargo(&["build", "--locked", "--package", "bijli", "--bin", "bijli"]))?;
        for (package, example) in [("bijli-gateway", "every_call"), ("bijli-feed", "decoder_parity")] {
            pass(
                run.cargo(&["build", "--locked"])
                    .args(["--package", package, "--example", example]),
            )?;
        }
        let mut command = run.command(&python, &[]);
        command.arg(run.root.join(FOLDER).join("referee.py"));
        command.arg("--binary").arg(built(run, "bijli"));
        command.arg("--example").arg(built(run, "examples/every_call"));
        command.arg("--frames").arg(built(run, "examples/decoder_parity"));
        command.arg("--node-modules").arg(node);
        if count_tests(command.args(&run.arguments))?.without_data > 0 {
            run.note_unchecked(
                "parts of the referee, for want of market data (BIJLI_DATA); each is named above",
            );
        }
        Ok(())
    })
}

/// A program that cargo has just built.
fn built(run: &Run, program: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| run.root.join("target"), PathBuf::from);
    run.root.join(target).join("debug").join(program)
}

/// The Python of a virtual environment that holds the packages of both lists.
fn python_packages(run: &Run, home: &Path) -> Option<PathBuf> {
    let venv = home.join("venv");
    let python = venv.join("bin/python");
    let lists = [BUILD_LIST, LIST].map(|list| run.root.join(list));
    if is_installed(&venv, &lists) {
        return Some(python);
    }
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ];
    // The SDK comes as source: what builds it is pinned too, and nothing else may be fetched for the build.
    let as_source = ["--no-build-isolation", "--use-pep517", "-r", LIST];
    let made = install::virtual_environment(run, &venv)
        && pass(&mut run.command(&python, &[&pip[..], &["-r", BUILD_LIST]].concat())).is_ok()
        && pass(&mut run.command(&python, &[&pip[..], &as_source].concat())).is_ok();
    (made && remember(&venv, &lists)).then_some(python)
}

/// The `node_modules` folder with the packages of the lock file.
fn npm_packages(run: &Run, home: &Path) -> Option<PathBuf> {
    let folder = home.join("node");
    let modules = folder.join("node_modules");
    let lists = NPM_FILES.map(|file| run.root.join(FOLDER).join(file));
    if is_installed(&folder, &lists) {
        return Some(modules);
    }
    fs::create_dir_all(&folder).ok()?;
    for (list, file) in lists.iter().zip(NPM_FILES) {
        fs::copy(list, folder.join(file)).ok()?;
    }
    let mut npm = run.command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    let made = pass(npm.current_dir(&folder)).is_ok();
    (made && remember(&folder, &lists)).then_some(modules)
}

/// Whether what these lists ask for was installed there, by the copy of the lists that was left.
fn is_installed(folder: &Path, lists: &[PathBuf]) -> bool {
    wanted(lists)
        .is_some_and(|text| fs::read_to_string(folder.join("installed")).is_ok_and(|left| left == text))
}

fn remember(folder: &Path, lists: &[PathBuf]) -> bool {
    wanted(lists).is_some_and(|text| fs::write(folder.join("installed"), text).is_ok())
}

fn wanted(lists: &[PathBuf]) -> Option<String> {
    lists.iter().map(|list| fs::read_to_string(list).ok()).collect()
}
