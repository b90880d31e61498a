//! Where services, users, stores, grants and logins are kept: SQLite, sealed secrets, and the changes a running gate follows.
