//! SQL's own prepared statements, `PREPARE` and `EXECUTE`: the protocol's, by the same names.

use super::hearing::Fault;
use super::kept::{Prepared, What};
use super::own::{Also, Nature, nature};
use super::refusals;
use super::talk::Talk;
use bytes::Bytes;
use fanout::{Event, Values};
use sql::Kind;
use std::sync::Arc;
use wire::Fields;
use wire::frame::{HEADER_BYTES, Reader};

/// Type oid of `unknown`, which stands for a type that is to be found out.
const UNKNOWN_OID: u32 = 705;

/// Types whose text is not all of their value under every setting, and that are the same number everywhere: floats,
/// dates and times, `interval`, `money`, and arrays of these.
const STYLED_OIDS: [u32; 20] = [
    700, 701, 1021, 1022, 1082, 1182, 1083, 1183, 1266, 1270, 1114, 1115, 1184, 1185, 1186, 1187, 790, 791,
    3910, 3908,
];

/// A `PREPARE` whose statement home has judged.
#[derive(Clone, Debug)]
pub(super) struct Named {
    name: String,
    /// The statement's own text, and the types that it was given.
    text: String,
    types: Vec<u32>,
    what: What,
}

/// An `EXECUTE` of a statement that there is.
#[derive(Clone, Debug)]
pub(super) struct Executed {
    pub(super) statement: Arc<Prepared>,
    /// As they are written.
    arguments: Vec<String>,
}

impl Talk<'_> {
    /// A `PREPARE`, as home judges its statement; `None` where home knows what is wrong with it.
    pub(super) async fn judge_prepare(&mut self, kind: &Kind, text: &str) -> Result<Option<What>, Fault> {
        let Some(prepare) = matches!(kind, Kind::Prepare { .. }).then(|| sql::prepared(text)).flatten()
        else {
            return Ok(None);
        };
        let (head, inner) = text.split_at_checked(prepare.statement).unwrap_or((text, ""));
        let analysis = sql::analyse(inner.as_bytes());
        let [statement] = analysis.statements.as_slice() else { return Ok(None) };
        let Nature::Asked(asked, also) = nature(statement, inner) else { return Ok(None) };
        if statement.kind != Kind::Other && also == Also::default() {
            return Ok(None); // COPY, DECLARE and the like are not prepared in SQL
        }
        let types: Vec<&str> = prepare.types.iter().filter_map(|range| text.get(range.clone())).collect();
        let types = self.types_of(&types).await?;
        let asked = self.ask(&asked, &types, also).await;
        let asked = asked.map_err(|fault| fault.behind(head.chars().count()))?;
        let (text, what) = (inner.to_owned(), What::Asked(asked));
        Ok(Some(What::Named(Box::new(Named { name: prepare.name, text, types, what }))))
    }

    /// `PREPARE`
    pub(super) fn prepare(&mut self, named: &Named) -> Result<(), Box<Fields>> {
        self.kept.has_room_for(&named.name)?;
        self.kept.keep(&named.name, &named.text, &named.types, named.what.clone())
    }

    /// An `EXECUTE`, with the statement that it is of; `None` where home knows what is wrong with it.
    pub(super) async fn judge_execute(&mut self, kind: &Kind, text: &str) -> Result<Option<What>, Fault> {
        let Some(execute) = matches!(kind, Kind::Execute { .. }).then(|| sql::executed(text)).flatten()
        else {
            return Ok(None);
        };
        let statement = Box::pin(self.prepared(&execute.name)).await?;
        let What::Asked(asked) = &statement.what else {
            return Err(refusals::not_supported("EXECUTE of what the gate itself answers").into());
        };
        let (needed, given) = (asked.described.parameters.len(), execute.arguments.len());
        // As Postgres, which looks at no argument where there is no parameter.
        if needed != given && needed > 0 {
            return Err(refusals::argument_count(&execute.name, needed, given).into());
        }
        let arguments = execute.arguments.iter().filter_map(|range| text.get(range.clone()));
        let arguments = arguments.map(str::to_owned).collect();
        Ok(Some(What::Executed(Box::new(Executed { statement, arguments }))))
    }

    /// The values that the arguments of an `EXECUTE` come to, with result `formats`.
    pub(super) async fn values_of(&mut self, executed: &Executed, formats: &[i16]) -> Result<Values, Fault> {
        let mut values = Values { results: formats.to_vec(), ..Values::default() };
        let types = executed.statement.asked().map(|asked| asked.described.parameters.clone());
        if let Some(types) = types.filter(|types| !types.is_empty()) {
            let name = |oid: &u32| format!("pg_catalog.format_type({oid}, NULL)");
            let names: Vec<String> = types.iter().map(name).collect();
            let names = self.row_of(&format!("SELECT {}", names.join(", ")), &[]).await?;
            values.formats = types.iter().map(|oid| i16::from(STYLED_OIDS.contains(oid))).collect();
            let casts = executed.arguments.iter().zip(names.iter().flatten());
            let casts =
                casts.map(|(argument, name)| format!("({argument})::{}", String::from_utf8_lossy(name)));
            let query = format!("SELECT {}", casts.collect::<Vec<_>>().join(", "));
            values.parameters = self.row_of(&query, &values.formats).await?;
        }
        Ok(values)
    }

    /// The numbers of types, each as it is written.
    async fn types_of(&mut self, types: &[&str]) -> Result<Vec<u32>, Fault> {
        if types.is_empty() {
            return Ok(Vec::new());
        }
        let nulls: Vec<String> = types.iter().map(|name| format!("NULL::{name}")).collect();
        let asked = self.ask(&format!("SELECT {}", nulls.join(", ")), &[], Also::default()).await;
        let asked = asked.map_err(Fault::unplaced)?;
        let columns = asked.described.columns.as_deref().unwrap_or_default();
        let known = |oid: u32| if oid == UNKNOWN_OID { 0 } else { oid };
        Ok(columns.iter().map(|column| known(column.oid)).collect())
    }

    /// The one row that a query of the gate's own comes to, in these formats.
    async fn row_of(&mut self, query: &str, formats: &[i16]) -> Result<Vec<Option<Bytes>>, Fault> {
        let asked = self.ask(query, &[], Also::default()).await.map_err(Fault::unplaced)?;
        if !asked.described.parameters.is_empty() {
            return Err(refusals::no_argument().into());
        }
        let values = Values { results: formats.to_vec(), ..Values::default() };
        let mut running = self.start(&asked, values).await?;
        let mut row = Vec::new();
        loop {
            match self.heeding(|cx| running.poll_next(cx)).await? {
                Some(Event::Rows { messages, .. }) if row.is_empty() => row = first_row(&messages),
                Some(Event::Rows { .. } | Event::Copied(_) | Event::Notice(_) | Event::Progress { .. }) => {}
                Some(Event::End(Ok(_))) => return Ok(row),
                Some(Event::End(Err(failure))) => return Err(Fault::Told(failure.fields).unplaced()),
                None => return Err(refusals::lost().into()),
            }
        }
    }
}

/// The values of the first of some rows.
fn first_row(messages: &[u8]) -> Vec<Option<Bytes>> {
    let mut row = Reader::new(messages.get(HEADER_BYTES..).unwrap_or_default());
    let count = row.u16().unwrap_or_default();
    (0..count).map_while(|_| row.value()).map(|value| value.map(Bytes::copy_from_slice)).collect()
}
