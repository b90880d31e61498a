//! The last statement on home, whose rows are the client's.

use crate::home::Home;
use crate::reply;
use crate::run::Teller;
use crate::{Event, Values};
use bytes::Bytes;
use wire::Fields;
use wire::frame::{self, backend};

/// Bytes of rows that are told at a time, as far as whole rows allow.
const CHUNK_BYTES: usize = 32 * 1024;

/// Runs `sql` and passes its rows on as they come; the tag of its CommandComplete.
pub(crate) async fn last(
    home: &mut Home,
    sql: &str,
    types: &[u32],
    values: &Values,
    teller: &Teller,
) -> Result<String, Box<Fields>> {
    let parameters: Vec<Option<&[u8]>> = values.parameters.iter().map(|value| value.as_deref()).collect();
    let out = home.out();
    frame::parse(out, "", sql, types);
    frame::bind(out, "", "", &values.formats, &parameters, &values.results);
    frame::execute(out, "", 0);
    home.sync();
    pass(home, teller).await
}

/// Passes on what comes up to ReadyForQuery: rows, copied data, notices.
pub(crate) async fn pass(home: &mut Home, teller: &Teller) -> Result<String, Box<Fields>> {
    let (mut tag, mut refused) = (String::new(), None);
    let mut chunk = Chunk::default();
    loop {
        let header = home.next().await?;
        for notice in home.take_notices() {
            teller.tell(Event::Notice(Box::new(notice))).await;
        }
        let kind = match header.tag {
            backend::DATA_ROW => Some(Kind::Rows),
            backend::COPY_OUT_RESPONSE | backend::COPY_DATA | backend::COPY_DONE => Some(Kind::Copied),
            _ => None,
        };
        if let Some(kind) = kind {
            if chunk.kind != kind || chunk.bytes.len() >= CHUNK_BYTES {
                chunk.tell(teller).await;
                chunk.kind = kind;
            }
            chunk.bytes.extend_from_slice(home.message(header));
            chunk.count += 1;
            home.consume(header);
            continue;
        }
        chunk.tell(teller).await;
        match header.tag {
            backend::READY_FOR_QUERY => {
                home.take_ready(header);
                return refused.map_or(Ok(tag), Err);
            }
            backend::ERROR_RESPONSE => refused = Some(home.take_error(header)),
            backend::COMMAND_COMPLETE => {
                tag = reply::tag(home.body(header));
                home.consume(header);
            }
            _ => home.consume(header),
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Rows,
    Copied,
}

/// Messages that have come and are not told yet.
#[derive(Default)]
struct Chunk {
    kind: Kind,
    bytes: Vec<u8>,
    count: u64,
}

impl Chunk {
    async fn tell(&mut self, teller: &Teller) {
        if self.bytes.is_empty() {
            return;
        }
        let messages = Bytes::from(std::mem::take(&mut self.bytes));
        let count = std::mem::take(&mut self.count);
        teller
            .tell(match self.kind {
                Kind::Rows => Event::Rows { messages, count },
                Kind::Copied => Event::Copied(messages),
            })
            .await;
    }
}
