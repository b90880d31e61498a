//! One client's life: greeting, login, ready, leased, draining.
