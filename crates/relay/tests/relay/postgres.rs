//! A model of one Postgres backend: which messages answer which, as `src/backend/tcop/postgres.c` has it.
//!
//! What a statement does is the letter its text or name begins with:
//! `r` rows · `0` no rows · `z` empty · `e` error · `i` copy in · `x` copy in that fails at its second
//! CopyData · `o` copy out · `b` begin · `m` end of transaction · `s` suspended portal · `n` notice ·
//! `p` parameter status · `a` notification · `v` an error when the transaction commits.

use testkit::frames;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Copy {
    /// Statements of the simple query still to run; `None` in the extended protocol.
    rest: Option<Vec<u8>>,
    fails: bool,
    seen: usize,
}

/// The backend.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    unread: Vec<u8>,
    status: u8,
    skipping: bool,
    /// Extended-query messages were executed and not committed by a Sync or a simple query.
    segment: bool,
    deferred_error: bool,
    copy: Option<Copy>,
    /// Answers that nothing has flushed yet.
    pub(crate) held: Vec<u8>,
    /// Answers on their way.
    pub(crate) out: Vec<u8>,
    /// Bytes of a DataRow or CopyData.
    row_bytes: usize,
}

impl Postgres {
    pub(crate) fn new(row_bytes: usize) -> Self {
        Self {
            unread: Vec::new(),
            status: b'I',
            skipping: false,
            segment: false,
            deferred_error: false,
            copy: None,
            held: Vec::new(),
            out: Vec::new(),
            row_bytes,
        }
    }

    /// Whether another client could use it now.
    pub(crate) fn is_safe(&self) -> bool {
        self.status == b'I'
            && !self.skipping
            && !self.segment
            && self.owes_nothing()
            && self.unread.is_empty()
    }

    /// Whether no answer is to be expected for what it has read.
    pub(crate) fn owes_nothing(&self) -> bool {
        self.copy.is_none() && self.held.is_empty()
    }

