//! What a server answered to one statement, in full: every byte that a client sees.

use bytes::Bytes;
use stuffgate_tests::testkit::{Client, Error, Fields, Frame, frames};

/// How a statement is sent and its result read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// One Query message.
    Simple,
    /// Parse, Describe, Bind, Describe, Execute; the result as text.
    Text,
    /// The same; the result in binary.
    Binary,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::Simple, Self::Text, Self::Binary];
}

/// A column of a result, as RowDescription has it but for where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) oid: u32,
    size: u16,
    modifier: u32,
    format: u16,
}

impl Column {
    pub(crate) fn is_binary(&self) -> bool {
        self.format == 1
    }
}

/// Values of one row; `None` is NULL.
pub(crate) type Row = Vec<Option<Bytes>>;

/// Everything up to ReadyForQuery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Of the statement and of the portal, or only of the result: what descriptions came.
    pub(crate) columns: Vec<Vec<Column>>,
    /// Types of the parameters.
    pub(crate) parameters: Vec<u32>,
    pub(crate) rows: Vec<Row>,
    pub(crate) tags: Vec<String>,
    /// SQLSTATE, position and message.
    pub(crate) error: Option<(String, String, String)>,
    pub(crate) notices: Vec<String>,
    /// CopyOutResponse's body, then what came.
    pub(crate) copy: Option<(Bytes, Vec<Bytes>)>,
    /// NoData and EmptyQueryResponse.
    pub(crate) marks: String,
    pub(crate) status: String,
}

/// Sends a statement and reads the answer.
pub(crate) async fn ask(
    client: &mut Client,
    form: Form,
    sql: &str,
    values: &[Option<&str>],
) -> Result<Reply, Error> {
    let sent = match form {
        Form::Simple => frames::query(sql),
        Form::Text | Form::Binary => [
            frames::parse("", sql),
            frames::describe(b'S', ""),
            bind(values, u8::from(form == Form::Binary)),
            frames::describe(b'P', ""),
            frames::execute("", 0),
            frames::sync(),
        ]
        .concat(),
    };
    client.send(&sent).await?;
    Ok(Reply::of(&client.frames_until(b'Z').await?))
}

/// Bind with parameters as text and all results in one format.
pub(crate) fn bind(values: &[Option<&str>], format: u8) -> Vec<u8> {
    let mut message = frames::bind("", "", values);
    // The last two bytes say that no formats follow.
    message.truncate(message.len() - 2);
    message.extend([0, 1, 0, format]);
    frames::message(b'B', &message[5..])
}

impl Reply {
    fn of(frames: &[Frame]) -> Self {
        let mut reply = Self::default();
        for frame in frames {
            reply.take(frame);
        }
        reply
    }

    fn take(&mut self, frame: &Frame) {
        match frame.tag {
            b'T' => self.columns.push(columns(&frame.body)),
            b't' => self.parameters = frame.body[2..].chunks_exact(4).map(number).collect(),
            b'D' => self.rows.push(row(&frame.body)),
            b'C' => self.tags.extend(frame.texts(0)),
            b'E' => {
                let fields = Fields::of(frame);
                let field = |name| fields.0.get(&name).cloned().unwrap_or_default();
                self.error = Some((field('C'), field('P'), field('M')));
            }
            b'N' => {
                self.notices.push(format!("{} {}", Fields::of(frame).code(), Fields::of(frame).message()));
            }
            b'H' => self.copy = Some((frame.body.clone(), Vec::new())),
            b'd' => {
                if let Some((_, data)) = &mut self.copy {
                    data.push(frame.body.clone());
                }
            }
            b'n' | b'I' => self.marks.push(char::from(frame.tag)),
            b'Z' => self.status = String::from_utf8_lossy(&frame.body).into_owned(),
            _ => {}
        }
    }

    /// SQLSTATE of the error, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.error.as_ref().map_or("", |(code, ..)| code)
    }
}

fn number(four: &[u8]) -> u32 {
    u32::from_be_bytes(four.try_into().unwrap())
}

pub(crate) fn columns(body: &Bytes) -> Vec<Column> {
    let (mut columns, mut rest) = (Vec::new(), &body[2..]);
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        let fixed = &rest[end + 1..end + 19];
        let two = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        columns.push(Column {
            name,
            oid: number(&fixed[6..10]),
            size: two(10),
            modifier: number(&fixed[12..16]),
            format: two(16),
        });
        rest = &rest[end + 19..];
    }
    columns
}

fn row(body: &Bytes) -> Row {
    let (mut row, mut at) = (Vec::new(), 2);
    while at < body.len() {
        let size = usize::try_from(i32::from_be_bytes(body[at..at + 4].try_into().unwrap())).ok();
        at += 4;
        row.push(size.map(|size| body.slice(at..at + size)));
        at += size.unwrap_or(0);
    }
    row
}
