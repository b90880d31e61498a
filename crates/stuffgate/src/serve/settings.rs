//! The settings in force, by name.

use crate::config::{Config, LogFormat, Tls};
use std::path::Path;
use std::time::Duration;

/// Every setting as the file would name it, and its value. No secret is among them.
pub(crate) fn rows(config: &Config) -> Vec<(&'static str, String)> {
    let (pool, session, fanout) = (&config.pool, &config.session, &config.fanout);
    let addresses: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    let mut rows =
        vec![("listen.addresses", addresses.join(", ")), ("listen.workers", config.workers.to_string())];
    rows.extend(tls(&config.tls));
    rows.extend([
        ("registry.path", path(&config.registry)),
        ("registry.kek", path(&config.kek)),
        ("stores.allow_addresses", allowed(config)),
        ("pool.per_store", pool.per_store.to_string()),
        ("pool.per_service", pool.per_service.to_string()),
        ("pool.total", pool.total.to_string()),
        ("pool.max_waiters", pool.max_waiters.to_string()),
        ("pool.prepared_statements", pool.prepared_statements.to_string()),
        ("pool.idle_timeout_s", pool.idle_timeout.as_secs().to_string()),
        ("pool.wait_timeout_ms", milliseconds(pool.wait_timeout)),
        ("pool.connect_timeout_ms", milliseconds(pool.connect_timeout)),
        ("pool.reset_timeout_ms", milliseconds(pool.reset_timeout)),
        ("session.max_clients", session.max_clients.to_string()),
        ("session.login_timeout_ms", milliseconds(session.login_timeout)),
        ("session.statement_bytes", session.statement_bytes.to_string()),
        ("session.statements_total_bytes", session.statements_total_bytes.to_string()),
        ("session.drain_timeout_ms", milliseconds(session.drain_timeout)),
        ("fanout.concurrency", fanout.concurrency.to_string()),
        ("fanout.leg_timeout_ms", milliseconds(fanout.leg_timeout)),
        ("fanout.deadline_ms", milliseconds(fanout.deadline)),
        ("fanout.leg_rows", fanout.leg_rows.to_string()),
        ("fanout.leg_bytes", fanout.leg_bytes.to_string()),
        ("fanout.total_bytes", fanout.total_bytes.to_string()),
        ("fanout.gate_bytes", fanout.gate_bytes.to_string()),
        ("http.listen", config.http.map(|address| address.to_string()).unwrap_or_default()),
        ("log.format", if config.log.format == LogFormat::Json { "json" } else { "text" }.to_owned()),
        ("log.filter", config.log.filter.clone()),
    ]);
    rows
}

/// What a running gate takes over from a configuration that was read again; everything else stays as it
/// was at the start. True when there is something that waits for the next start.
pub(crate) fn take_over(running: &mut Config, new: &Config) -> bool {
    running.tls.clone_from(&new.tls);
    running.log.filter.clone_from(&new.log.filter);
    running.session.drain_timeout = new.session.drain_timeout;
    running != new
}

fn tls(tls: &Tls) -> Vec<(&'static str, String)> {
    let (mode, files) = match tls {
        Tls::Off => ("off", None),
        Tls::Prefer(files) => ("prefer", Some(files)),
        Tls::Require(files) => ("require", Some(files)),
    };
    let ca = files.and_then(|files| files.client_ca.as_deref());
    vec![
        ("tls.mode", mode.to_owned()),
        ("tls.cert", files.map(|files| path(&files.cert)).unwrap_or_default()),
        ("tls.key", files.map(|files| path(&files.key)).unwrap_or_default()),
        ("tls.client_ca", ca.map(path).unwrap_or_default()),
    ]
}

fn allowed(config: &Config) -> String {
    let words =
        [(config.allow_addresses.loopback, "loopback"), (config.allow_addresses.link_local, "link-local")];
    let words: Vec<&str> = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    words.join(", ")
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TEMPLATE;

    #[test]
    fn every_setting_of_the_file_is_shown() {
        let config = Config::parse(Path::new("/x/stuffgate.toml"), "").expect("a configuration");
        let shown: Vec<&str> = rows(&config).into_iter().map(|(name, _)| name).collect();
        let mut section = "";
        for line in TEMPLATE.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if let Some((key, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) {
                let name = format!("{section}.{key}");
                assert!(shown.contains(&name.as_str()), "{name} is not shown");
            }
        }
    }

    #[test]
    fn only_what_can_change_in_a_running_gate_is_taken_over() {
        let config = |text| Config::parse(Path::new("/x/stuffgate.toml"), text).expect("a configuration");
        let mut running = config("");
        let text = "[log]\nfilter = \"debug\"\n[session]\ndrain_timeout_ms = 7";
        assert!(!take_over(&mut running, &config(text)));
        assert_eq!(running.log.filter, "debug");
        assert_eq!(running.session.drain_timeout.as_millis(), 7);
        assert!(take_over(&mut running, &config("[pool]\ntotal = 5000")));
        assert_eq!(running.pool.total, 1000);
    }
}