    /// Reads bytes and handles every message that is whole.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(header) = self.unread.get(at..at + 5) {
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            let Some(message) = self.unread.get(at..at + 1 + length) else { break };
            let (tag, body) = (message[0], message[5..].to_vec());
            at += 1 + length;
            self.handle(tag, &body);
        }
        if at > 0 {
            self.unread.drain(..at);
        }
    }

    fn handle(&mut self, tag: u8, body: &[u8]) {
        if self.copy.is_some() {
            return self.in_copy(tag);
        }
        if self.skipping && tag != b'S' {
            return;
        }
        self.segment |= matches!(tag, b'P' | b'B' | b'D' | b'E' | b'C');
        match tag {
            b'd' | b'c' | b'f' => {}
            b'Q' => self.simple(&body[..body.len() - 1]),
            b'P' => self.extended(body[0], &frames::message(b'1', &[])),
            b'B' => {
                let end = body.iter().position(|byte| *byte == 0).expect("a portal name");
                self.extended(body[end + 1], &frames::message(b'2', &[]));
            }
            b'D' if body[0] == b'S' => {
                let described = [frames::message(b't', &[0, 0]), description(body[1])].concat();
                self.extended(body[1], &described);
            }
            b'D' => self.extended(body[1], &description(body[1])),
            b'C' => self.say(&frames::message(b'3', &[])),
            b'E' => self.execute(body[0]),
            b'H' => self.flush(),
            b'S' => {
                self.skipping = false;
                self.commit_implicitly();
                self.ready();
            }
            b'F' => {
                if body[3] == 0 && self.status != b'E' {
                    self.say(&frames::message(b'V', &[0, 0, 0, 1, 7]));
                } else {
                    self.error();
                }
                self.ready();
            }
            other => panic!("the gate let {:?} through", char::from(other)),
        }
    }

    fn extended(&mut self, kind: u8, answer: &[u8]) {
        let gates_own = matches!(kind, b'L' | b'H');
        if kind == b'e' || (self.status == b'E' && kind != b'm' && !gates_own) {
            self.error();
            self.skipping = true;
        } else {
            self.say(answer);
        }
    }

    fn execute(&mut self, kind: u8) {
        if !self.statement(kind, false) && self.copy.is_none() {
            self.skipping = true;
        } else if let Some(copy) = &mut self.copy {
            copy.rest = None;
        }
    }

    fn simple(&mut self, script: &[u8]) {
        let mut rest = script.iter();
        while let Some(kind) = rest.next() {
            let went_well = self.statement(*kind, true);
            if let Some(copy) = &mut self.copy {
                copy.rest = Some(rest.as_slice().to_vec());
                return;
            }
            if !went_well {
                return self.ready();
            }
        }
        if script.is_empty() {
            self.say(&frames::message(b'I', &[]));
        }
        self.commit_implicitly();
        self.ready();
    }

    /// Runs one statement; false if it failed or waits for copy data.
    fn statement(&mut self, kind: u8, simple: bool) -> bool {
        if kind == b'e' || (self.status == b'E' && kind != b'm') {
            self.error();
            return false;
        }
        match kind {
            b'i' | b'x' => {
                self.say(&frames::message(b'G', &[0, 0, 0]));
                self.flush();
                self.copy = Some(Copy { rest: None, fails: kind == b'x', seen: 0 });
                return false;
            }
            b'o' => {
                self.say(&frames::message(b'H', &[0, 0, 0]));
                self.say(&frames::copy_data(&vec![b'o'; self.row_bytes]));
                self.say(&frames::copy_done());
            }
            b'b' => self.status = b'T',
            b'm' => {
                if std::mem::take(&mut self.deferred_error) && self.status == b'T' {
                    self.status = b'I';
                    self.error();
                    return false;
                }
                self.status = b'I';
            }
            b'n' => self.say(&frames::report(b'N', "NOTICE", "00000", "well")),
            b'p' => self.say(&frames::parameter_status("TimeZone", "UTC")),
            b'a' => self.say(&frames::message(b'A', b"\0\0\0\x01x\0y\0")),
            b'v' => self.deferred_error = true,
            _ => {}
        }
        if matches!(kind, b'r' | b's') {
            if simple {
                self.say(&frames::row_description(&["x"]));
            }
            for _ in 0..3 {
                self.say(&frames::message(b'D', &vec![b'r'; self.row_bytes]));
            }
        }
        match kind {
            b'z' => self.say(&frames::message(b'I', &[])),
            b's' if !simple => self.say(&frames::message(b's', &[])),
            _ => self.say(&frames::command_complete("DONE")),
        }
        true
    }

    fn in_copy(&mut self, tag: u8) {
        let copy = self.copy.as_mut().expect("a copy");
        let rest = copy.rest.clone();
        match tag {
            b'H' | b'S' => return,
            b'd' => {
                copy.seen += 1;
                if !(copy.fails && copy.seen == 2) {
                    return;
                }
                self.copy = None;
                self.error();
            }
            b'c' => {
                let fails = copy.fails;
                self.copy = None;
                if !fails {
                    self.say(&frames::command_complete("COPY 1"));
                    if let Some(rest) = rest {
                        self.rest_of_simple(&rest);
                    }
                    return;
                }
                self.error();
            }
            b'f' => {
                self.copy = None;
                self.error();
            }
            other => panic!("the gate let {:?} through during a copy", char::from(other)),
        }
        match rest {
            Some(_) => self.ready(),
            None => self.skipping = true,
        }
    }

    fn rest_of_simple(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            self.commit_implicitly();
            self.ready();
        } else {
            self.simple(rest);
        }
    }

    fn commit_implicitly(&mut self) {
        self.segment = false;
        if self.status == b'I' && std::mem::take(&mut self.deferred_error) {
            self.error();
        }
    }

    fn error(&mut self) {
        self.deferred_error = false;
        if self.status == b'T' {
            self.status = b'E';
        }
        self.say(&frames::report(b'E', "ERROR", "XX000", "no"));
        self.flush();
    }

    fn ready(&mut self) {
        self.segment = false;
        self.say(&frames::ready(self.status));
        self.flush();
    }

    fn say(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        self.out.append(&mut self.held);
    }
}

fn description(kind: u8) -> Vec<u8> {
    if kind == b'0' { frames::message(b'n', &[]) } else { frames::row_description(&["x"]) }
}
