//! Rules of the house that a compiler does not check. Each test says which file breaks which rule.
//! The scanners are in `tidy/scan.rs`, with a proof for each that it can object.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "tidy/scan.rs"]
mod scan;

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use scan::{code_of, host_of, lines_with, lines_with_word, real_numbers};
use serde_json::Value;

/// Who may depend on whom among our own packages. Arrows point inward: adapters know the vocabulary of a call, never
/// the loop that owns it.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "deskline",
        &[
            "audio",
            "call",
            "desk",
            "history",
            "lines",
            "realtime",
            "switchboard",
            "vault",
        ],
    ),
    ("desk", &["call"]),
    ("audio", &["call"]),
    ("history", &["call"]),
    ("realtime", &["call", "livekit-engine"]),
    ("switchboard", &["call", "vault"]),
    ("lines", &["call", "vault"]),
    ("call", &[]),
    ("livekit-engine", &[]),
    ("vault", &[]),
    ("stage", &[]),
    (
        "bench",
        &["audio", "call", "realtime", "stage", "switchboard"],
    ),
    ("bench-hello", &[]),
    ("bench-history", &["call", "history"]),
    ("xtask", &["stage"]),
];

/// Outside packages that only the named ones of ours may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("livekit", &["realtime"]),
    ("livekit-api", &["switchboard", "lines"]),
    ("livekit-protocol", &["realtime", "switchboard"]),
    ("livekit-ffi", &[]),
    ("cpal", &["audio"]),
    ("rusqlite", &["history"]),
    ("tauri", &["deskline", "bench-hello"]),
];

/// What a file of ours may have in lines before it holds more than one idea.
const MAX_LINES: usize = 700;

fn root() -> PathBuf {
    stage::workspace_root()
}

/// The files under version control, without links and the like.
fn files() -> Vec<(String, Vec<u8>)> {
    let output = Command::new("git")
        // The checkout may belong to another user than the one who tests.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git is needed to know which files are ours");
    assert!(
        output.status.success(),
        "git: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    let files: Vec<_> = names
        .split_terminator('\0')
        .filter_map(|name| Some((name.to_owned(), fs::read(root().join(name)).ok()?)))
        .collect();
    assert!(
        files.len() > 50,
        "only {} files are under version control here",
        files.len()
    );
    files
}

/// The files with one of these endings, as text.
fn texts(endings: &[&str]) -> Vec<(String, String)> {
    let ours = files()
        .into_iter()
        .filter(|(name, _)| endings.iter().any(|ending| name.ends_with(ending)));
    ours.map(|(name, bytes)| (name, String::from_utf8(bytes).expect("sources are UTF-8")))
        .collect()
}

/// Every Rust file with its code, comments and strings taken out.
fn rust() -> Vec<(String, String)> {
    texts(&[".rs"])
        .into_iter()
        .map(|(name, text)| (name, code_of(&text)))
        .collect()
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}\n  {}", found.join("\n  "));
}

fn places(name: &str, lines: Vec<usize>, what: &str) -> Vec<String> {
    lines
        .into_iter()
        .map(|line| format!("{name}:{line}: {what}"))
        .collect()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["packages"]
        .as_array()
        .unwrap()
        .clone()
}

/// The dependencies of a package that end up in what it builds: (name, is optional).
fn dependencies(package: &Value) -> Vec<(String, bool)> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| {
            (
                dependency["name"].as_str().unwrap().to_owned(),
                dependency["optional"] == true,
            )
        })
        .collect()
}

