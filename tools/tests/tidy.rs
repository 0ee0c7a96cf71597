//! The house rules that a machine can keep, each a test with its remedy.
//!
//! Rules and their reasons: `CONTRIBUTING.md`. A rule reads the tree as it stands, untracked files included,
//! so that a slip shows before it is committed. Exceptions are lists that only shrink: one that is no longer
//! needed fails its own test. What the compiler and clippy already deny is not repeated here, save `unwrap`.

#[path = "tidy/source.rs"]
mod source;

use std::collections::BTreeMap;

use source::{RustFile, rust_files, text_files, words};

/// Longest file and longest function, in lines.
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
/// Files that are longer. Only shrinks.
const LONG_FILES: &[&str] = &[];
/// Functions that are longer: file and name. Only shrinks.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Which packages of the workspace each manifest may name. Arrows point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("core/wire", &["bijli-core"]),
    ("feed", &["bijli-core", "bijli-wire"]),
    ("strategy", &["bijli-core", "bijli-wire"]),
    ("gateway", &["bijli-core", "bijli-wire"]),
    ("tools/simulator", ROOMS),
    (
        "tools",
        &[
            "bijli-core",
            "bijli-wire",
            "bijli-feed",
            "bijli-strategy",
            "bijli-gateway",
            "bijli-simulator",
        ],
    ),
    ("tools/simulate", SIMULATED),
    ("tools/xtask", &[]),
    (
        "benches",
        &[
            "bijli-core",
            "bijli-wire",
            "bijli-feed",
            "bijli-strategy",
            "bijli-gateway",
            "bijli-simulator",
        ],
    ),
];
const SIMULATED: &[&str] = &[
    "bijli-core",
    "bijli-wire",
    "bijli-feed",
    "bijli-strategy",
    "bijli-gateway",
    "bijli-simulator",
];
const ROOMS: &[&str] = &[
    "bijli-core",
    "bijli-wire",
    "bijli-feed",
    "bijli-strategy",
    "bijli-gateway",
];

/// Folders of the rooms below tools.
const BELOW_TOOLS: [&str; 4] = ["core/", "feed/", "strategy/", "gateway/"];
/// Files of I/O, one a crate, with their parts in a folder of the same name.
const SOCKET_FILES: [&str; 2] = ["/socket.rs", "/socket/"];
/// Where a clock may be read besides sockets: the duty cycle, the simulator's server, chores, examples, benches.
const CLOCK_FILES: [&str; 7] = [
    "tools/src/duty_cycle.rs",
    "tools/simulate/src/planted.rs",
    "tools/simulate/src/runner.rs",
    "tools/simulator/src/server",
    "tools/xtask/src/",
    "/examples/",
    "benches/",
];
/// Where a thread may start.
const THREAD_FILES: [&str; 5] = [
    "tools/src/topology",
    "tools/simulator/src/server",
    "tools/simulate/src/planted.rs",
    "tools/simulate/src/runner.rs",
    "benches/",
];
/// Where `unsafe` may stand. Only shrinks, but for allocators that count in tests.
const UNSAFE_FILES: &[&str] = &[
    "core/src/journal",
    "core/src/snapshot",
    "tools/src/store.rs",
    "benches/src/mapped_file.rs",
    "/tests/no_allocation",
];
/// Signs beyond ASCII that Rust files may hold: the trade's, and what the dashboard draws with.
const SIGNS: &str = "\u{20b9}\u{a7}\u{d7}\u{b2}\u{221a}\u{2212}\u{2026}\u{b7}\u{2192}\u{2264}\u{2265}\u{b1}\u{2014}\u{3b4}\u{394}\u{3c3}\u{b5}";

/// Fails with every slip, one a line, each with its place and the remedy.
fn none(slips: Vec<String>, remedy: &str) {
    assert!(
        slips.is_empty(),
        "{} slip(s):\n  {}\nhelp: {remedy}\n",
        slips.len(),
        slips.join("\n  ")
    );
}

