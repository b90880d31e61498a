//! What the end-to-end tests share: a running gate with its stores.
