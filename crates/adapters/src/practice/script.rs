//! Writes the practice model's whole answer to a call, as beats.
//!
//! The invariant that resuming leans on: beats depend on the call alone, so the n-th beat is always the same.

use std::time::Duration;

use engine::ports::{ModelCall, ModelError, ModelEvent, ToolSpec};
use serde_json::Value;

use super::{
    prose,
    reading::{self, Subject, Trouble, Wish},
    structured::{self, Matter},
    texts,
    voice::{Beat, Pause, Voice, seed},
};

/// Writes the answer to a call.
pub(super) fn write(call: &ModelCall) -> Vec<Beat> {
    let words = reading::last_words(call);
    let wish = reading::read(words);
    let voice = Voice::new(seed(words), wish.slow);
    if let Some(schema) = &call.output_schema {
        return shaped(voice, call, schema);
    }
    match wish.trouble {
        Some(trouble) => troubled(voice, trouble),
        None => spoken(voice, call, words, &wish),
    }
}

/// Structured output: always a valid value, whatever else was asked.
fn shaped(mut voice: Voice, call: &ModelCall, schema: &Value) -> Vec<Beat> {
    // The first message says what a conversation is about; later ones often lean on it.
    let words = reading::said(call).next().unwrap_or_default();
    let made = structured::value(schema, Matter { words, query: words, sparing: false });
    voice.say(&made.to_string());
    voice.finish(call)
}

fn troubled(mut voice: Voice, trouble: Trouble) -> Vec<Beat> {
    let soon = Pause::Millis(200);
    match trouble {
        Trouble::RateLimit => {
            voice.fail(soon, error("model_rate_limited", "The practice model plays a rate limit: too many requests.", Some(Duration::from_secs(1))))
        }
        Trouble::Server => voice.fail(soon, error("model_unavailable", "The practice model plays a server error of the provider.", None)),
        Trouble::Unauthorized => {
            let error =
                ModelError { retryable: false, ..error("model_unauthorized", "The practice model plays a provider that does not accept the key.", None) };
            voice.fail(soon, error)
        }
        Trouble::MidWay => {
            voice.say("Here is the first half of an answer. You asked me to fail mid-way, so the connection to the model breaks right");
            voice.fail(soon, error("model_cut", "The practice model plays a connection that broke mid-way.", None))
        }
        Trouble::Stall => {
            voice.say("You asked me to stall, so nothing comes after this");
            voice.fail(Pause::Stall, error("model_stalled", "The practice model plays a provider that went silent.", None))
        }
    }
}

fn error(code: &'static str, message: &str, retry_after: Option<Duration>) -> ModelError {
    ModelError { code, message: message.into(), retryable: true, retry_after }
}

fn spoken(mut voice: Voice, call: &ModelCall, words: &str, wish: &Wish) -> Vec<Beat> {
    let outputs = reading::tool_outputs(call);
    if wish.think && outputs.is_empty() {
        voice.reason(&texts::REASONING.replace("{topic}", &shortened(words, 120)));
    }
    match &wish.subject {
        Subject::ToolLoop if !call.tools.is_empty() => {
            let query = "practice";
            tool_call(&mut voice, &call.tools[0], Matter { words, query, sparing: true }, outputs.len());
            return voice.finish(call);
        }
        Subject::Tools { time, search } => {
            if outputs.is_empty() && ask_tools(&mut voice, call, words, *time, search.as_deref()) {
                return voice.finish(call);
            }
            voice.say(&tool_answer(&outputs));
        }
        Subject::Refuse => {
            voice.decline(texts::REFUSAL);
            return voice.finish(call);
        }
        Subject::Plain if wish.think || wish.cite => voice.say(&thought(words)),
        subject => voice.say(&text(subject, call, words)),
    }
    if wish.cite {
        cite(&mut voice);
    }
    voice.finish(call)
}

fn text(subject: &Subject, call: &ModelCall, words: &str) -> String {
    let seed = seed(words);
    match subject {
        Subject::Help => texts::HELP.into(),
        Subject::Count(most) => (1..=*most).map(|number| number.to_string()).collect::<Vec<_>>().join(" "),
        Subject::Words { count, about } => prose::words(about, *count, seed),
        Subject::Long { about } => prose::long(about, seed),
        Subject::Showcase => texts::SHOWCASE.into(),
        Subject::Hello => texts::HELLO.into(),
        Subject::Thanks => texts::THANKS.into(),
        Subject::Recall => recall(call),
        Subject::ToolLoop => "This agent has no tools that I could call.".into(),
        Subject::Refuse | Subject::Tools { .. } | Subject::Plain => plain(words, seed),
    }
}

/// A few sentences on the topic, for answers that show something else besides.
fn thought(words: &str) -> String {
    let topic = reading::topic(words);
    format!("Here is a thought on **{topic}**, from the stock of sentences that I carry:\n\n{}", prose::words(&topic, 70, seed(words)))
}

/// What was said before.
fn recall(call: &ModelCall) -> String {
    let said: Vec<&str> = reading::said(call).collect();
    match said.as_slice() {
        [] | [_] => "This is the first thing that you have said in this conversation.".into(),
        [.., before, _] => {
            format!("Before this you said:\n\n> {}\n\nThat was message {} of yours in this conversation.", shortened(before, 300), said.len() - 1)
        }
    }
}