fn is_in(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| {
        if place.starts_with('/') {
            path.contains(place)
        } else {
            path.starts_with(place)
        }
    })
}

/// Lines of product code, outside `allowed`, that hold one of `patterns`.
fn product_slips(files: &[RustFile], allowed: impl Fn(&str) -> bool, patterns: &[&str]) -> Vec<String> {
    let mut slips = Vec::new();
    for file in files.iter().filter(|file| !allowed(&file.path)) {
        for (line, code) in file.product_lines() {
            for pattern in patterns.iter().filter(|pattern| code.contains(**pattern)) {
                slips.push(format!("{}:{line}: {pattern}", file.path));
            }
        }
    }
    slips
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let files = text_files();
    let found = files
        .iter()
        .filter_map(|file| Some((file.path.strip_suffix("/Cargo.toml")?, file)));
    found
        .filter(|(folder, _)| !folder.ends_with("/fuzz"))
        .map(|(folder, file)| (folder.to_owned(), file.text.parse().expect("cargo has read it")))
        .collect()
}

/// Every dependency of a manifest: which table it stands in, its name, and its row.
fn dependencies(manifest: &toml::Table) -> Vec<(&'static str, String, toml::Value)> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let rows = |table: &'static str| {
        let found = manifest
            .get(table)
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten();
        found.map(move |(name, row)| (table, name.clone(), row.clone()))
    };
    tables.into_iter().flat_map(rows).collect()
}

#[test]
fn arrows_between_the_rooms_point_down_only() {
    let manifests = manifests();
    let known: Vec<&str> = manifests.keys().map(String::as_str).collect();
    let mut listed: Vec<&str> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    listed.sort_unstable();
    assert_eq!(known, listed, "every package has its row in ARROWS, and no other");
    let mut slips = Vec::new();
    for (folder, allowed) in ARROWS {
        for (table, name, _) in dependencies(&manifests[*folder]) {
            if name.starts_with("bijli") && !allowed.contains(&name.as_str()) {
                slips.push(format!("{folder}/Cargo.toml: {name} in [{table}]"));
            }
        }
    }
    none(
        slips,
        "move what both need down into core, or join the rooms in tools",
    );
}

#[test]
fn every_manifest_takes_versions_and_lints_from_the_workspace() {
    let mut slips = Vec::new();
    for (folder, manifest) in manifests() {
        for (table, name, row) in dependencies(&manifest) {
            if row.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                slips.push(format!("{folder}/Cargo.toml: {name} in [{table}]"));
            }
        }
        if manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .is_none()
        {
            slips.push(format!("{folder}/Cargo.toml: no [lints] workspace = true"));
        }
    }
    none(
        slips,
        "pin it once in the root Cargo.toml and write `name.workspace = true`",
    );
}

#[test]
fn deliberate_bugs_are_turned_on_by_nobody_but_the_simulation_tester() {
    let mut slips = Vec::new();
    for (folder, manifest) in manifests() {
        let features = manifest.get("features").and_then(toml::Value::as_table);
        for (name, turns_on) in features.into_iter().flatten() {
            let is_own = name == "planted" && ["core", "gateway", "tools/simulate"].contains(&&*folder);
            if turns_on.to_string().contains("planted") && !is_own {
                slips.push(format!("{folder}/Cargo.toml: feature {name}"));
            }
        }
        for (table, name, row) in dependencies(&manifest) {
            if row.to_string().contains("planted") {
                slips.push(format!("{folder}/Cargo.toml: {name} in [{table}]"));
            }
        }
    }
    none(
        slips,
        "only `cargo xtask simulate --planted` asks for that feature",
    );
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let long =
        |file: &&RustFile| file.text.lines().count() > FILE_LINES_MAX && !LONG_FILES.contains(&&*file.path);
    let slips = rust_files()
        .iter()
        .filter(long)
        .map(|file| format!("{}:1: {} lines", file.path, file.text.lines().count()))
        .collect();
    none(
        slips,
        "split it by concept; tests may move to a file of their own",
    );
}

