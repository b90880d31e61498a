//! What the gate does inside a store as its admin: provision, grant, revoke, test.
