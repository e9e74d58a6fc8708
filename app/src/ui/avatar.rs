//! Who did it: people are round, agents square and violet, organizations square and ink.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// The first letters of the first and the last word of a name.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// A person. Decoration beside the name; give a `label` where it stands alone.
#[component]
pub fn Avatar(
    /// The person's name.
    #[prop(into)]
    name: String,
    /// 20, 24 (unless told otherwise), 28 or 32 pixels.
    #[prop(default = 24)]
    size: u8,
) -> impl IntoView {
    let class = match size {
        20 => "av av--20",
        28 => "av av--28",
        32 => "av av--32",
        _ => "av",
    };
    view! { <span class=class aria-hidden="true">{initials(&name)}</span> }
}

/// An agent. Decoration beside its name.
#[component]
pub fn AgentAvatar(
    /// What the agent is known by; the mask unless told otherwise.
    #[prop(default = Glyph::Mask)]
    of: Glyph,
    /// 20, 24 (unless told otherwise), 28 or 32 pixels.
    #[prop(default = 24)]
    size: u8,
) -> impl IntoView {
    let class = match size {
        20 => "ag ag--20",
        28 => "ag ag--28",
        32 => "ag ag--32",
        _ => "ag",
    };
    view! { <span class=class aria-hidden="true"><Icon of/></span> }
}

/// An organization, by its first letter.
#[component]
pub fn OrganizationMark(
    /// The organization's name.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    view! { <span class="om" aria-hidden="true">{initials(&name).chars().next().map(String::from)}</span> }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_come_from_the_first_and_the_last_word() {
        assert_eq!(initials("Mara Lindqvist"), "ML");
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials("Juan de la Cruz"), "JC");
        assert_eq!(initials("  "), "");
    }
}
