//! Reads server-sent events from bytes that arrive in any pieces.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its `id`, when it has one that is a number.
    pub id: Option<i64>,
    /// Its `event`; empty when it has none.
    pub kind: String,
    /// Its `data`.
    pub data: String,
}

/// What has arrived and is not a whole event yet.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// No end of an event lies before this.
    searched: usize,
}

impl Frames {
    /// Takes bytes and gives the events that they complete. Comments give nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.buffer.extend_from_slice(bytes);
        let (mut events, mut start) = (Vec::new(), 0);
        let mut at = self.searched.saturating_sub(1);
        while let Some(found) = self.buffer.get(at..).and_then(|rest| rest.windows(2).position(|pair| pair == b"\n\n")) {
            let end = at + found;
            events.extend(read(&self.buffer[start..end]));
            (start, at) = (end + 2, end + 2);
        }
        self.buffer.drain(..start);
        self.searched = self.buffer.len();
        events
    }
}

fn read(block: &[u8]) -> Option<Event> {
    let text = String::from_utf8_lossy(block);
    let mut event = Event { id: None, kind: String::new(), data: String::new() };
    let mut told = false;
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => event.id = value.parse().ok(),
            "event" => value.clone_into(&mut event.kind),
            "data" => {
                if told {
                    event.data.push('\n');
                }
                event.data.push_str(value);
                told = true;
            }
            _ => {}
        }
    }
    told.then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter() {
        let wire = "id: 7\nevent: message.delta\ndata: {\"text\":\"ä\"}\n\n: still here\n\ndata: a\ndata: b\n\ndata: cut".as_bytes();
        let whole = Frames::default().push(wire);
        assert_eq!(whole[0], Event { id: Some(7), kind: "message.delta".into(), data: "{\"text\":\"ä\"}".into() });
        assert_eq!(whole[1], Event { id: None, kind: String::new(), data: "a\nb".into() });
        assert_eq!(whole.len(), 2);
        for size in 1..wire.len() {
            let mut frames = Frames::default();
            let events: Vec<Event> = wire.chunks(size).flat_map(|piece| frames.push(piece)).collect();
            assert_eq!(events, whole, "pieces of {size}");
        }
    }
}