#[test]
fn no_function_is_longer_than_seventy_lines() {
    let mut slips = Vec::new();
    for file in rust_files() {
        for function in file.functions() {
            if function.lines > FUNCTION_LINES_MAX
                && !LONG_FUNCTIONS.contains(&(&*file.path, &*function.name))
            {
                slips.push(format!(
                    "{}:{}: {} has {} lines",
                    file.path,
                    function.line + 1,
                    function.name,
                    function.lines
                ));
            }
        }
    }
    none(slips, "keep the decisions in it and move the work into leaves");
}

#[test]
fn no_exception_outlives_its_need() {
    let files = rust_files();
    let mut idle: Vec<String> = Vec::new();
    for path in LONG_FILES {
        if !files
            .iter()
            .any(|file| file.path == *path && file.text.lines().count() > FILE_LINES_MAX)
        {
            idle.push((*path).to_owned());
        }
    }
    for (path, name) in LONG_FUNCTIONS {
        let long = |file: &RustFile| {
            file.functions()
                .iter()
                .any(|function| function.name == *name && function.lines > FUNCTION_LINES_MAX)
        };
        if !files.iter().any(|file| file.path == *path && long(file)) {
            idle.push(format!("{path}: {name}"));
        }
    }
    none(idle, "strike it from the list: exceptions only shrink");
}

#[test]
fn every_file_opens_with_what_it_is() {
    let opens = |file: &RustFile| {
        let first = file.text.lines().next().unwrap_or("");
        first.strip_prefix("//! ").is_some_and(|words| words.len() >= 20)
    };
    let slips = rust_files()
        .iter()
        .filter(|file| !opens(file))
        .map(|file| format!("{}:1", file.path))
        .collect();
    none(
        slips,
        "first line `//! ` and a sentence: what it is, its invariants, what it leaves out, its sources",
    );
}

#[test]
fn no_file_is_named_for_what_it_is_not() {
    let vague = [
        "utils", "util", "helpers", "helper", "common", "misc", "manager", "base",
    ];
    let is_vague = |path: &str| {
        path.trim_end_matches(".rs")
            .split('/')
            .any(|part| vague.contains(&part))
    };
    let slips = rust_files()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| is_vague(path))
        .collect();
    none(slips, "name it by the one noun that it holds");
}

#[test]
fn clocks_are_read_only_in_the_duty_cycle_and_for_stamps_at_sockets() {
    let clocks = [
        "Instant::now",
        "SystemTime",
        "Utc::now",
        "Local::now",
        "clock_gettime",
    ];
    let slips = product_slips(
        &rust_files(),
        |path| is_in(path, &CLOCK_FILES) || is_in(path, &SOCKET_FILES),
        &clocks,
    );
    none(
        slips,
        "take the time as an argument; in tools ask `duty_cycle` for it",
    );
}

#[test]
fn threads_start_only_where_the_wiring_is_written() {
    let threads = ["thread::spawn", "thread::Builder", "thread::scope"];
    let slips = product_slips(&rust_files(), |path| is_in(path, &THREAD_FILES), &threads);
    none(
        slips,
        "start it in tools/src/topology.rs, where all threads stand in one table",
    );
}

#[test]
fn below_tools_only_socket_files_touch_the_world() {
    let world = [
        "std::net",
        "std::fs",
        "std::env",
        "std::process",
        "TcpStream",
        "UdpSocket",
        "mio::",
        "ureq::",
        "println!",
    ];
    let elsewhere = |path: &str| {
        !is_in(path, &BELOW_TOOLS)
            || is_in(path, &SOCKET_FILES)
            || path.ends_with("build.rs")
            || path.contains("/examples/")
    };
    let slips = product_slips(&rust_files(), elsewhere, &world);
    none(
        slips,
        "make it a state machine that is handed bytes, and do the I/O in the crate's socket.rs",
    );
}

