//! Real Postgres clusters, a scripted client and server, certificates: for tests and the demo.
