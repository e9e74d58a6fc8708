//! Nodes as elements of the page.

use leptos::{html, prelude::*};

use super::{
    links,
    nodes::{Group, Node},
};
use crate::features::chat::code::Code;

/// Draws nodes one after the other. `finished` code may be coloured.
pub fn nodes(nodes: Vec<Node>, finished: bool) -> AnyView {
    Pen { finished, in_link: false }.all(nodes)
}

#[derive(Clone, Copy)]
struct Pen {
    finished: bool,
    in_link: bool,
}

impl Pen {
    fn all(self, nodes: Vec<Node>) -> AnyView {
        nodes.into_iter().map(|node| self.one(node)).collect::<Vec<_>>().into_any()
    }

    fn one(self, node: Node) -> AnyView {
        match node {
            Node::Text(text) => self.text(text),
            Node::Break => view! { <br/> }.into_any(),
            Node::Rule => view! { <hr/> }.into_any(),
            Node::Code(code) => tag("code", code.into_any()),
            Node::CodeBlock { language, text } => view! { <Code language=language text=text finished=self.finished/> }.into_any(),
            Node::Task(done) => view! { <input type="checkbox" class="mr-2" disabled checked=done aria-label=if done { "Done" } else { "To do" }/> }.into_any(),
            Node::Citation { number, title, url } => {
                view! { <a class="cite" href=url title=title target="_blank" rel="noopener noreferrer nofollow">{number}</a> }.into_any()
            }
            Node::Link { url, children } => {
                let children = Self { in_link: true, ..self }.all(children);
                view! { <a href=url target="_blank" rel="noopener noreferrer nofollow">{children}</a> }.into_any()
            }
            Node::Group(Group::Table, rows) => self.table(rows),
            Node::Group(group, children) => element(&group, self.all(children)),
        }
    }

    fn text(self, text: String) -> AnyView {
        match links::linked(&text).filter(|_| !self.in_link) {
            Some(pieces) => pieces
                .into_iter()
                .map(|piece| match piece {
                    Node::Text(text) => text.into_any(),
                    link => self.one(link),
                })
                .collect::<Vec<_>>()
                .into_any(),
            None => text.into_any(),
        }
    }

    fn table(self, rows: Vec<Node>) -> AnyView {
        let (head, body): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| matches!(row, Node::Group(Group::TableHead, _)));
        let heads = head.into_iter().map(|row| self.row(row, true)).collect::<Vec<_>>();
        let rows = body.into_iter().map(|row| self.row(row, false)).collect::<Vec<_>>();
        view! {
            <div class="prose-t" tabindex="0" role="region" aria-label="Table">
                <table><thead>{heads}</thead><tbody>{rows}</tbody></table>
            </div>
        }
        .into_any()
    }

    fn row(self, row: Node, head: bool) -> AnyView {
        let Node::Group(_, cells) = row else { return ().into_any() };
        let cell = |cell: Node| match cell {
            Node::Group(Group::TableCell(side), children) if head => view! { <th scope="col" class=side>{self.all(children)}</th> }.into_any(),
            Node::Group(Group::TableCell(side), children) => view! { <td class=side>{self.all(children)}</td> }.into_any(),
            _ => ().into_any(),
        };
        view! { <tr>{cells.into_iter().map(cell).collect::<Vec<_>>()}</tr> }.into_any()
    }
}

fn element(group: &Group, children: AnyView) -> AnyView {
    match group {
        Group::Paragraph => tag("p", children),
        Group::Heading(2) => tag("h2", children),
        Group::Heading(3) => tag("h3", children),
        Group::Heading(4) => tag("h4", children),
        Group::Heading(5) => tag("h5", children),
        Group::Heading(_) => tag("h6", children),
        Group::Quote => tag("blockquote", children),
        Group::Bullets => tag("ul", children),
        Group::Numbers(first) => view! { <ol start=first.to_string()>{children}</ol> }.into_any(),
        Group::Item => tag("li", children),
        Group::Strong => tag("strong", children),
        Group::Emphasis => tag("em", children),
        Group::Strike => tag("del", children),
        // Parts of a table are drawn by the table; elsewhere they have no look.
        Group::Table | Group::TableHead | Group::TableRow | Group::TableCell(_) => children,
    }
}

/// An element without attributes: one type for all tags, which is one piece of code to load.
fn tag(name: &'static str, children: AnyView) -> AnyView {
    html::custom(name).child(children).into_any()
}
