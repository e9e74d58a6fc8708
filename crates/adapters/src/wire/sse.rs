//! Server-sent events from bytes, however the bytes are split.
//!
//! Each byte is looked at once, also when one event comes in thousands of pieces, and the data of an event is
//! borrowed from the buffer unless it has several lines.

use std::ops::Range;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SseEvent<'b> {
    /// Its `event` field; empty when there is none.
    pub(crate) name: &'b [u8],
    /// Its data, lines joined by line feeds.
    pub(crate) data: &'b [u8],
}

/// Where the data of the event that is being read lies.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    /// One line, in the buffer.
    Line(Range<usize>),
    /// Several lines, joined.
    Lines(Vec<u8>),
}

/// Reads events out of bytes.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    buffer: Vec<u8>,
    /// Where the line that is being read begins.
    line: usize,
    /// Up to where that line is known to go on.
    scanned: usize,
    name: Vec<u8>,
    data: Data,
    /// The last line ended with a carriage return: a line feed may still belong to it.
    after_return: bool,
    begun: bool,
    given: bool,
}

impl SseParser {
    /// Takes bytes, which may begin and end anywhere.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.settle();
        let keep = self.unread();
        if keep > 0 {
            self.buffer.drain(..keep);
            self.line -= keep;
            self.scanned -= keep;
            if let Data::Line(range) = &mut self.data {
                *range = range.start - keep..range.end - keep;
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The bytes are over: what is left counts as if its lines were whole.
    pub(crate) fn finish(&mut self) {
        self.push(b"\n\n");
    }

    /// How many bytes wait for the rest of their event.
    pub(crate) fn pending(&self) -> usize {
        self.buffer.len() - self.unread() + if let Data::Lines(lines) = &self.data { lines.len() } else { 0 }
    }

    /// Where that begins which is not over yet.
    fn unread(&self) -> usize {
        match &self.data {
            Data::Line(range) if !self.given => range.start,
            _ => self.line,
        }
    }

    /// The next whole event.
    pub(crate) fn next(&mut self) -> Option<SseEvent<'_>> {
        self.settle();
        if !self.advance() {
            return None;
        }
        self.given = true;
        let data = match &self.data {
            Data::None => &[],
            Data::Line(range) => &self.buffer[range.clone()],
            Data::Lines(lines) => lines.as_slice(),
        };
        Some(SseEvent { name: &self.name, data })
    }

    /// Forgets the event that was given last.
    fn settle(&mut self) {
        if std::mem::take(&mut self.given) {
            self.name.clear();
            self.data = Data::None;
        }
    }

    /// Reads lines up to the end of an event; `false` when the bytes are over before.
    fn advance(&mut self) -> bool {
        while let Some(line) = self.next_line() {
            if !line.is_empty() {
                self.field(line);
            } else if matches!(self.data, Data::None) {
                self.name.clear();
            } else {
                return true;
            }
        }
        false
    }

    fn next_line(&mut self) -> Option<Range<usize>> {
        if self.after_return && self.line < self.buffer.len() {
            self.after_return = false;
            if self.buffer[self.line] == b'\n' {
                self.line += 1;
            }
            self.scanned = self.scanned.max(self.line);
        }
        let Some(length) = self.buffer[self.scanned..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + length;
        let mut start = self.line;
        self.after_return = self.buffer[end] == b'\r';
        self.line = end + 1;
        self.scanned = self.line;
        if !self.begun {
            self.begun = true;
            if self.buffer[start..end].starts_with(&[0xEF, 0xBB, 0xBF]) {
                start += 3;
            }
        }
        Some(start..end)
    }

    fn field(&mut self, line: Range<usize>) {
        let bytes = &self.buffer[line.clone()];
        let colon = bytes.iter().take(16).position(|byte| *byte == b':').unwrap_or(bytes.len());
        let mut value = (line.start + colon + 1).min(line.end)..line.end;
        if self.buffer.get(value.start) == Some(&b' ') && !value.is_empty() {
            value.start += 1;
        }
        match &bytes[..colon] {
            b"data" => {
                self.data = match std::mem::take(&mut self.data) {
                    Data::None => Data::Line(value),
                    Data::Line(first) => Data::Lines([&self.buffer[first], &self.buffer[value]].join(&b'\n')),
                    Data::Lines(mut lines) => {
                        lines.push(b'\n');
                        lines.extend_from_slice(&self.buffer[value]);
                        Data::Lines(lines)
                    }
                };
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(&self.buffer[value]);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece);
            while let Some(event) = parser.next() {
                events.push((String::from_utf8_lossy(event.name).into_owned(), String::from_utf8_lossy(event.data).into_owned()));
            }
        }
        events
    }

    fn pair(name: &str, data: &str) -> (String, String) {
        (name.into(), data.into())
    }

    #[test]
    fn fields_comments_and_line_ends() {
        let text = "\u{feff}: hello\r\nevent: one\r\ndata: a\r\ndata:b\r\n\r\nevent: lost\n\ndata\n\nid: 7\ndata:  two: 2\rretry: 1\r\rdata: never";
        assert_eq!(read(&[text.as_bytes()]), [pair("one", "a\nb"), pair("", ""), pair("", " two: 2")]);
    }

    #[test]
    fn an_event_of_many_pieces_is_read_once() {
        let data = "x".repeat(4 << 20);
        let text = format!("data: {data}\n\n");
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(16).collect();
        let started = std::time::Instant::now();
        assert_eq!(read(&pieces), [pair("", &data)]);
        assert!(started.elapsed().as_secs() < 10, "reading is not linear");
    }

    #[test]
    fn what_is_left_at_the_end_counts() {
        let mut parser = SseParser::default();
        parser.push(b"data: a\n\ndata: b");
        assert_eq!(parser.next().map(|event| event.data), Some(b"a".as_slice()));
        assert_eq!(parser.next(), None);
        parser.finish();
        assert_eq!(parser.next().map(|event| event.data), Some(b"b".as_slice()));
        assert_eq!(parser.next(), None);
    }

    fn line() -> impl Strategy<Value = String> {
        let field = prop_oneof!["data: ?", "data:", "event: ?", ": ?", "", "id: ", "da", "data: 🦀"];
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
        (field, "[a-zé:{\" ]{0,9}", end).prop_map(|(field, value, end)| format!("{field}{value}{end}"))
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(lines in prop::collection::vec(line(), 0..24), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let bytes = lines.concat().into_bytes();
            let whole = read(&[&bytes]);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&read(&single), &whole);
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&read(&pieces), &whole);
        }
    }
}
