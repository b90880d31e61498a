//! The admin console over psql, and health and metrics over HTTP.