/// What is wrong with the dependencies of one package of ours.
fn wrong_dependencies(name: &str, uses: &[String]) -> Vec<String> {
    let Some((_, allowed)) = MAY_USE.iter().find(|(ours, _)| *ours == name) else {
        return vec![format!(
            "{name} is new: give it a row in MAY_USE of tests/tidy.rs"
        )];
    };
    let ours: BTreeSet<&str> = MAY_USE.iter().map(|(ours, _)| *ours).collect();
    let mut found = Vec::new();
    for used in uses.iter().map(String::as_str) {
        if ours.contains(used) && !allowed.contains(&used) {
            found.push(format!("{name} must not depend on {used}"));
        }
        if let Some((_, owners)) = ONLY_IN.iter().find(|(outside, _)| *outside == used)
            && !owners.contains(&name)
        {
            found.push(format!(
                "{name} must not depend on {used}: only {owners:?} may"
            ));
        }
    }
    found
}

#[test]
fn dependencies_point_inward() {
    let mut found = Vec::new();
    for package in packages() {
        let uses: Vec<String> = dependencies(&package)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        found.extend(wrong_dependencies(package["name"].as_str().unwrap(), &uses));
    }
    none(
        found,
        "Dependencies among our packages point inward (docs/ARCHITECTURE.md):",
    );
}

#[test]
fn a_dependency_that_points_outward_is_noticed() {
    let uses = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(wrong_dependencies("call", &uses(&["thiserror"])), [""; 0]);
    assert_eq!(
        wrong_dependencies("call", &uses(&["desk"])),
        ["call must not depend on desk"]
    );
    assert_eq!(
        wrong_dependencies("audio", &uses(&["realtime", "cpal"])).len(),
        1
    );
    assert_eq!(wrong_dependencies("desk", &uses(&["livekit-api"])).len(), 1);
    assert_eq!(wrong_dependencies("brand-new", &[]).len(), 1);
}

#[test]
fn the_livekit_crate_comes_only_with_source_sdk() {
    let packages = packages();
    let realtime = packages
        .iter()
        .find(|package| package["name"] == "realtime")
        .unwrap();
    let livekit = dependencies(realtime)
        .into_iter()
        .find(|(name, _)| name == "livekit");
    let (_, is_optional) =
        livekit.expect("realtime has the livekit crate behind its feature source-sdk");
    assert!(
        is_optional,
        "the livekit crate must be optional in realtime"
    );
    for (feature, enables) in realtime["features"].as_object().unwrap() {
        let names: Vec<&str> = enables
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let pulls = names
            .iter()
            .any(|name| name.starts_with("dep:livekit") || name.starts_with("livekit/"));
        let is_own = feature == "source-sdk" || feature == "livekit";
        assert!(
            is_own || !pulls && !names.contains(&"source-sdk"),
            "the feature {feature} of realtime pulls in livekit"
        );
    }
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(
        tree.lines()
            .any(|line| line.starts_with("livekit-engine v")),
        "this is not our tree:\n{tree}"
    );
    let found = tree
        .lines()
        .filter(|line| line.starts_with("livekit v"))
        .map(str::to_owned)
        .collect();
    none(
        found,
        "Without the feature source-sdk the livekit crate is not built:",
    );
}

/// What the code of `call` must not name: it gets time and facts, and hands out intentions.
fn outside_world(code: &str) -> Vec<(usize, &'static str)> {
    const FORBIDDEN: &[&str] = &[
        "tokio",
        "serde",
        "tracing",
        "log::",
        "Instant::now",
        "SystemTime::now",
        "SystemTime",
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "std::env",
        "fs::",
        "net::",
        "thread::",
        "async",
        "await",
        "println",
        "eprintln",
    ];
    FORBIDDEN
        .iter()
        .flat_map(|word| {
            lines_with_word(code, word)
                .into_iter()
                .map(move |line| (line, *word))
        })
        .collect()
}

#[test]
fn call_touches_nothing_outside() {
    let mut found = Vec::new();
    for (name, code) in rust()
        .into_iter()
        .filter(|(name, _)| name.starts_with("crates/call/src/"))
    {
        found.extend(
            outside_world(&code)
                .into_iter()
                .map(|(line, word)| format!("{name}:{line}: {word}")),
        );
    }
    none(
        found,
        "`call` is sans-IO: no clock, thread, file, socket, log or runtime:",
    );
    for package in packages()
        .iter()
        .filter(|package| package["name"] == "call")
    {
        let uses: Vec<String> = dependencies(package)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            uses,
            ["phonenumber", "thiserror", "unicode-segmentation"],
            "`call` depends on these and nothing else"
        );
    }
}

