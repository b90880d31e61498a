//! Postgres bytes to types and back, the handshakes, and the stream they travel on.
