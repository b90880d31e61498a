//! Every metric's name and help text, and how they are rendered for Prometheus.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Metrics cannot be recorded: something in the process records them already.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be recorded: {0}")]
pub struct MetricsError(#[from] BuildError);

/// The process's metrics. There is one recorder in a process; whoever counts something reaches it through
/// the `metrics` macros.
#[derive(Clone, Debug)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// What only grows.
const COUNTERS: [(&str, &str); 10] = [
    ("stuffgate_connections_total", "Connections accepted from clients."),
    (
        "stuffgate_accept_failures_total",
        "Connections that could not be accepted, such as for want of file descriptors.",
    ),
    ("stuffgate_logins_total", "Logins by outcome: ok, refused, timeout."),
    ("stuffgate_cancels_total", "Cancel requests received."),
    ("stuffgate_pins_total", "Times a session began to keep its server connection, by reason."),
    ("stuffgate_registry_changes_total", "Changes of the registry that the gate has followed."),
    (
        "stuffgate_fanout_statements_total",
        "Statements over many stores, by tier (t0 to t3, home, explain, none) and outcome: ok, partial, error, cancelled.",
    ),
    ("stuffgate_fanout_legs_total", "Stores that such statements asked, by what became of it."),
    (
        "stuffgate_materialized_refreshes_total",
        "Refreshes of answers that are kept on homes, by outcome: done, failed.",
    ),
    ("stuffgate_outbox_total", "Attempts at work that waited for a store, by outcome: done, failed."),
];

/// What is spread.
const HISTOGRAMS: [(&str, &str); 2] = [
    ("stuffgate_fanout_statement_seconds", "How long statements over many stores took, by tier."),
    ("stuffgate_fanout_leg_seconds", "How long each store's part of them took."),
];

/// What goes up and down.
const GAUGES: [(&str, &str); 9] = [
    ("stuffgate_info", "1, with the program's version."),
    ("stuffgate_ready", "1 if the gate takes clients and follows its registry."),
    ("stuffgate_sessions", "Sessions by state: working (with a server, or waiting for one), idle."),
    ("stuffgate_pools", "Pools of server connections, one for each grant or home in use."),
    ("stuffgate_pools_failing", "Pools whose place was unreachable at the last attempt."),
    ("stuffgate_server_connections", "Connections to stores and homes by state: active, idle."),
    ("stuffgate_waiting", "Sessions that wait for a server connection."),
    ("stuffgate_directory_version", "Changes that the directory has seen since the gate started."),
    ("stuffgate_start_time_seconds", "When the gate started, in seconds since the Unix epoch."),
];

/// What goes up and down, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Whether the gate takes clients and follows its registry.
    pub ready: bool,
    /// Sessions with a server, or waiting for one.
    pub working: usize,
    /// All other sessions.
    pub idle: usize,
    /// Pools.
    pub pools: usize,
    /// Those whose place was unreachable at the last attempt.
    pub failing: usize,
    /// Server connections leased or being made.
    pub active_connections: usize,
    /// Idle server connections.
    pub idle_connections: usize,
    /// Sessions waiting for a server connection.
    pub waiting: usize,
    /// The directory's version.
    pub directory_version: u64,
}

impl Metrics {
    /// Installs the process's recorder and describes every metric.
    ///
    /// # Errors
    /// [`MetricsError`] when the process has a recorder already.
    pub fn install(version: &'static str, started_at: i64) -> Result<Self, MetricsError> {
        let handle = PrometheusBuilder::new().install_recorder()?;
        for (name, help) in COUNTERS {
            describe_counter!(name, Unit::Count, help);
        }
        for (name, help) in HISTOGRAMS {
            describe_histogram!(name, Unit::Seconds, help);
        }
        for (name, help) in GAUGES {
            describe_gauge!(name, help);
        }
        gauge!("stuffgate_info", "version" => version).set(1.0);
        gauge!("stuffgate_start_time_seconds").set(number(started_at.unsigned_abs()));
        Ok(Self { handle })
    }

    /// Sums up what was measured since the last time: measurements are kept one by one until then. To be called
    /// now and then, whether or not anybody reads the metrics.
    pub fn sum_up(&self) {
        self.handle.run_upkeep();
    }

    /// Everything that was counted, with `gauges` as they are now, in Prometheus's text format.
    #[must_use]
    pub fn render(&self, gauges: &Gauges) -> String {
        let count = |value: usize| number(value as u64);
        gauge!("stuffgate_ready").set(f64::from(u8::from(gauges.ready)));
        gauge!("stuffgate_sessions", "state" => "working").set(count(gauges.working));
        gauge!("stuffgate_sessions", "state" => "idle").set(count(gauges.idle));
        gauge!("stuffgate_pools").set(count(gauges.pools));
        gauge!("stuffgate_pools_failing").set(count(gauges.failing));
        gauge!("stuffgate_server_connections", "state" => "active").set(count(gauges.active_connections));
        gauge!("stuffgate_server_connections", "state" => "idle").set(count(gauges.idle_connections));
        gauge!("stuffgate_waiting").set(count(gauges.waiting));
        gauge!("stuffgate_directory_version").set(number(gauges.directory_version));
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// Prometheus counts in floating point: exact up to 2^53.
#[allow(clippy::cast_precision_loss, reason = "what Prometheus's format does to every number")]
fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_name_of_ours_and_a_help_text_that_reads_as_a_sentence() {
        for (name, help) in COUNTERS.into_iter().chain(GAUGES) {
            assert!(name.starts_with("stuffgate_") && help.ends_with('.'), "{name}: {help}");
        }
        assert!(COUNTERS.iter().all(|(name, _)| name.ends_with("_total")));
    }

    #[test]
    fn what_is_rendered_carries_help_and_the_moment_s_values() {
        let metrics = Metrics::install("1.2.3", 1_700_000_000).expect("the only recorder");
        metrics::counter!("stuffgate_pins_total", "reason" => "listen").increment(2);
        let text = metrics.render(&Gauges { ready: true, idle: 7, ..Gauges::default() });
        for line in [
            "# HELP stuffgate_pins_total Times a session began to keep its server connection, by reason.",
            "# TYPE stuffgate_pins_total counter",
            "stuffgate_pins_total{reason=\"listen\"} 2",
            "stuffgate_sessions{state=\"idle\"} 7",
            "stuffgate_ready 1",
            "stuffgate_info{version=\"1.2.3\"} 1",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is not in\n{text}");
        }
        assert!(Metrics::install("1.2.3", 0).is_err(), "a second recorder");
    }
}