#[test]
fn a_clock_in_call_is_noticed() {
    assert!(outside_world("fn f(now: Duration) -> Deadline").is_empty());
    for bad in [
        "let now = Instant::now();",
        "use std::{fs, net};\nfs::read(x)",
        "async fn f()",
        "use tokio::time;",
    ] {
        assert!(!outside_world(bad).is_empty(), "{bad}");
    }
}

#[test]
fn only_the_engine_binding_names_the_library() {
    let word = ["livekit", "_ffi"].concat();
    let mut found = Vec::new();
    for (name, text) in texts(&[".rs"])
        .into_iter()
        .filter(|(name, _)| !name.starts_with("crates/livekit-engine/"))
    {
        found.extend(places(&name, lines_with(&text, &word), &word));
    }
    none(
        found,
        "Only crates/livekit-engine names the engine library:",
    );
}

/// The files whose code says `unsafe`.
fn unsafe_files(files: &[(String, String)]) -> Vec<&str> {
    let says = |code: &String| !lines_with_word(code, "unsafe").is_empty();
    files
        .iter()
        .filter(|(_, code)| says(code))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// What a device callback must never meet: a lock, a queue that has one, memory, a log.
fn not_in_a_callback(code: &str) -> Vec<(usize, &'static str)> {
    const WORDS: [&str; 11] = [
        "Mutex", "RwLock", "Condvar", "mpsc", "lock", "Vec", "Box", "String", "tracing", "println",
        "collect",
    ];
    code.lines()
        .zip(1..)
        .flat_map(|(line, number)| {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let found = words.filter_map(|word| WORDS.into_iter().find(|known| *known == word));
            found.map(move |word| (number, word)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_device_callbacks_name_no_lock_no_memory_and_no_log() {
    let callback = root().join("crates/audio/src/callback.rs");
    let text = std::fs::read_to_string(callback).unwrap();
    let (callbacks, _tests) = text.split_once("#[cfg(test)]").unwrap();
    let found = not_in_a_callback(&code_of(callbacks));
    assert!(found.is_empty(), "in a device callback: {found:?}");
    assert_eq!(
        not_in_a_callback("let x = shared.lock();\nlet y = Vec::new();"),
        [(1, "lock"), (2, "Vec")]
    );
}

#[test]
fn unsafe_code_is_in_one_module_of_the_engine_binding() {
    let files = rust();
    let found = unsafe_files(&files);
    let outside = found
        .iter()
        .filter(|name| !name.starts_with("crates/livekit-engine/src/"));
    none(
        outside.map(ToString::to_string).collect(),
        "`unsafe` is for crates/livekit-engine only:",
    );
    assert_eq!(
        found.len(),
        1,
        "`unsafe` belongs in one module of crates/livekit-engine, not in {found:?}"
    );
}

#[test]
fn unsafe_code_is_noticed_and_the_word_in_a_comment_is_not() {
    let file = |text: &str| vec![("a.rs".to_owned(), code_of(text))];
    assert_eq!(unsafe_files(&file("fn f() { unsafe { g() } }")), ["a.rs"]);
    assert!(
        unsafe_files(&file(
            "// unsafe\n#![deny(unsafe_code)] const A: &str = \"unsafe\";"
        ))
        .is_empty()
    );
}

/// Hosts of package registries and folders of this machine: what must stand in no file.
fn private_words() -> Vec<String> {
    let mut words: Vec<String> = [
        ["registry.npmjs", ".org"],
        ["static.crates", ".io"],
        ["proxy.golang", ".org"],
    ]
    .iter()
    .chain(&[
        ["files.python", "hosted.org"],
        ["sum.golang", ".org"],
        ["pypi", ".org"],
    ])
    .map(|parts| parts.concat())
    .collect();
    let asked: [&[&str]; 4] = [
        &["npm", "config", "get", "registry"],
        &["go", "env", "GOPROXY", "GOSUMDB"],
        &["python3", "-m", "pip", "config", "list"],
        &["git", "config", "--get-regexp", "^url\\."],
    ];
    let mut settings: Vec<String> = asked.iter().map(|question| answer(question)).collect();
    settings.extend(
        ["PIP_INDEX_URL", "GOPROXY", "npm_config_registry"]
            .iter()
            .filter_map(|name| std::env::var(name).ok()),
    );
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    settings.extend(cargo.and_then(|folder| fs::read_to_string(folder.join("config.toml")).ok()));
    let addresses = settings
        .iter()
        .flat_map(|text| text.split([' ', '\n', ',', '|', '"', '\'', '=']));
    // A code host is in every second file for good reasons; a registry behind it is not written by its bare name.
    words.extend(
        addresses
            .filter_map(host_of)
            .filter(|host| !["github.com", "localhost"].contains(host))
            .map(str::to_owned),
    );
    words.push(format!("{}/", root().display()));
    words.extend(
        std::env::var("HOME")
            .ok()
            .filter(|home| home.len() > 1)
            .map(|home| format!("{home}/")),
    );
    words.sort();
    words.dedup();
    words
}

fn answer(question: &[&str]) -> String {
    let output = Command::new(question[0])
        .args(&question[1..])
        .current_dir(root())
        .output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

fn with_private_words(name: &str, bytes: &[u8], words: &[String]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    words
        .iter()
        .flat_map(|word| places(name, lines_with(&text, word), word))
        .collect()
}

#[test]
fn no_file_names_a_registry_or_a_folder_of_this_machine() {
    let words = private_words();
    let found = files()
        .iter()
        .flat_map(|(name, bytes)| with_private_words(name, bytes, &words))
        .collect();
    none(found, "A clone must work anywhere, with any mirror:");
}

#[test]
fn a_registry_in_a_lock_file_is_noticed() {
    let words = private_words();
    let line = [
        "\"resolved\": \"https://registry.npmjs",
        ".org/a/-/a-1.0.0.tgz\"",
    ]
    .concat();
    assert_eq!(
        with_private_words("package-lock.json", line.as_bytes(), &words).len(),
        1
    );
    let line = format!("cd {}/target", root().display());
    assert!(!with_private_words("README.md", line.as_bytes(), &words).is_empty());
    assert!(with_private_words("README.md", b"npm ci", &words).is_empty());
}

#[test]
fn the_lock_file_of_the_ui_does_not_say_where_packages_came_from() {
    let found = texts(&["package-lock.json", "npm-shrinkwrap.json"])
        .iter()
        .flat_map(|(name, text)| places(name, lines_with(text, "\"resolved\": \"http"), "resolved"))
        .collect();
    none(
        found,
        "package-lock.json is kept without addresses (`omit-lockfile-registry-resolved` in ui/.npmrc):",
    );
}

/// Tests that are switched off: (marker, ending of the files it works in). A test that only one system can run says so.
fn switched_off(name: &str, code: &str) -> Vec<String> {
    const MARKERS: [(&str, &str); 7] = [
        ("#[ignore", ".rs"),
        (".skip(", ".test.ts"),
        (".only(", ".test.ts"),
        (".todo(", ".test.ts"),
        ("xit(", ".test.ts"),
        ("t.Skip", "_test.go"),
        ("b.Skip", "_test.go"),
    ];
    let lines: Vec<&str> = code.lines().collect();
    let for_one_system = |line: usize| {
        lines
            .get(line.wrapping_sub(2))
            .is_some_and(|before| before.contains("GOOS"))
    };
    let markers = MARKERS.iter().filter(|(_, ending)| name.ends_with(ending));
    markers
        .flat_map(|(marker, _)| {
            let found = lines_with(code, marker)
                .into_iter()
                .filter(|line| !for_one_system(*line));
            places(name, found.collect(), marker)
        })
        .collect()
}

#[test]
fn no_test_is_switched_off() {
    let others = texts(&[".test.ts", "_test.go"]);
    let found = rust()
        .iter()
        .chain(&others)
        .flat_map(|(name, text)| switched_off(name, text))
        .collect();
    none(found, "A test runs or is deleted:");
}

#[test]
fn a_test_that_is_switched_off_is_noticed() {
    assert_eq!(
        switched_off("a.rs", &code_of("#[test]\n#[ignore = \"slow\"]\nfn f() {}")).len(),
        1
    );
    assert_eq!(switched_off("a.test.ts", "it.skip('x', () => {})").len(), 1);
    assert_eq!(switched_off("a.rs", "items.skip(1)"), [""; 0]);
    assert_eq!(switched_off("a_test.go", "\tt.Skip(\"later\")").len(), 1);
    assert!(
        switched_off(
            "a_test.go",
            "if runtime.GOOS != \"linux\" {\n\tt.Skip(\"reads /proc\")"
        )
        .is_empty()
    );
}

fn too_long(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_LINES).then(|| format!("{name}: {lines} lines"))
}

#[test]
fn no_file_is_too_long_to_hold_one_idea() {
    let ours = texts(&[".rs", ".go", ".ts", ".svelte", ".css", ".md"]);
    // The licence of the engine is as long as LiveKit wrote it.
    let ours = ours
        .iter()
        .filter(|(name, _)| !name.starts_with("licenses/"));
    none(
        ours.filter_map(|(name, text)| too_long(name, text))
            .collect(),
        "Split what is longer than 700 lines:",
    );
    assert!(too_long("a.rs", &"\n".repeat(MAX_LINES + 1)).is_some());
    assert!(too_long("a.rs", &"\n".repeat(MAX_LINES)).is_none());
}

#[test]
fn numbers_belong_to_nobody() {
    let ours = texts(&[
        ".rs", ".go", ".ts", ".svelte", ".md", ".html", ".toml", ".sql", ".py",
    ]);
    let ours = ours
        .iter()
        .filter(|(name, _)| !name.starts_with("licenses/"));
    let found = ours.flat_map(|(name, text)| {
        real_numbers(text)
            .into_iter()
            .map(move |number| format!("{name}: {number}"))
    });
    none(
        found.collect(),
        "Only +1 NXX 555-01XX is kept free for examples:",
    );
}

fn imports_of_tauri(name: &str, text: &str) -> Vec<String> {
    const DOOR: &str = "ui/src/lib/backend/tauri.ts";
    // Tests may put something else behind the door.
    let is_code = name.starts_with("ui/src/") && name != DOOR && !name.ends_with(".test.ts");
    if is_code {
        places(name, lines_with(text, "@tauri-apps"), "@tauri-apps")
    } else {
        Vec::new()
    }
}

#[test]
fn the_ui_has_one_door_to_the_shell() {
    let ours = texts(&[".ts", ".svelte"]);
    let found = ours
        .iter()
        .flat_map(|(name, text)| imports_of_tauri(name, text))
        .collect();
    none(
        found,
        "Only ui/src/lib/backend/tauri.ts imports @tauri-apps:",
    );
    assert!(
        ours.iter()
            .any(|(name, text)| name.ends_with("backend/tauri.ts") && text.contains("@tauri-apps"))
    );
    assert_eq!(
        imports_of_tauri(
            "ui/src/App.svelte",
            "import { invoke } from '@tauri-apps/api/core';"
        )
        .len(),
        1
    );
}

#[test]
fn the_readme_and_continuous_integration_call_the_same_test_command() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    assert!(read("README.md").contains("make test"));
    assert!(read(".ci/run").lines().any(|line| line == "exec make test"));
    assert!(read("Makefile").contains("\ntest: "));
}
