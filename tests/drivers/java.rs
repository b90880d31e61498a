//! PgJDBC, compiled against Debian's jar.

use crate::harness::Driver;
use std::path::Path;
use std::process::Command;

const JAR: &str = "/usr/share/java/postgresql.jar";

#[test]
fn pgjdbc() {
    let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers/java");
    std::fs::create_dir_all(&classes).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/java");
    let mut compiler = Command::new("javac");
    compiler.args(["-Xlint:all", "-Werror", "-cp", JAR, "-d"]).arg(&classes);
    let files = std::fs::read_dir(sources).unwrap().map(|file| file.unwrap().path());
    compiler.args(files.filter(|file| file.extension().is_some_and(|of| of == "java")));
    let ended = compiler.output().unwrap_or_else(|error| panic!("javac: {error}; tests/setup installs it"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

    // Small and short-lived: the collector and the compiler that start soonest.
    let classes = format!("{}:{JAR}", classes.display());
    let arguments = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m", "-cp", &classes, "PgJdbc"];
    Driver::new("pgjdbc", "java", "java/PgJdbc.java").arguments(arguments).of_the_system().cases(32).run();
}
