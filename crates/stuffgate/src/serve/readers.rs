//! Where fan-outs find the read-only roles of grants: the registry, read when it is asked.

use fanout::{Reader, Readers};
use model::GrantId;
use registry::ReaderRoles;

/// The registry's, for fan-outs.
pub(crate) struct FromRegistry(pub(crate) ReaderRoles);

impl Readers for FromRegistry {
    fn find(&self, grants: &[GrantId]) -> Vec<Option<Reader>> {
        match self.0.find(grants) {
            Ok(found) => found.into_iter().map(|reader| reader.map(of_registry)).collect(),
            Err(error) => {
                tracing::error!(%error, "the read-only roles of grants cannot be looked up");
                grants.iter().map(|_| None).collect()
            }
        }
    }
}

fn of_registry(reader: registry::Reader) -> Reader {
    Reader { role: reader.role, credential: reader.credential }
}
