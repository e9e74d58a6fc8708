//! What an agent is: a folder of `agent.toml`, `prompt.md` and `tests/*.toml`, read and checked.
//!
//! A definition that was read is valid: nothing after this file checks it again, but for the names of
//! tools, which [`crate::tools::ToolBox::pick`] knows.

use std::{collections::BTreeSet, fmt, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Longest prompt, in bytes.
const PROMPT_MAX_BYTES: usize = 50_000;

/// Which of the configured models an agent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRole {
    /// The model that people talk to.
    #[default]
    Main,
    /// A cheaper, quicker one for chores.
    Small,
}

/// How much one turn may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// Most model calls.
    pub max_steps: u32,
    /// Most tokens of conversation to read in one call, as estimated.
    pub max_input_tokens: u32,
    /// Most tokens to write in one call.
    pub max_output_tokens: u32,
    /// Most seconds that a turn may take, all attempts together.
    pub time_limit_seconds: u32,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { max_steps: 8, max_input_tokens: 60_000, max_output_tokens: 8_000, time_limit_seconds: 600 }
    }
}

impl Budgets {
    /// Most time that a turn may take, all attempts together.
    pub fn time_limit(&self) -> Duration {
        Duration::from_secs(u64::from(self.time_limit_seconds))
    }
}

/// What a test case expects of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Exactly these tools are called, in this order; anything goes when left out.
    #[serde(default)]
    pub calls: Option<Vec<String>>,
    /// The last answer holds each of these.
    #[serde(default)]
    pub text_contains: Vec<String>,
}

/// One way to find out whether the agent is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// What it shows, in a few words.
    pub title: String,
    /// What a person says, message after message.
    pub says: Vec<String>,
    /// What must come of it.
    pub expects: Expectation,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentDefinition {
    /// Its stable name, such as `triage`.
    pub name: String,
    /// Its name for people, such as `Triage`.
    pub title: String,
    /// What it is good for, in a sentence.
    pub description: String,
    /// Which model it asks for.
    pub model: ModelRole,
    /// The tools that it may call.
    pub tools: Vec<String>,
    /// How much a turn may use.
    pub budgets: Budgets,
    /// What it is told before anything else.
    pub prompt: String,
    /// How we know that it is good.
    pub tests: Vec<TestCase>,
}

/// A definition cannot be used: where, and why, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct DefinitionError {
    /// The file, such as `agent.toml`.
    pub file: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// `agent.toml` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentFile {
    name: String,
    title: String,
    description: String,
    #[serde(default)]
    model: ModelRole,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default)]
    budgets: Budgets,
}

impl AgentDefinition {
    /// Reads and checks a definition: `agent.toml`, `prompt.md`, and the test cases with their file names.
    ///
    /// # Errors
    /// [`DefinitionError`] with the file and what is wrong in it.
    pub fn read(agent: &str, prompt: &str, tests: &[(&str, &str)]) -> Result<Self, DefinitionError> {
        let file: AgentFile = parse("agent.toml", agent)?;
        check_agent(&file).map_err(|message| wrong("agent.toml", message))?;
        let prompt = prompt.trim();
        if prompt.is_empty() || prompt.len() > PROMPT_MAX_BYTES {
            return Err(wrong("prompt.md", format!("the prompt must have 1 to {PROMPT_MAX_BYTES} bytes, it has {}", prompt.len())));
        }
        let tests = tests.iter().map(|(name, text)| read_test(name, text, &file.tools)).collect::<Result<_, _>>()?;
        let AgentFile { name, title, description, model, tools, budgets } = file;
        Ok(Self { name, title, description, model, tools, budgets, prompt: prompt.to_owned(), tests })
    }
}

fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, DefinitionError> {
    toml::from_str(text).map_err(|error| wrong(file, error.to_string().trim_end()))
}

fn wrong(file: impl fmt::Display, message: impl Into<String>) -> DefinitionError {
    DefinitionError { file: file.to_string(), message: message.into() }
}

