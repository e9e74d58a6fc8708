//! One block's Markdown as a small tree. Text is text: HTML is shown as it was written, pictures become links
//! and are never loaded, and only addresses that are safe to follow become links.

use contracts::transcript::Source;
use pulldown_cmark::{Alignment, BrokenLink, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Parser, Tag};

use super::blocks::{Definition, options};

/// Containers nested deeper than this are unwrapped: what nests without end is an attack on the stack.
const MAX_DEPTH: usize = 24;

/// A piece of formatted text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name says what it is")]
pub enum Node {
    Text(String),
    Break,
    Rule,
    Code(String),
    CodeBlock {
        language: String,
        text: String,
    },
    Task(bool),
    /// A number that refers to a source.
    Citation {
        number: u32,
        title: String,
        url: String,
    },
    Link {
        url: String,
        children: Vec<Node>,
    },
    Group(Group, Vec<Node>),
}

/// What holds other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name says what it is")]
pub enum Group {
    Paragraph,
    Heading(u8),
    Quote,
    Bullets,
    Numbers(u64),
    Item,
    Strong,
    Emphasis,
    Strike,
    Table,
    TableHead,
    TableRow,
    /// `r` right, `m` middle, or nothing.
    TableCell(&'static str),
}

/// What a block's text may refer to.
#[derive(Debug, Clone, Copy)]
pub struct References<'a> {
    /// Link definitions of the whole text.
    pub definitions: &'a [Definition],
    /// Sources of the message.
    pub sources: &'a [Source],
}

enum Open {
    Group(Group),
    Link(String),
    Citation(u32),
    CodeBlock(String),
    /// Too deep, or without a look: its children belong to what is around it.
    Through,
}

struct Tree {
    open: Vec<(Open, Vec<Node>)>,
    alignments: Vec<Alignment>,
    cell: usize,
}

/// Reads one block.
pub fn parse(source: &str, references: References<'_>) -> Vec<Node> {
    let mut known = |link: BrokenLink<'_>| refer(&link.reference, references).map(|url| (CowStr::from(url), CowStr::Borrowed("")));
    let parser = Parser::new_with_broken_link_callback(source, options(), Some(&mut known));
    let mut tree = Tree { open: vec![(Open::Through, Vec::new())], alignments: Vec::new(), cell: 0 };
    for event in parser {
        tree.take(event, references.sources);
    }
    tree.open.pop().map(|(_, nodes)| nodes).unwrap_or_default()
}

