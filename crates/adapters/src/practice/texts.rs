//! Fixed texts of the practice model: help, greetings, the formatting showcase, and what it knows of Troupe.
//!
//! Every text is honest that nothing real answers. What `/help` lists, `reading` understands: a test checks it.

/// What `/help` answers.
pub(super) const HELP: &str = "\
I am the **practice model**: I run inside Troupe, cost nothing, and follow a script. Ask me in plain words:

| Say | and you see |
|---|---|
| `count to 50` | numbers, one at a time |
| `write a long answer about tides` | a long text with headings |
| `write 300 words about maps` | a text of that length |
| `show me Markdown` | headings, lists, a table, code |
| `what time is it` | a tool call |
| `search my conversations for budget` | a tool call that reads |
| `what time is it, and search my conversations for budget` | two tool calls at once |
| `loop tools` | tool calls that never end, until a limit stops them |
| `think about …` | a summary of reasoning before the answer |
| `cite sources` | citations |
| `refuse` | a refusal |
| `what did I say` | that I remember this conversation |

Add `slowly` to any of them. To see things go wrong: `fail with rate limit`, `fail with server error`, \
`fail with unauthorized`, `fail mid-way`, `stall`.

To talk to a real model, set `OPENAI_API_KEY`, or `OPENAI_BASE_URL` for a local server, and start Troupe again.";

/// What a greeting answers.
pub(super) const HELLO: &str = "\
Hello, and welcome to Troupe! I am the **practice model**: a scripted stand-in that answers while no real model is connected.

You can try everything with me: my answers stream, call tools, show reasoning and survive a reload. For a start, say \
`write a long answer about tides` and reload the page halfway, or say `/help` for all that I can do.";

/// What thanks answer.
pub(super) const THANKS: &str = "You are welcome! I am only the practice model, but I was glad to help. Say `/help` to see what else you can try.";

/// What a refusal says.
pub(super) const REFUSAL: &str = "I can't help with that. (You asked the practice model to refuse, and this is what a refusal looks like.)";

/// Every kind of formatting.
pub(super) const SHOWCASE: &str = "\
# Formatting

This is what answers may hold: **bold**, *italic*, ~~struck~~, `code` and [a link](https://commonmark.org/help/).

## Lists

1. First things first
2. Then the rest
   - with a detail
   - and another

- [x] Sign up
- [ ] Invite a colleague

## A table

| Part | Job | Since |
|:--|:--|--:|
| Agent | a definition: prompt, tools, limits | 1 |
| Run | one execution of it | 2 |
| Event | what happened, in order | 3 |

## Code

```rust
/// Adds up what a run has cost.
fn total(costs: &[i64]) -> i64 {
    costs.iter().sum()
}
```

```json
{ \"status\": \"succeeded\", \"cost_micros\": 0 }
```

> A quotation stands on its own,
> over two lines.

---

That was all. *The practice model wrote this from a script.*";

/// What the model says before it calls tools.
pub(super) const BEFORE_TOOLS: &str = "Let me look that up.";

/// A summary of reasoning; `{topic}` is what the person asked.
pub(super) const REASONING: &str = "\
**Reading the request.** The person wrote “{topic}”. I look for the plain words that my script knows.

**Choosing an answer.** I pick the part of the script that fits, and keep it short enough to read.

**Checking.** I must say that I am a practice model, and I must not make anything up.";

/// Sources shown when citations are asked for: title and address.
pub(super) const SOURCES: [(&str, &str); 3] = [
    ("Server-sent events, HTML Standard", "https://html.spec.whatwg.org/multipage/server-sent-events.html"),
    ("RFC 9457: Problem Details for HTTP APIs", "https://www.rfc-editor.org/rfc/rfc9457"),
    ("Write-Ahead Logging, SQLite", "https://www.sqlite.org/wal.html"),
];

/// What stands around the sources, in order: each piece is followed by the source's number.
pub(super) const CITED: [&str; 3] =
    ["\n\nAnswers reach your browser as server-sent events ", ", errors are problem documents ", ", and by default everything is kept in SQLite "];

/// What follows the sources.
pub(super) const CITED_END: &str = ". (I have not read these pages: they show what citations look like.)";

/// What the model knows of Troupe: words that ask for it, and the answer.
pub(super) const KNOWN: [(&[&str], &str); 8] = [
    (
        &["what is troupe", "about troupe", "troupe do", "who made troupe"],
        "Troupe is a platform on which people put AI agents to work: you talk to an agent, it answers and uses tools, and whatever it does is \
         recorded step by step, so that nothing is lost when a tab closes, a network drops or a server restarts.",
    ),
    (
        &["who are you", "what are you", "are you real", "are you chatgpt", "your name", "which model", "what model"],
        "I am the practice model that comes with Troupe. I do not think or learn: I follow a script inside the server, at no cost, so that you can try every \
         feature before you connect a real model.",
    ),
    (
        &["api key", "openai", "real model", "connect a model", "other model", "llama", "ollama", "local model"],
        "To connect a real model, set `OPENAI_API_KEY` for OpenAI, or `OPENAI_BASE_URL` for a local server such as llama.cpp or Ollama, and start Troupe again. \
         `TROUPE_MODEL` chooses the model. `troupe doctor` prints what is set and what is simulated.",
    ),
    (
        &["postgres", "sqlite", "database", "scale", "replica"],
        "Troupe keeps everything in SQLite, inside its data directory, until you set `DATABASE_URL` to a Postgres address. On Postgres you can run as many \
         servers and workers as you like.",
    ),
    (
        &["crash", "restart", "reload", "lose my", "lost", "resume", "offline"],
        "Every piece of an answer is stored before you see it. Reload the page, cut the network or restart the server while I write: the answer goes on \
         where it stopped. Try it with `count to 200`.",
    ),
    (
        &["privacy", "my data", "where is my data", "who can see"],
        "Your data stays in the database of the server that you are signed in to. While I am the model, no word of yours leaves it: I am part of the program. \
         With a provider connected, the conversation is sent to that provider.",
    ),
    (
        &["cost", "price", "pricing", "expensive", "budget"],
        "I cost nothing. With a real model connected, each answer shows the tokens that it used and what they cost, by a price table that you can change.",
    ),
    (
        &["rest api", "curl", "sdk", "webhook", "automate", "program"],
        "Whatever you can do in the pages, a program can do too: JSON under `/api/v1` with an API key, and answers as server-sent events. The description is at \
         `/api/v1/openapi.json`.",
    ),
];
