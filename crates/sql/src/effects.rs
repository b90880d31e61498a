//! What a statement does to the session that runs it, as a set of facts.

use std::ops::{BitOr, BitOrAssign};

/// A set of facts that decide whether a session must keep its server, and more.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Effects(u32);

/// Names and bits, for `Debug` and for whoever counts reasons.
const EFFECTS: &[(&str, Effects)] = &[
    ("listen", Effects::LISTEN),
    ("temp", Effects::TEMP),
    ("hold", Effects::HOLD),
    ("advisory lock", Effects::SESSION_ADVISORY),
    ("prepare", Effects::SQL_PREPARE),
    ("unreplayable", Effects::UNREPLAYABLE),
    ("parameter", Effects::SETS_PARAMETER),
    ("local parameter", Effects::SETS_LOCAL),
    ("role", Effects::ROLE),
    ("session authorization", Effects::SESSION_AUTHORIZATION),
    ("sequence", Effects::SEQUENCE_STATE),
    ("ddl", Effects::DDL),
    ("function ddl", Effects::FUNCTION_DDL),
    ("savepoint", Effects::SAVEPOINT),
    ("two-phase", Effects::TWO_PHASE),
];

impl Effects {
    /// Nothing that outlives the statement.
    pub const NONE: Self = Self(0);
    /// `LISTEN`
    pub const LISTEN: Self = Self(1);
    /// Makes or names something temporary.
    pub const TEMP: Self = Self(1 << 1);
    /// A cursor `WITH HOLD`.
    pub const HOLD: Self = Self(1 << 2);
    /// Takes an advisory lock of the session (not of the transaction).
    pub const SESSION_ADVISORY: Self = Self(1 << 3);
    /// `PREPARE name`
    pub const SQL_PREPARE: Self = Self(1 << 4);
    /// May change the session in a way that cannot be done again elsewhere: `DO`, `CALL`, `LOAD`,
    /// `setseed`, `dblink_connect`, `set_config` in company or of a parameter not named in the text.
    pub const UNREPLAYABLE: Self = Self(1 << 5);
    /// `SET`, `RESET` or `set_config`.
    pub const SETS_PARAMETER: Self = Self(1 << 6);
    /// Sets a parameter for the transaction only.
    pub const SETS_LOCAL: Self = Self(1 << 7);
    /// `SET ROLE`
    pub const ROLE: Self = Self(1 << 8);
    /// `SET SESSION AUTHORIZATION`
    pub const SESSION_AUTHORIZATION: Self = Self(1 << 9);
    /// `currval` or `lastval`: reads what an earlier statement left in the server's session.
    pub const SEQUENCE_STATE: Self = Self(1 << 10);
    /// Defines, changes or drops something.
    pub const DDL: Self = Self(1 << 11);
    /// The same of code that the server runs: functions, triggers, rules, extensions.
    pub const FUNCTION_DDL: Self = Self(1 << 12);
    /// `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`
    pub const SAVEPOINT: Self = Self(1 << 13);
    /// `PREPARE TRANSACTION` and what ends it.
    pub const TWO_PHASE: Self = Self(1 << 14);

    /// Are all of `other` among these?
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is one of `other` among these?
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Are there none?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The name of each.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        EFFECTS.iter().filter(move |(_, bit)| self.contains(*bit)).map(|(name, _)| *name)
    }
}

impl BitOr for Effects {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Effects {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::fmt::Debug for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