/// Code blocks of a text with their language, for colouring them before they are shown.
pub fn code_blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                inside = true;
                found.push((language(&kind), String::new()));
            }
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => {
                if let Some((_, code)) = found.last_mut() {
                    code.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

impl Tree {
    fn take(&mut self, event: Event<'_>, sources: &[Source]) {
        match event {
            Event::Start(tag) => self.start(tag, sources),
            Event::End(_) => self.end(sources),
            Event::Text(text) => self.text(&text),
            Event::Code(code) | Event::InlineMath(code) | Event::DisplayMath(code) => self.push(Node::Code(code.into_string())),
            Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
            Event::FootnoteReference(label) => self.text(&label),
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.push(Node::Break),
            Event::Rule => self.push(Node::Rule),
            Event::TaskListMarker(done) => self.push(Node::Task(done)),
        }
    }

    fn start(&mut self, tag: Tag<'_>, sources: &[Source]) {
        let around = |holds: fn(&Group) -> bool| matches!(self.open.last(), Some((Open::Group(group), _)) if holds(group));
        let fits = match tag {
            Tag::Item => around(|group| matches!(group, Group::Bullets | Group::Numbers(_))),
            Tag::TableHead | Tag::TableRow => around(|group| matches!(group, Group::Table)),
            Tag::TableCell => around(|group| matches!(group, Group::TableHead | Group::TableRow)),
            Tag::CodeBlock(_) => true,
            // A link inside a link is not HTML.
            Tag::Link { .. } | Tag::Image { .. } => !self.open.iter().any(|(open, _)| matches!(open, Open::Link(_) | Open::Citation(_))),
            _ => self.open.len() <= MAX_DEPTH,
        };
        let open = if fits { self.opened(tag, sources) } else { Open::Through };
        self.open.push((open, Vec::new()));
    }

    fn opened(&mut self, tag: Tag<'_>, sources: &[Source]) -> Open {
        let group = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Group::Paragraph,
            Tag::Heading { level, .. } => Group::Heading(depth(level)),
            Tag::BlockQuote(_) => Group::Quote,
            Tag::List(None) => Group::Bullets,
            Tag::List(Some(first)) => Group::Numbers(first),
            Tag::Item => Group::Item,
            Tag::Emphasis => Group::Emphasis,
            Tag::Strong => Group::Strong,
            Tag::Strikethrough => Group::Strike,
            Tag::Table(alignments) => {
                self.alignments = alignments;
                Group::Table
            }
            Tag::TableHead => {
                self.cell = 0;
                Group::TableHead
            }
            Tag::TableRow => {
                self.cell = 0;
                Group::TableRow
            }
            Tag::TableCell => {
                self.cell += 1;
                Group::TableCell(self.alignments.get(self.cell - 1).copied().map_or("", side))
            }
            Tag::CodeBlock(kind) => return Open::CodeBlock(language(&kind)),
            Tag::Link { link_type, dest_url, id, .. } => return linked(link_type, &dest_url, &id, sources),
            Tag::Image { dest_url, .. } => return safe(&dest_url).map_or(Open::Through, |url| Open::Link(url.to_owned())),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => return Open::Through,
        };
        Open::Group(group)
    }

    fn end(&mut self, sources: &[Source]) {
        // The outermost level is ours and stays.
        if self.open.len() < 2 {
            return;
        }
        let Some((open, children)) = self.open.pop() else { return };
        match open {
            Open::Group(group) => self.push(Node::Group(group, children)),
            Open::Link(url) => self.push(Node::Link { url, children }),
            Open::CodeBlock(language) => {
                let text = children.into_iter().map(|node| if let Node::Text(text) = node { text } else { String::new() }).collect();
                self.push(Node::CodeBlock { language, text });
            }
            Open::Citation(number) => {
                if let Some(source) = sources.iter().find(|source| source.number == number) {
                    self.push(Node::Citation { number, title: source.title.clone(), url: source.url.clone() });
                }
            }
            Open::Through => children.into_iter().for_each(|child| self.push(child)),
        }
    }

    /// Text beside text is one text.
    fn text(&mut self, text: &str) {
        let Some((_, children)) = self.open.last_mut() else { return };
        match children.last_mut() {
            Some(Node::Text(last)) => last.push_str(text),
            _ => children.push(Node::Text(text.to_owned())),
        }
    }

    fn push(&mut self, node: Node) {
        match node {
            Node::Text(text) => self.text(&text),
            node => {
                if let Some((_, children)) = self.open.last_mut() {
                    children.push(node);
                }
            }
        }
    }
}

/// An address that is safe to follow: the web and mail, nothing that runs or stays on this site.
pub fn safe(url: &str) -> Option<&str> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase())?;
    matches!(scheme.as_str(), "http" | "https" | "mailto").then_some(url)
}

fn linked(kind: LinkType, url: &str, label: &str, sources: &[Source]) -> Open {
    if matches!(kind, LinkType::Shortcut | LinkType::ShortcutUnknown)
        && let Ok(number) = label.parse()
        && sources.iter().any(|source| source.number == number && safe(&source.url).is_some())
    {
        return Open::Citation(number);
    }
    match kind {
        LinkType::Email => Open::Link(["mailto:", url].concat()),
        _ => safe(url).map_or(Open::Through, |url| Open::Link(url.to_owned())),
    }
}

fn refer(label: &str, references: References<'_>) -> Option<String> {
    let cited = label.parse::<u32>().ok().and_then(|number| references.sources.iter().find(|source| source.number == number));
    let defined = || references.definitions.iter().find(|(other, _)| other.eq_ignore_ascii_case(label)).map(|(_, url)| url.clone());
    cited.map(|source| source.url.clone()).or_else(defined)
}

/// The first word after the fence.
fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => info.split([' ', ',', '{', '\t']).next().unwrap_or_default().to_owned(),
        CodeBlockKind::Indented => String::new(),
    }
}