#[test]
fn core_and_strategy_hold_no_hash_map() {
    let maps = ["HashMap", "HashSet", "RandomState"];
    let slips = product_slips(&rust_files(), |path| !is_in(path, &["core/", "strategy/"]), &maps);
    none(
        slips,
        "hash order differs from run to run: index a Vec by the dense id, or use a BTreeMap",
    );
}

#[test]
fn nothing_outside_tests_unwraps() {
    let slips = product_slips(&rust_files(), |_| false, &[".unwrap()"]);
    none(slips, "return an error, or `expect` with the proof in its words");
}

#[test]
fn unsafe_stands_only_in_the_listed_files() {
    let mut slips = Vec::new();
    for file in rust_files()
        .iter()
        .filter(|file| !is_in(&file.path, UNSAFE_FILES))
    {
        for (index, line) in file
            .code
            .lines()
            .enumerate()
            .filter(|(_, line)| !words(line, "unsafe").is_empty())
        {
            slips.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
        }
    }
    none(
        slips,
        "write it safely; a new file needs a reason in ARCHITECTURE.md and a line in UNSAFE_FILES",
    );
}

#[test]
fn nothing_is_promised_ignored_or_left_for_later() {
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[igno", "re"),
        concat!("dbg", "!("),
    ];
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("To ", "come.")];
    let mut slips = Vec::new();
    for file in text_files()
        .iter()
        .filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".toml"))
    {
        for (index, line) in file.text.lines().enumerate() {
            for mark in marks.iter().chain(&words).filter(|mark| line.contains(**mark)) {
                slips.push(format!("{}:{}: {mark}", file.path, index + 1));
            }
        }
    }
    none(slips, "do it, or open an issue; main holds nothing half done");
}

#[test]
fn no_text_names_a_machine_or_a_registry() {
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("npm", "js"),
    ];
    let mut slips = Vec::new();
    // The lockfile is cargo's own and names its registry in its own way.
    for file in text_files().iter().filter(|file| !file.path.ends_with(".lock")) {
        for (index, line) in file.text.lines().enumerate() {
            for place in places.iter().filter(|place| line.contains(**place)) {
                slips.push(format!("{}:{}: {place}", file.path, index + 1));
            }
        }
    }
    none(
        slips,
        "use a relative path, an environment variable, or the package's plain name",
    );
}

#[test]
fn rust_files_hold_ascii_and_the_trade_s_own_signs() {
    let drawn = [
        '\u{2190}'..='\u{21ff}',
        '\u{2500}'..='\u{25ff}',
        '\u{2800}'..='\u{28ff}',
    ];
    let known = |c: char| c.is_ascii() || SIGNS.contains(c) || drawn.iter().any(|block| block.contains(&c));
    let mut slips = Vec::new();
    for file in rust_files() {
        for (index, line) in file.text.lines().enumerate() {
            for sign in line.chars().filter(|c| !known(*c)) {
                slips.push(format!("{}:{}: U+{:04X}", file.path, index + 1, u32::from(sign)));
            }
        }
    }
    none(
        slips,
        "write it in ASCII, or as \\u{...} where a test needs it; look-alikes hide mistakes",
    );
}

#[test]
fn the_scanner_sees_code_and_nothing_else() {
    let text = "fn a() { let s = \"}\"; } // fn b() {}\n#[cfg(test)]\nmod t { fn c() { 'x'; r#\"{\"#; } }\n";
    let code = source::blanked(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(words(&code, "fn"), [0, text.find("fn c").expect("it is there")]);
    assert_eq!(code.matches('{').count(), code.matches('}').count());
    assert!(!words("unsafe_code", "unsafe").contains(&0));
}
