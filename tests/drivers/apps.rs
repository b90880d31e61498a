//! Applications that nobody here wrote, driven over HTTP through their main use, one process for each user.

use crate::harness::Driver;
use std::path::Path;
use std::time::Duration;

/// Unleash waits for jobs of its own, which run every few seconds; four of it share the machine.
const LIMIT: Duration = Duration::from_secs(240);
/// What jobs of Unleash write at times that chance picks, when it has run for two minutes, or for each day.
const BY_THE_CLOCK: &[&str] =
    &["events", "last_seen_at_metrics", "project_stats", "stat_environment_updates", "unknown_flags"];
/// What people wrote, which carries the name of whom that Unleash is run for; nobody else's may be there.
const WRITTEN: &str = "
CREATE TEMP VIEW written AS
    SELECT 'feature' AS what, name, description AS words FROM features
    UNION ALL SELECT 'segment', name, description FROM segments
    UNION ALL SELECT 'strategy', name, description FROM strategies
    UNION ALL SELECT 'user', username, name FROM users
    UNION ALL SELECT 'hook', provider, description FROM addons
    UNION ALL SELECT 'token', type, token_name FROM api_tokens
    UNION ALL SELECT 'event', type, data ->> 'description' FROM events
        WHERE type <> 'application-created';
SELECT what, count(*), count(*) FILTER (WHERE words LIKE '% of {login}') AS own,
       count(*) FILTER (WHERE words LIKE '% of %' AND words NOT LIKE '% of {login}') AS of_others
    FROM written GROUP BY 1 ORDER BY 1;
SELECT what, name, md5(replace(words, '{login}', 'me')) FROM written
    WHERE what NOT IN ('token', 'event') ORDER BY what, name COLLATE \"C\";
SELECT app_name, feature_name, sum(yes), sum(no) FROM client_metrics_env GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*), max(name) FROM migrations;";

#[test]
fn unleash() {
    Driver::new("unleash", "node", "apps/unleash/drive.js")
        .cases(18)
        .limit(LIMIT)
        .by_the_clock(BY_THE_CLOCK)
        .also_left(WRITTEN)
        .run();
}

/// What hangs on how messages sent at once meet, and on whether a job of Synapse was done before its end.
const BY_CHANCE: &[&str] = &[
    "cache_invalidation_stream_by_instance",
    "event_edges",
    "event_push_actions",
    "event_push_summary",
    "scheduled_tasks",
    "state_group_edges",
    "state_groups",
    "state_groups_pending_deletion",
    "state_groups_state",
    "stream_ordering_to_exterm",
    "user_directory",
    "user_directory_search",
    "user_ips",
    "users_in_public_rooms",
    "users_pending_deactivation",
];
/// Where people's words are, which are marked with whom that Synapse is run for.
const SAID: &str = "
CREATE TEMP VIEW written AS
    SELECT 'event' AS what, json AS words FROM event_json
    UNION ALL SELECT 'account data', content FROM account_data
    UNION ALL SELECT 'name', displayname FROM profiles
    UNION ALL SELECT 'topic', topic FROM room_stats_state;
SELECT what, count(*), count(*) FILTER (WHERE words LIKE '%kept for {login}%') AS own,
       count(*) FILTER (WHERE words LIKE '%kept for %' AND words NOT LIKE '%kept for {login}%') AS of_others
    FROM written GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema();
SELECT version, compat_version FROM schema_version, schema_compat_version;";

/// A homeserver of Matrix, with some 170 tables.
#[test]
fn synapse() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/apps/synapse");
    Driver::new("synapse", folder.join(".venv/bin/python"), "apps/synapse/drive.py")
        .cases(21)
        .limit(LIMIT)
        .by_the_clock(BY_CHANCE)
        .also_left(SAID)
        .run();
}