/// The page has its one `h1`; headings of an answer come below it.
fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn side(alignment: Alignment) -> &'static str {
    match alignment {
        Alignment::Right => "r",
        Alignment::Center => "m",
        Alignment::Left | Alignment::None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Node> {
        parse(text, References { definitions: &[], sources: &[] })
    }

    fn paragraph(children: Vec<Node>) -> Node {
        Node::Group(Group::Paragraph, children)
    }

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    #[test]
    fn html_is_shown_as_it_was_written() {
        assert_eq!(read("<script>alert(1)</script>"), [paragraph(vec![text("<script>alert(1)</script>")])]);
        assert_eq!(read("a <img src=x onerror=alert(1)> b"), [paragraph(vec![text("a <img src=x onerror=alert(1)> b")])]);
    }

    #[test]
    fn only_safe_addresses_become_links() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "/settings",
            "//evil.example",
            "vbscript:x",
            "&#106;avascript:x",
            "file:///etc/passwd",
        ] {
            assert_eq!(read(&format!("[a]({url})")), [paragraph(vec![text("a")])], "{url}");
            assert_eq!(read(&format!("![a]({url})")), [paragraph(vec![text("a")])], "{url}");
        }
        let link = |url: &str| Node::Link { url: url.to_owned(), children: vec![text("a")] };
        assert_eq!(read("[a](https://example.com)"), [paragraph(vec![link("https://example.com")])]);
        assert_eq!(read("![a](HTTPS://example.com/x.png)"), [paragraph(vec![link("HTTPS://example.com/x.png")])]);
        assert_eq!(read("[![a](https://example.com/x.png)](https://example.com)"), [paragraph(vec![link("https://example.com")])]);
    }

    #[test]
    fn numbers_refer_to_sources_and_labels_to_definitions() {
        let sources = [Source { number: 1, title: "One".into(), url: "https://one.example".into() }];
        let definitions = [("Docs".to_owned(), "https://docs.example".to_owned())];
        let nodes = parse("See [1], [2] and [docs].", References { definitions: &definitions, sources: &sources });
        let cited = Node::Citation { number: 1, title: "One".into(), url: "https://one.example".into() };
        let linked = Node::Link { url: "https://docs.example".into(), children: vec![text("docs")] };
        assert_eq!(nodes, [paragraph(vec![text("See "), cited, text(", [2] and "), linked, text(".")])]);
    }

    #[test]
    fn endless_nesting_ends() {
        fn deepest(nodes: &[Node]) -> usize {
            nodes
                .iter()
                .map(|node| if let Node::Group(_, children) | Node::Link { children, .. } = node { 1 + deepest(children) } else { 1 })
                .max()
                .unwrap_or(0)
        }
        for nested in [">".repeat(5_000) + " x", "- ".repeat(5_000) + "x", "*a **b ".repeat(5_000) + &"** c*".repeat(5_000)] {
            assert!(deepest(&read(&nested)) <= MAX_DEPTH + 4);
        }
    }

    #[test]
    fn tables_lists_and_code() {
        let nodes = read("| a | b |\n|---|--:|\n| 1 | 2 |");
        let cell = |side, words: &str| Node::Group(Group::TableCell(side), vec![text(words)]);
        let head = Node::Group(Group::TableHead, vec![cell("", "a"), cell("r", "b")]);
        let row = Node::Group(Group::TableRow, vec![cell("", "1"), cell("r", "2")]);
        assert_eq!(nodes, [Node::Group(Group::Table, vec![head, row])]);
        let nodes = read("- [x] done\n- [ ] not");
        assert!(
            matches!(nodes.as_slice(), [Node::Group(Group::Bullets, items)] if matches!(items.first(), Some(Node::Group(Group::Item, item)) if item.first() == Some(&Node::Task(true))))
        );
        assert_eq!(read("```rust,ignore\nlet x;\n```"), [Node::CodeBlock { language: "rust".into(), text: "let x;\n".into() }]);
        assert_eq!(code_blocks("a\n\n- b\n  ```js\n  1\n  ```"), [("js".to_owned(), "1\n".to_owned())]);
    }
}
