//! Throw-away Postgres servers in a scratch folder, for the demo and the tests.