fn check_agent(file: &AgentFile) -> Result<(), String> {
    if !is_name(&file.name, '-') {
        return Err(format!("name `{}` must be 1 to 40 lower-case letters, digits and hyphens, a letter first", file.name));
    }
    check_line("title", &file.title, 60)?;
    check_line("description", &file.description, 200)?;
    let mut seen = BTreeSet::new();
    for tool in &file.tools {
        if !is_name(tool, '_') {
            return Err(format!("tool `{tool}` is not a name of a tool: lower-case letters, digits and underscores"));
        }
        if !seen.insert(tool) {
            return Err(format!("tool `{tool}` is named twice"));
        }
    }
    let Budgets { max_steps, max_input_tokens, max_output_tokens, time_limit_seconds } = file.budgets;
    check_range("max_steps", max_steps, 1, 100)?;
    check_range("max_input_tokens", max_input_tokens, 1_000, 2_000_000)?;
    check_range("max_output_tokens", max_output_tokens, 16, 200_000)?;
    check_range("time_limit_seconds", time_limit_seconds, 5, 86_400)
}

fn read_test(name: &str, text: &str, tools: &[String]) -> Result<TestCase, DefinitionError> {
    let file = format!("tests/{name}");
    let test: TestCase = parse(&file, text)?;
    check_line("title", &test.title, 120).map_err(|message| wrong(&file, message))?;
    if test.says.is_empty() || test.says.iter().any(|said| said.trim().is_empty()) {
        return Err(wrong(&file, "says must hold at least one message, and none of them empty"));
    }
    if let Some(unknown) = test.expects.calls.iter().flatten().find(|call| !tools.contains(call)) {
        return Err(wrong(&file, format!("expects a call of `{unknown}`, which the agent does not have")));
    }
    Ok(test)
}

fn is_name(name: &str, joiner: char) -> bool {
    name.len() <= 40 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joiner)
}

fn check_line(field: &str, text: &str, max: usize) -> Result<(), String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > max || text.contains('\n') {
        return Err(format!("{field} must be one line of 1 to {max} characters, it has {length}"));
    }
    Ok(())
}

fn check_range(field: &str, value: u32, least: u32, most: u32) -> Result<(), String> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(format!("budgets.{field} must be {least} to {most}, it is {value}")) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const AGENT: &str = "name = 'a'\ntitle = 'A'\ndescription = 'Does a.'\ntools = ['t']\n";

    fn error(agent: &str, prompt: &str, tests: &[(&str, &str)]) -> String {
        AgentDefinition::read(agent, prompt, tests).unwrap_err().to_string()
    }

    #[test]
    fn a_small_definition_takes_the_defaults() {
        let agent = AgentDefinition::read(AGENT, "\nBe good.\n", &[]).unwrap();
        assert_eq!((agent.model, agent.budgets, agent.prompt.as_str()), (ModelRole::Main, Budgets::default(), "Be good."));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file() {
        let with = |line: &str| format!("{AGENT}{line}");
        assert!(error(&with("colour = 'red'"), "x", &[]).starts_with("agent.toml: "));
        assert!(error(&with("colour = 'red'"), "x", &[]).contains("unknown field `colour`"));
        assert!(error(&with("[budgets]\nmax_step = 1"), "x", &[]).contains("unknown field `max_step`"));
        assert!(error(&with("[budgets]\nmax_steps = 0"), "x", &[]).contains("budgets.max_steps must be 1 to 100, it is 0"));
        assert!(error(&with("model = 'huge'"), "x", &[]).contains("huge"));
        assert!(error("name = 'a'\ntitle = 'A'", "x", &[]).contains("missing field `description`"));
        assert!(error(&AGENT.replace("'a'", "'A b'"), "x", &[]).contains("name `A b`"));
        assert!(error(&AGENT.replace("['t']", "['t', 't']"), "x", &[]).contains("named twice"));
        assert!(error(AGENT, "  \n", &[]).starts_with("prompt.md: "));
        assert!(error(AGENT, "x", &[("u.toml", "title = 'x'\nsays = ['y']\nexpects = { calls = ['u'] }")]).starts_with("tests/u.toml: expects a call of `u`"));
        assert!(error(AGENT, "x", &[("v.toml", "title = 'x'\nsays = []\nexpects = {}")]).starts_with("tests/v.toml: says must"));
    }
}
