//! Names of a store's own code behind which session state may change: functions that set parameters,
//! and the tables and views that call them.

use pool::{Lease, ResetError};
use std::sync::Arc;

/// Most names that are looked for one by one; where there are more, every statement is suspected.
const MAX_NAMES: usize = 64;

/// Stands for "every statement".
const ANY: &str = "*";

/// Between names; no identifier can hold it and come through as one.
const SEPARATOR: char = '\n';

/// Functions whose text may change session state (it is in a language that cannot be read here, or
/// has a statement or call in it that does so), and the relations that have them as triggers, in
/// rules (views among them) or in defaults. Functions of extensions are taken to be harmless, and so
/// are those that belong to a type, such as a range's constructors.
const FIND: &str = r"
WITH suspect AS (
  SELECT p.oid, p.proname
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace
    AND p.pronamespace <> 'information_schema'::pg_catalog.regnamespace
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
    AND (l.lanname NOT IN ('sql', 'plpgsql')
      OR coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) ~*
         '(^|;|\mbegin|\mthen|\melse|\mloop)\s*(set|reset|discard|listen|unlisten|prepare|deallocate|load)\M|set_config|\mexecute\M|advisory_(un)?lock|\mtemp(orary)?\M')
), named AS (
  SELECT proname AS name FROM suspect
  UNION
  SELECT c.relname FROM suspect s JOIN pg_catalog.pg_trigger t ON t.tgfoid = s.oid
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  UNION
  SELECT c.relname FROM suspect s
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid = s.oid
    LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
    LEFT JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = coalesce(r.ev_class, a.adrelid)
)
SELECT pg_catalog.string_agg(name, E'\n') FROM named";

/// The names, as the pool remembers them or the server tells them now.
pub(crate) async fn names(lease: &mut Lease) -> Result<Arc<[Box<str>]>, ResetError> {
    if let Some(known) = lease.stateful() {
        return Ok(known);
    }
    let epoch = lease.epoch();
    let found = Box::pin(lease.ask(FIND)).await?.unwrap_or_default();
    let names: Vec<Box<str>> =
        found.split(SEPARATOR).filter(|name| !name.is_empty()).map(Into::into).collect();
    let names: Arc<[Box<str>]> = if names.len() > MAX_NAMES { [ANY.into()].into() } else { names.into() };
    lease.note_stateful(epoch, Arc::clone(&names));
    Ok(names)
}

/// Whether a statement's text holds one of the names, however it is quoted.
pub(crate) fn concerns(names: &[Box<str>], text: &[u8]) -> bool {
    names.iter().any(|name| &**name == ANY || is_named(name.as_bytes(), text))
}

/// Whether the text has the name as a whole, not as a part of a longer one.
fn is_named(name: &[u8], text: &[u8]) -> bool {
    let goes_on = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80)
    };
    let found = |at: usize, part: &[u8]| {
        part.eq_ignore_ascii_case(name) && !goes_on(at.checked_sub(1)) && !goes_on(Some(at + name.len()))
    };
    text.windows(name.len()).enumerate().any(|(at, part)| found(at, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_case_and_a_star_stands_for_everything() {
        let names: [Box<str>; 1] = ["touch".into()];
        assert!(concerns(&names, b"SELECT TOUCH(1)"));
        assert!(!concerns(&names, b"SELECT 1"));
        assert!(concerns(&["*".into()], b"SELECT 1"));
        assert!(!concerns(&[], b"SELECT touch(1)"));
    }

    #[test]
    fn a_part_of_a_longer_name_is_no_name() {
        let names: [Box<str>; 1] = ["fr".into()];
        for harmless in ["SELECT 1 FROM t", "SELECT afr(1)", "SELECT fr_x, _fr, fr$, frü"] {
            assert!(!concerns(&names, harmless.as_bytes()), "{harmless}");
        }
        for named in ["fr(1)", "SELECT todo.fr", "SELECT \"fr\"()", "SELECT 1 FROM fr"] {
            assert!(concerns(&names, named.as_bytes()), "{named}");
        }
    }
}
