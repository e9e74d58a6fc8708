//! The Responses API on the wire: the whole sequence of events of an answer, and the answer as one document.

use serde_json::{Value, json};

use super::{
    script::{Dialect, Ending, Fault, Output, Script},
    send::Frame,
};

/// When every answer was made. Nobody asks the clock here.
const CREATED: u64 = 1_780_000_000;

/// Writes the events of one answer.
pub(super) struct Writer<'s> {
    script: &'s Script,
    request: &'s Value,
    id: &'s str,
    frames: Vec<Frame>,
    number: u64,
    output: Vec<Value>,
}

/// The events of an answer, in order.
pub(super) fn frames(script: &Script, request: &Value, id: &str) -> Vec<Frame> {
    let mut writer = Writer { script, request, id, frames: Vec::new(), number: 0, output: Vec::new() };
    writer.write();
    writer.frames
}

/// The answer as one document.
pub(super) fn document(script: &Script, request: &Value, id: &str) -> Value {
    let mut writer = Writer { script, request, id, frames: Vec::new(), number: 0, output: Vec::new() };
    writer.write();
    writer.response(writer.status())
}

impl Writer<'_> {
    fn full(&self) -> bool {
        self.script.dialect == Dialect::Full
    }

    fn write(&mut self) {
        self.event("response.created", json!({"response": self.response("in_progress")}), false);
        self.event("response.in_progress", json!({"response": self.response("in_progress")}), false);
        for (index, output) in self.script.output.iter().enumerate() {
            match output {
                Output::Text { pieces, sources } => self.message(index, "output_text", pieces, sources),
                Output::Refusal(pieces) => self.message(index, "refusal", pieces, &[]),
                Output::Reasoning(pieces) => self.reasoning(index, pieces),
                Output::Call { call_id, name, arguments } => self.call(index, call_id, name, arguments),
            }
        }
        if !self.script.has(&Fault::NoEnd) {
            let kind = match self.script.ending {
                Ending::Completed => "response.completed",
                Ending::Incomplete(_) => "response.incomplete",
                Ending::Failed { .. } => "response.failed",
            };
            self.event(kind, json!({"response": self.response(self.status())}), false);
        }
    }

    const fn status(&self) -> &'static str {
        match self.script.ending {
            Ending::Completed => "completed",
            Ending::Incomplete(_) => "incomplete",
            Ending::Failed { .. } => "failed",
        }
    }

    fn event(&mut self, kind: &str, mut fields: Value, delta: bool) {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("type".into(), kind.into());
            if self.full() {
                fields.insert("sequence_number".into(), self.number.into());
            } else {
                fields.retain(|name, _| !matches!(name.as_str(), "output_index" | "content_index" | "summary_index" | "annotation_index" | "logprobs"));
            }
        }
        self.frames.push(Frame { bytes: format!("event: {kind}\ndata: {fields}\n\n").into_bytes(), number: Some(self.number), delta });
        self.number += 1;
    }

    fn item_id(&self, kind: &str, index: usize) -> String {
        format!("{kind}_{}_{index}", self.id)
    }

    /// A message with one content part: text or a refusal.
    fn message(&mut self, index: usize, kind: &str, pieces: &[String], sources: &[(String, String)]) {
        let id = self.item_id("msg", index);
        let text = pieces.concat();
        let source =
            |(title, url): &(String, String)| json!({"type": "url_citation", "start_index": 0, "end_index": text.chars().count(), "title": title, "url": url});
        let annotations: Vec<Value> = sources.iter().map(source).collect();
        let part = |text: &str| match kind {
            "refusal" => json!({"type": kind, "refusal": text}),
            _ => json!({"type": kind, "text": text, "annotations": if text.is_empty() { json!([]) } else { json!(annotations) }, "logprobs": []}),
        };
        let item = |status: &str, content: Value| json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": content});
        let place = |fields: Value| merge(json!({"item_id": id, "output_index": index, "content_index": 0}), fields);
        self.event("response.output_item.added", json!({"output_index": index, "item": item("in_progress", json!([]))}), false);
        self.event("response.content_part.added", place(json!({"part": part("")})), false);
        for piece in pieces {
            let delta = if kind == "refusal" { json!({"delta": piece}) } else { json!({"delta": piece, "logprobs": []}) };
            self.event(&format!("response.{kind}.delta"), place(delta), true);
        }
        for (number, annotation) in annotations.iter().enumerate() {
            self.event("response.output_text.annotation.added", place(json!({"annotation_index": number, "annotation": annotation})), false);
        }
        let done = if kind == "refusal" { json!({"refusal": text}) } else { json!({"text": text, "logprobs": []}) };
        self.event(&format!("response.{kind}.done"), place(done), false);
        self.event("response.content_part.done", place(json!({"part": part(&text)})), false);
        let item = item("completed", json!([part(&text)]));
        self.event("response.output_item.done", json!({"output_index": index, "item": item}), false);
        self.output.push(item);
    }

    fn reasoning(&mut self, index: usize, pieces: &[String]) {
        let id = self.item_id("rs", index);
        let text = pieces.concat();
        let part = |text: &str| json!({"type": "summary_text", "text": text});
        let item = |summary: Value| json!({"id": id, "type": "reasoning", "summary": summary, "encrypted_content": null});
        let place = |fields: Value| merge(json!({"item_id": id, "output_index": index, "summary_index": 0}), fields);
        self.event("response.output_item.added", json!({"output_index": index, "item": item(json!([]))}), false);
        self.event("response.reasoning_summary_part.added", place(json!({"part": part("")})), false);
        for piece in pieces {
            self.event("response.reasoning_summary_text.delta", place(json!({"delta": piece})), true);
        }
        self.event("response.reasoning_summary_text.done", place(json!({"text": text})), false);
        self.event("response.reasoning_summary_part.done", place(json!({"part": part(&text)})), false);
        let item = item(json!([part(&text)]));
        self.event("response.output_item.done", json!({"output_index": index, "item": item}), false);
        self.output.push(item);
    }

    fn call(&mut self, index: usize, call_id: &str, name: &str, arguments: &[String]) {
        let id = self.item_id("fc", index);
        let item = |status: &str, arguments: &str| json!({"id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name, "arguments": arguments});
        let place = |fields: Value| merge(json!({"item_id": id, "output_index": index}), fields);
        self.event("response.output_item.added", json!({"output_index": index, "item": item("in_progress", "")}), false);
        for piece in arguments {
            self.event("response.function_call_arguments.delta", place(json!({"delta": piece})), true);
        }
        let whole = arguments.concat();
        self.event("response.function_call_arguments.done", place(json!({"arguments": whole, "name": name})), false);
        let item = item("completed", &whole);
        self.event("response.output_item.done", json!({"output_index": index, "item": item}), false);
        self.output.push(item);
    }

    fn response(&self, status: &str) -> Value {
        let ended = status != "in_progress";
        let output = if ended { self.output.clone() } else { Vec::new() };
        let usage = if ended && !self.script.has(&Fault::NoUsage) { self.usage() } else { Value::Null };
        if !self.full() {
            let mut sparse = json!({"id": self.id, "object": "response", "status": status});
            if ended {
                sparse = merge(sparse, json!({"output": output, "usage": usage, "error": self.error(ended), "incomplete_details": self.incomplete(ended)}));
            }
            return sparse;
        }
        let asked = |name: &str, or: Value| self.request.get(name).cloned().unwrap_or(or);
        let text = merge(json!({"format": {"type": "text"}, "verbosity": "medium"}), asked("text", json!({})));
        let reasoning = merge(json!({"effort": null, "summary": null}), asked("reasoning", json!({})));
        merge(
            json!({"id": self.id, "object": "response", "created_at": CREATED, "status": status, "output": output, "usage": usage, "error": self.error(ended),
                "incomplete_details": self.incomplete(ended), "text": text, "reasoning": reasoning, "model": asked("model", "gpt-5.1".into())}),
            json!({"background": asked("background", false.into()), "store": asked("store", true.into()), "instructions": asked("instructions", Value::Null),
                "tools": asked("tools", json!([])), "max_output_tokens": asked("max_output_tokens", Value::Null), "parallel_tool_calls": true,
                "previous_response_id": null, "service_tier": "default", "temperature": 1.0, "tool_choice": "auto", "top_p": 1.0, "truncation": "disabled",
                "user": null, "metadata": {}}),
        )
    }

    fn usage(&self) -> Value {
        let tokens = self.script.tokens;
        json!({"input_tokens": tokens.input, "input_tokens_details": {"cached_tokens": tokens.cached}, "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning}, "total_tokens": tokens.input + tokens.output})
    }

    fn error(&self, ended: bool) -> Value {
        match &self.script.ending {
            Ending::Failed { code, message } if ended => json!({"code": code, "message": message}),
            _ => Value::Null,
        }
    }

    fn incomplete(&self, ended: bool) -> Value {
        match &self.script.ending {
            Ending::Incomplete(reason) if ended => json!({"reason": reason}),
            _ => Value::Null,
        }
    }
}

/// Both objects' fields; the second's win.
pub(super) fn merge(mut one: Value, other: Value) -> Value {
    if let (Some(into), Value::Object(fields)) = (one.as_object_mut(), other) {
        into.extend(fields);
    }
    one
}
