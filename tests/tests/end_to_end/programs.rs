//! Where the programs are that a stack runs.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// What `chassis` needs of the broker, and `just setup` brings: major and minor.
const BROKER_NEEDED: (u32, u32) = (2, 15);

/// A program of the workspace, as it is in the sources now.
///
/// `cargo test` builds no programs of other packages, and those that lie there may be old: cargo is asked once per run
/// of the tests, and has nothing to do where they are new.
pub fn of_the_workspace(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

/// The program of all services, with places at which it can be told to crash. See `chassis::crash`.
pub fn with_crash_points() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build_with_crash_points().join("murmur"))
}

/// A nats-server that is new enough.
pub fn nats_server() -> &'static Path {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let candidates = [PathBuf::from("nats-server"), workspace().join(".tools/bin/nats-server")];
        candidates.into_iter().find(|candidate| version(candidate).is_some_and(|version| version >= BROKER_NEEDED))
    };
    FOUND.get_or_init(find).as_deref().expect("no nats-server: run `just setup`")
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}

/// Builds all programs into the folder that this test was built into: `<target>/<profile>/deps/end_to_end-…`.
fn build() -> PathBuf {
    let (target, profile) = built_into();
    cargo_build(&["--workspace"], &target, &profile, &target)
}

/// Builds their program once more, with places to crash at, into a folder of its own. What they need is built already
/// (where cargo knows `build-dir`; an older one builds it again).
fn build_with_crash_points() -> PathBuf {
    let (target, profile) = built_into();
    cargo_build(
        &["--features", "chassis/crash-points", "--package", "murmur"],
        &target.join("crash-points"),
        &profile,
        &target,
    )
}

/// The target folder of this test, and its profile's folder in there.
fn built_into() -> (PathBuf, String) {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).expect("a test is in <target>/<profile>/deps");
    let target = folder.parent().expect("a profile's folder is in the target folder");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
    (target.to_owned(), profile.to_owned())
}

/// Builds programs into `target`; where they are then. What they are made of is in `parts`.
fn cargo_build(arguments: &[&str], target: &Path, folder: &str, parts: &Path) -> PathBuf {
    let profile = if folder == "debug" { "dev" } else { folder };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace()).env("CARGO_BUILD_BUILD_DIR", parts);
    cargo.args(["build", "--bins", "--quiet", "--profile", profile]).args(arguments);
    // What cargo tells a test of its own package is no concern of the others: some are built anew when it differs.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(name);
        }
    }
    let built = cargo.arg("--target-dir").arg(target).output().unwrap();
    assert!(
        built.status.success(),
        "the services cannot be built, see `cargo build --bins {}`:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&built.stderr)
    );
    target.join(folder)
}

/// What the program says after `nats-server: v`; nothing where there is no such program.
fn version(program: &Path) -> Option<(u32, u32)> {
    let said = Command::new(program).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let mut numbers = said.trim().rsplit('v').next()?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
