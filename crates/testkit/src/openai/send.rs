//! From frames to bytes in time: the pace of an answer, and the faults that are about bytes.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::script::{Fault, Script};

/// One event on the wire.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    /// Its sequence number, where events have one.
    pub(super) number: Option<u64>,
    /// Whether it is a piece of the answer: these have a pace.
    pub(super) delta: bool,
}

/// Bytes, and when they are sent.
#[derive(Debug, Clone)]
struct Timed {
    at: Duration,
    bytes: Vec<u8>,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Close {
    /// Properly.
    Whole,
    /// The connection closes in the middle.
    Cut,
    /// Nothing more comes, the connection stays.
    Stall,
    /// Only comments come, one each interval.
    Comments(Duration),
}

/// What is sent, and when.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    sends: Vec<Timed>,
    close: Close,
}

/// What came of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The client has it all: the connection can be used again.
    Whole,
    /// The connection is closed on purpose.
    Closed,
    /// The client went away before the end.
    Abandoned,
}

/// Plans the frames of a script, from the one after `after`.
pub(super) fn plan(script: &Script, frames: &[Frame], after: Option<u64>) -> Plan {
    let mut plan = Plan { sends: Vec::with_capacity(frames.len()), close: Close::Whole };
    // A fault happens to the first connection; whoever comes back gets the rest.
    let faults: &[Fault] = if after.is_some() { &[] } else { &script.faults };
    let comments = faults.contains(&Fault::Comments);
    let (mut deltas, mut at) = (0, Duration::ZERO);
    for frame in frames {
        if frame.delta {
            if plan.fault(faults, deltas, at, frame) {
                return plan.split(faults);
            }
            at += script.interval;
            deltas += 1;
        }
        if after.is_some_and(|after| frame.number.is_none_or(|number| number <= after)) {
            continue;
        }
        if comments {
            plan.send(at, b": keep-alive\n\n");
        }
        plan.send(at, &frame.bytes);
    }
    plan.split(faults)
}

impl Plan {
    fn send(&mut self, at: Duration, bytes: &[u8]) {
        self.sends.push(Timed { at, bytes: bytes.to_vec() });
    }

    /// Applies what goes wrong before this delta; `true` when nothing comes after it.
    fn fault(&mut self, faults: &[Fault], deltas: usize, at: Duration, frame: &Frame) -> bool {
        for fault in faults {
            let close = match fault {
                Fault::Cut { after } if *after == deltas => Close::Cut,
                Fault::Stall { after } if *after == deltas => Close::Stall,
                Fault::OnlyComments { after, every } if *after == deltas => Close::Comments(*every),
                Fault::CutInEvent { after } if *after == deltas => {
                    self.send(at, &frame.bytes[..frame.bytes.len() / 2]);
                    Close::Cut
                }
                Fault::CutInCharacter { after } if *after <= deltas => match frame.bytes.iter().position(|byte| *byte >= 0xC0) {
                    Some(lead) => {
                        self.send(at, &frame.bytes[..=lead]);
                        Close::Cut
                    }
                    None => continue,
                },
                _ => {
                    self.insert(fault, deltas, at, frame);
                    continue;
                }
            };
            self.close = close;
            return true;
        }
        false
    }

    /// Adds an event that does not belong there.
    fn insert(&mut self, fault: &Fault, deltas: usize, at: Duration, frame: &Frame) {
        match fault {
            Fault::Malformed { after } if *after == deltas => self.send(at, b"data: {\"type\": \"response.output_text.delta\", \"delta\": \n\n"),
            Fault::Unknown { after } if *after == deltas => {
                self.send(at, b"event: response.from.the.future\ndata: {\"type\":\"response.from.the.future\",\"delta\":{\"shape\":[1]},\"choices\":[]}\n\n");
            }
            Fault::Duplicate { after } if *after == deltas => self.send(at, &frame.bytes),
            Fault::Error { after, code, message, nested } if *after == deltas => {
                let error = serde_json::json!({"code": code, "message": message, "param": null});
                let data = if *nested {
                    serde_json::json!({"type": "error", "error": error})
                } else {
                    super::responses::merge(serde_json::json!({"type": "error"}), error)
                };
                self.send(at, format!("event: error\ndata: {data}\n\n").as_bytes());
            }
            _ => {}
        }
    }

    fn split(mut self, faults: &[Fault]) -> Self {
        let bytes = faults.iter().find_map(|fault| if let Fault::Split { bytes } = fault { Some((*bytes).max(1)) } else { None });
        if let Some(bytes) = bytes {
            let pieces = |timed: &Timed| timed.bytes.chunks(bytes).map(|piece| Timed { at: timed.at, bytes: piece.to_vec() }).collect::<Vec<_>>();
            self.sends = self.sends.iter().flat_map(pieces).collect();
        }
        self
    }

    /// Sends it, counting time from `started`.
    pub(super) async fn send_to(self, stream: &mut TcpStream, started: Instant, server: &str) -> std::io::Result<Sent> {
        let kind = "content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked";
        let mut buffer = format!("HTTP/1.1 200 OK\r\nserver: {server}\r\n{kind}\r\n\r\n").into_bytes();
        for Timed { at, bytes } in &self.sends {
            let due = started + *at;
            if Instant::now() < due {
                flush(stream, &mut buffer).await?;
                if gone_before(stream, due).await {
                    return Ok(Sent::Abandoned);
                }
            }
            push_chunk(&mut buffer, bytes);
            // Pieces that are due together still go out one by one, as a provider's would.
            flush(stream, &mut buffer).await?;
        }
        match self.close {
            Close::Whole => {
                buffer.extend_from_slice(b"0\r\n\r\n");
                flush(stream, &mut buffer).await?;
                Ok(Sent::Whole)
            }
            Close::Cut => {
                flush(stream, &mut buffer).await?;
                Ok(Sent::Closed)
            }
            Close::Stall => {
                flush(stream, &mut buffer).await?;
                gone_before(stream, started + Duration::from_hours(1)).await;
                Ok(Sent::Abandoned)
            }
            Close::Comments(every) => loop {
                push_chunk(&mut buffer, b": keep-alive\n\n");
                flush(stream, &mut buffer).await?;
                if gone_before(stream, Instant::now() + every).await {
                    return Ok(Sent::Abandoned);
                }
            },
        }
    }
}

fn push_chunk(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    buffer.extend_from_slice(bytes);
    buffer.extend_from_slice(b"\r\n");
}

async fn flush(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<()> {
    stream.write_all(buffer).await?;
    buffer.clear();
    Ok(())
}

/// Waits until `due`; `true` when the client went away before.
pub(super) async fn gone_before(stream: &mut TcpStream, due: Instant) -> bool {
    let mut byte = [0];
    tokio::select! {
        () = sleep_until(due) => false,
        read = stream.read(&mut byte) => !matches!(read, Ok(count) if count > 0),
    }
}
