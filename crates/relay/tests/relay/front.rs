//! A front that does every kind of thing to messages, as their names ask for, and counts.

use relay::{Desk, Front, Notes, Reply, Rows, ServerFault, Status, Verdict};
use testkit::frames;

/// Names of statements, by their first letter: `L` is answered by the gate, `H` is held, `W` is watched,
/// `T` has a token, `N` has a hidden Parse put before it, `G` is gathered, a Close of `M` is
/// marked, of an `R` the rows are shown. Anything else passes.
#[derive(Debug, Default)]
pub(crate) struct NamedFront {
    pub(crate) watched: usize,
    pub(crate) finished: Vec<bool>,
    pub(crate) marks: usize,
    pub(crate) marks_told: usize,
    pub(crate) status: Option<Status>,
    pub(crate) errors: usize,
    pub(crate) reports: usize,
    pub(crate) parameters: Vec<String>,
    /// Lets every message pass, whatever its name.
    pub(crate) passes_all: bool,
    /// There is no room for long messages.
    pub(crate) is_crowded: bool,
    /// What an error or notice is replaced by.
    pub(crate) replacement: Option<Vec<u8>>,
    /// The lengths of the rows that it was shown.
    pub(crate) rows: Vec<usize>,
    /// What a row is replaced by.
    pub(crate) row: Option<Vec<u8>>,
    /// No row can be read.
    pub(crate) reads_no_row: bool,
}

impl Front for NamedFront {
    fn admits(&mut self, _total: usize) -> bool {
        !self.is_crowded
    }

    fn judge(&mut self, message: &[u8], total: usize, desk: &mut Desk<'_>) -> Verdict {
        assert!(message.len() <= total, "more than the message was shown");
        let tag = message[0];
        let name = match tag {
            b'D' | b'C' => message.get(6),
            b'B' => message[5..].iter().position(|byte| *byte == 0).and_then(|end| message.get(5 + end + 1)),
            _ => message.get(5),
        };
        match (name.copied(), tag) {
            _ if self.passes_all => Verdict::Pass,
            (Some(b'L'), b'P') => {
                desk.ledger.answer(b'1');
                Verdict::Sent { head: total }
            }
            (Some(b'H'), b'P') => Verdict::Hold,
            (Some(b'W'), _) => {
                self.watched += 1;
                Verdict::PassNoted(Notes { watched: true, rows: Rows::NONE })
            }
            (Some(b'R'), _) => Verdict::PassNoted(Notes { watched: false, rows: Rows::of([true]) }),
            (Some(b'M'), b'C') => {
                self.marks += 1;
                desk.server.buffer().extend_from_slice(message);
                desk.ledger.expect(Reply::Close);
                desk.ledger.mark();
                Verdict::Sent { head: total }
            }
            (Some(b'N'), b'B') => {
                desk.server.buffer().extend_from_slice(&frames::parse("hidden", "hidden"));
                desk.ledger.expect_hidden(Reply::Parse);
                desk.server.buffer().extend_from_slice(&message[..6]);
                desk.ledger.expect(Reply::Bind);
                Verdict::Sent { head: 6 }
            }
            (Some(b'G'), b'B') if message.len() < total => Verdict::Gather,
            _ => Verdict::Pass,
        }
    }

    fn failed(&mut self) {
        self.errors += 1;
    }

    fn ready(&mut self, status: Status) {
        self.status = Some(status);
    }

    fn finished(&mut self, ok: bool) {
        self.finished.push(ok);
    }

    fn marks_kept(&mut self, count: usize) {
        self.marks_told += count;
    }

    fn marks_undone(&mut self, count: usize, _: bool) {
        self.marks_told += count;
    }

    fn parameter(&mut self, name: &[u8], _: &[u8]) -> bool {
        self.parameters.push(String::from_utf8_lossy(name).into_owned());
        name != b"secret"
    }

    fn report(&mut self, message: &[u8], _about: u32) -> Option<Vec<u8>> {
        assert!(matches!(message[0], b'E' | b'N' | b'A'));
        self.reports += 1;
        self.replacement.clone()
    }

    fn row(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ServerFault> {
        assert!(matches!(message[0], b'D' | b'd'));
        let length = u32::from_be_bytes(message[1..5].try_into().expect("four bytes"));
        assert_eq!(message.len(), 1 + length as usize, "not a whole row");
        self.rows.push(message.len());
        if self.reads_no_row { Err(ServerFault::Malformed(message[0].into())) } else { Ok(self.row.clone()) }
    }
}
