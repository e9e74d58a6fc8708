//! Prose to order: plain sentences about any topic, as many words as asked for.
//!
//! The order of sentences depends on the seed alone. The text claims nothing about the topic that would have to be known.

use super::voice::mix;

/// Sentences; `{topic}` stands for the topic.
const SENTENCES: [&str; 26] = [
    "People who care about {topic} tend to begin with a small question and end with a larger one.",
    "A good way into {topic} is to write down what you already believe, then look for one thing that would change your mind.",
    "Most of what matters in {topic} can be said in short sentences.",
    "It helps to separate what is known from what is merely repeated.",
    "Two careful people can look at {topic} and still come to different plans, because they want different things.",
    "Write the plan down, keep it short, and let others correct it.",
    "The first version is rarely right, and that is no reason to wait.",
    "When the work is interrupted, a written record lets it go on from the same place.",
    "Ask who decides, who is told, and who has to live with the result.",
    "With {topic}, as with most things, the last tenth takes as long as the rest.",
    "Names matter: one word for one idea saves a great deal of explaining.",
    "A list of open questions is more useful than a page of confident guesses.",
    "Measure before you improve, and measure again afterwards.",
    "Small steps are easier to check, easier to undo, and easier to explain.",
    "If nobody can say why a step exists, try to do without it.",
    "There is a calm way to work on {topic}: one thing at a time, each finished before the next begins.",
    "Examples teach faster than rules, and counterexamples teach faster than examples.",
    "Something that is easy to see is easy to fix.",
    "What looks like a detail in {topic} often turns out to be the whole point for somebody else.",
    "A short pause to reread the question has saved many long answers.",
    "Keep what works, say what does not, and leave the place tidier than you found it.",
    "The best tools for {topic} stay out of the way until they are needed.",
    "Trust grows when promises are few and kept.",
    "Whoever explains {topic} to a newcomer understands it better afterwards.",
    "It is fair to change a decision, provided that the reason is written next to it.",
    "In the end {topic} rewards patience more than speed.",
];

/// Headings of a long text.
const HEADINGS: [&str; 5] = ["Where to begin", "What to look at", "How to go about it", "What may go wrong", "In short"];

/// Sentences in an order of their own, without end.
fn sentences(topic: &str, seed: u64) -> impl Iterator<Item = String> {
    let mut order: Vec<usize> = (0..SENTENCES.len()).collect();
    let mut state = seed;
    for at in (1..order.len()).rev() {
        state = mix(state);
        order.swap(at, (state % (at as u64 + 1)) as usize);
    }
    order.into_iter().cycle().filter_map(|at| SENTENCES.get(at)).map(move |sentence| capital(&sentence.replace("{topic}", topic)))
}

/// A text of exactly so many words, in paragraphs.
pub(super) fn words(topic: &str, count: usize, seed: u64) -> String {
    let mut text = String::new();
    let mut left = count;
    for (number, sentence) in sentences(topic, seed).enumerate() {
        if left == 0 {
            break;
        }
        if number > 0 {
            text.push_str(if number % 5 == 0 { "\n\n" } else { " " });
        }
        let all: Vec<&str> = sentence.split_whitespace().collect();
        let taken = all.len().min(left);
        text.push_str(&all[..taken].join(" "));
        left -= taken;
    }
    if !text.ends_with('.') {
        text.truncate(text.trim_end_matches(|letter: char| letter.is_ascii_punctuation()).len());
        text.push('.');
    }
    text
}

/// A long text with headings, about 600 words.
pub(super) fn long(topic: &str, seed: u64) -> String {
    let mut text = format!("# {}\n", capital(topic));
    let mut all = sentences(topic, seed);
    for heading in HEADINGS {
        text.push_str("\n## ");
        text.push_str(heading);
        text.push('\n');
        for _ in 0..2 {
            let paragraph: Vec<String> = all.by_ref().take(4).collect();
            text.push('\n');
            text.push_str(&paragraph.join(" "));
            text.push('\n');
        }
    }
    text.push_str("\n*The practice model wrote this from a fixed stock of sentences; it knows nothing of the matter.*");
    text
}

/// The text with its first letter large.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_words_as_asked_for() {
        for count in [1, 2, 13, 300, 5_000] {
            let text = words("maps", count, 7);
            assert_eq!(text.split_whitespace().count(), count, "{text}");
            assert!(text.ends_with('.'));
        }
    }

    #[test]
    fn the_seed_decides_the_order() {
        assert_eq!(long("maps", 1), long("maps", 1));
        assert_ne!(long("maps", 1), long("maps", 2));
        assert!((450..900).contains(&long("maps", 3).split_whitespace().count()));
    }
}
