//! The hot path: frames between one client and one leased server until a safe point.
