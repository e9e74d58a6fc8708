//! Bare web addresses in running text, found and made links.

use super::nodes::Node;

/// The text with its web addresses as links; `None` when there are none.
pub fn linked(text: &str) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some((start, end)) = next(rest) {
        let (Some(before), Some(url), Some(after)) = (rest.get(..start), rest.get(start..end), rest.get(end..)) else { break };
        if !before.is_empty() {
            nodes.push(Node::Text(before.to_owned()));
        }
        nodes.push(Node::Link { url: url.to_owned(), children: vec![Node::Text(url.to_owned())] });
        rest = after;
    }
    if nodes.is_empty() {
        return None;
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.to_owned()));
    }
    Some(nodes)
}

/// Where the first address begins and ends.
fn next(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find("http")?;
        let rest = text.get(start..)?;
        let host = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://"));
        let inside_word = text.get(..start).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()));
        match host.filter(|host| !inside_word && host.starts_with(|c: char| c.is_alphanumeric() || c == '[')) {
            Some(_) => return Some((start, start + length(rest))),
            None => from = start + 4,
        }
    }
}

/// How long the address is, without the punctuation of the sentence around it.
fn length(rest: &str) -> usize {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '“' | '”')).unwrap_or(rest.len());
    let mut url = rest.get(..end).unwrap_or_default();
    loop {
        let unopened = url.ends_with(')') && url.matches(')').count() > url.matches('(').count();
        match url.chars().next_back() {
            Some(last) if unopened || matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | ']' | '…') => {
                url = url.get(..url.len() - last.len_utf8()).unwrap_or_default();
            }
            _ => return url.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Vec<String> {
        let link = |node: Node| if let Node::Link { url, .. } = node { Some(url) } else { None };
        linked(text).unwrap_or_default().into_iter().filter_map(link).collect()
    }

    #[test]
    fn addresses_end_where_the_sentence_goes_on() {
        assert_eq!(urls("See https://example.com/a_(b), http://x.example."), ["https://example.com/a_(b)", "http://x.example"]);
        assert_eq!(urls("(https://example.com/?q=é)"), ["https://example.com/?q=é"]);
        assert_eq!(linked("nothing here: http:// or xhttps://a.b or httpsomething"), None);
    }

    #[test]
    fn nothing_is_lost() {
        let text = "a https://example.com, b http://x.example";
        let whole = |node: Node| match node {
            Node::Text(text) => text,
            Node::Link { url, .. } => url,
            _ => String::new(),
        };
        assert_eq!(linked(text).into_iter().flatten().map(whole).collect::<String>(), text);
    }
}