/// An answer to anything: what was understood, what is known of it, and what to try.
fn plain(words: &str, seed: u64) -> String {
    const OPENINGS: [&str; 3] = ["Thank you for your message.", "I have read your message.", "Good to hear from you."];
    const TRIES: [&str; 4] = ["`write a long answer about tides`", "`show me Markdown`", "`what time is it`", "`think about tides and cite sources`"];
    if words.is_empty() {
        return format!("I see no words in your message. {}", texts::HELLO);
    }
    let lower = words.to_ascii_lowercase();
    let known = texts::KNOWN.iter().find(|(asked, _)| asked.iter().any(|phrase| lower.contains(phrase)));
    let pick = |from: &[&'static str], salt: u64| from.get(((seed >> salt) % from.len() as u64) as usize).copied().unwrap_or_default();
    let heard = format!("> {}", shortened(words, 240));
    match known {
        Some((_, answer)) => {
            format!("You asked:\n\n{heard}\n\n{answer}\n\nI am the practice model, so this is a prepared answer. Say `/help` for what else I can do.")
        }
        None => format!(
            "{} What I understood is:\n\n{heard}\n\nI am the **practice model**, a script inside Troupe, so I cannot really answer that: a real model will, once one is \
             connected with `OPENAI_API_KEY` or `OPENAI_BASE_URL`. Until then I can show you how Troupe works. Try {}, or say `/help` for everything I can do.",
            pick(&OPENINGS, 3),
            pick(&TRIES, 17)
        ),
    }
}

/// Calls the tools that were asked for; `false` when the agent has none of them.
fn ask_tools(voice: &mut Voice, call: &ModelCall, words: &str, time: bool, search: Option<&str>) -> bool {
    let find = |part: &str| call.tools.iter().find(|tool| tool.name.contains(part));
    let mut wanted = Vec::new();
    if time {
        wanted.extend(find("time").map(|tool| (tool, words)));
    }
    if let Some(query) = search {
        wanted.extend(find("search").map(|tool| (tool, query)));
    }
    if wanted.is_empty() {
        return false;
    }
    voice.say(texts::BEFORE_TOOLS);
    for (number, (tool, query)) in wanted.into_iter().enumerate() {
        tool_call(voice, tool, Matter { words, query, sparing: true }, number);
    }
    true
}

fn tool_call(voice: &mut Voice, tool: &ToolSpec, matter: Matter<'_>, number: usize) {
    let arguments = structured::value(&tool.parameters, matter).to_string();
    voice.tell(ModelEvent::ToolCall { call_id: format!("practice_{}_{number}", tool.name), name: tool.name.clone(), arguments });
}

/// What the tools gave back, in words.
fn tool_answer(outputs: &[(&str, &str)]) -> String {
    if outputs.is_empty() {
        return "This agent has no tool for that, so I cannot look it up. Give it one in its definition, and ask me again.".into();
    }
    let parts: Vec<String> = outputs.iter().map(|(name, output)| format!("The tool `{name}` gave back:\n\n{}", readable(output))).collect();
    format!("{}\n\nThat is all I can say about it: I am the practice model, and I only pass on what tools tell me.", parts.join("\n\n"))
}

/// A tool's output as a quotation or a short list.
fn readable(output: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(output).ok();
    let items = parsed.as_ref().and_then(|value| value.as_array().or_else(|| value.as_object()?.values().find_map(Value::as_array)));
    match (items, parsed.as_ref()) {
        (Some(items), _) if items.is_empty() => "> (nothing found)".into(),
        (Some(items), _) => items.iter().take(10).map(|item| format!("- {}", line(item))).collect::<Vec<_>>().join("\n"),
        (None, Some(value @ Value::Object(_))) => format!("> {}", line(value)),
        _ if output.trim().is_empty() => "> (nothing)".into(),
        _ => format!("> {}", shortened(output, 600)),
    }
}

fn line(value: &Value) -> String {
    let Value::Object(fields) = value else {
        return value.as_str().map_or_else(|| value.to_string(), |text| shortened(text, 200));
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if let (Some(time), Some(date)) = (text("time"), text("date")) {
        return format!("It is **{time}** on {}{date}.", text("weekday").map(|day| format!("{day}, ")).unwrap_or_default());
    }
    // What a thing is called comes first.
    let (names, rest): (Vec<_>, Vec<_>) =
        fields.iter().filter(|(name, _)| !name.ends_with("id")).partition(|(name, _)| matches!(name.as_str(), "title" | "name"));
    let texts: Vec<String> = names.into_iter().chain(rest).filter_map(|(_, value)| value.as_str()).take(3).map(|text| shortened(text, 160)).collect();
    texts.join(" — ")
}

fn cite(voice: &mut Voice) {
    for (number, (before, (title, url))) in (1..).zip(texts::CITED.iter().zip(texts::SOURCES)) {
        voice.say(&format!("{before}[{number}]"));
        voice.tell(ModelEvent::Citation { number, title: title.into(), url: url.into() });
    }
    voice.say(texts::CITED_END);
}

/// One line of at most so many letters.
fn shortened(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}
