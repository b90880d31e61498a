//! Leases on server connections: dial, log in, reset, health and budget.
