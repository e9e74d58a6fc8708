//! An agent's answer: who, what they thought, what they called, what they said, how it ended.

use contracts::transcript::{Item, MessageItem, Source};
use domain::runs::RunStatus;
use leptos::prelude::*;

use super::{
    copy::CopyButton,
    markdown::{Markdown, nodes::safe},
    reasoning::Reasoning,
    retry::Retry,
    run::{Run, ShownItem},
    thread::Thread,
    tool_call::ToolCall,
    transcript::Asks,
};
use crate::ui::{AgentAvatar, Banner, BannerTone, Glyph, Icon, TimeForm, Timestamp};

/// An answer.
#[component]
pub fn Answer(
    /// The answer.
    run: Run,
    /// The conversation it is in.
    thread: Thread,
    /// How to ask for another.
    asks: Asks,
) -> impl IntoView {
    let items = RwSignal::from(run.items);
    let status = RwSignal::from(run.status);
    let error = RwSignal::from(run.error);
    let id = run.id;
    let ended = Memo::new(move |_| status.get().is_ended());
    let again = Memo::new(move |_| ended.get() && status.get() != RunStatus::Succeeded && thread.last_run() == Some(id));
    let failed = move || {
        matches!(status.get(), RunStatus::Failed | RunStatus::TimedOut).then(|| {
            let words = error.get().map_or_else(|| "It was not your doing.".to_owned(), |error| error.message);
            view! { <Banner tone=BannerTone::Bad><b>"The answer failed."</b>" "{words}</Banner> }
        })
    };
    view! {
        <article class="turn is-end" aria-label=run.agent.to_string()>
            <AgentAvatar size=28/>
            <div class="turn-b">
                <div class="who">
                    <b>{run.agent.to_string()}</b>
                    <Timestamp at=run.created_at.to_string() form=TimeForm::Clock/>
                    <Progress status=status.into()/>
                </div>
                <For each=move || items.get() key=|shown| shown.key.clone() let:shown><Part shown=shown/></For>
                <Show when=move || status.get() == RunStatus::Cancelled>
                    <p class="help">"Stopped. What was written is kept."</p>
                </Show>
                {failed}
                <Show when=move || ended.get()>
                    <div class="acts">
                        <CopyButton text=Signal::derive(move || items.with(|items| said(items)))/>
                        <Show when=move || again.get()><Retry conversation=thread.id run=id retry=asks.retry/></Show>
                    </div>
                </Show>
            </div>
        </article>
    }
}

/// What an answer that has not ended is doing.
#[component]
fn Progress(status: Signal<RunStatus>) -> impl IntoView {
    let words = move || match status.get() {
        RunStatus::Queued => Some("waits for its turn"),
        RunStatus::Running => Some("writing"),
        RunStatus::Waiting => Some("waits for you"),
        _ => None,
    };
    move || words().map(|words| view! { <span class="live" aria-hidden="true"></span><span class="role">{words}</span> })
}

/// One thing of an answer.
#[component]
fn Part(shown: ShownItem) -> impl IntoView {
    let item = RwSignal::from(shown.item);
    // What an item is never changes, only how much of it there is.
    if item.with_untracked(|item| matches!(item, Item::Tool(_))) {
        return view! { <ToolCall item=item/> }.into_any();
    }
    view! { <Said item=item/> }.into_any()
}

#[component]
fn Said(item: RwSignal<Item>) -> impl IntoView {
    let text = Memo::new(move |_| of(item, |message| message.text.clone()));
    let reasoning = Memo::new(move |_| of(item, |message| message.reasoning.clone()));
    let sources = Memo::new(move |_| of(item, |message| message.sources.clone()));
    let done = Memo::new(move |_| of(item, |message| message.done));
    let over = Memo::new(move |_| of(item, |message| message.done || !message.text.is_empty()));
    view! {
        <Show when=move || reasoning.with(|text| !text.is_empty())><Reasoning text=reasoning.into() over=over.into()/></Show>
        <Show when=move || over.get()><Markdown text=text done=done sources=sources/></Show>
        <Show when=move || of(item, |message| message.refusal)><p class="help">"The model declined to answer this."</p></Show>
        <Show when=move || sources.with(|sources| !sources.is_empty())><Sources sources=sources.into()/></Show>
    }
}

/// Something of an item that is a message.
fn of<T: Default>(item: RwSignal<Item>, of: fn(&MessageItem) -> T) -> T {
    item.with(|item| if let Item::Message(message) = item { of(message) } else { T::default() })
}

/// What a message leans on.
#[component]
fn Sources(sources: Signal<Vec<Source>>) -> impl IntoView {
    let count = move || match sources.with(Vec::len) {
        1 => "1 source".to_owned(),
        count => [count.to_string().as_str(), " sources"].concat(),
    };
    view! {
        <details class="tool">
            <summary class="tool-h">
                <Icon of=Glyph::Globe/>
                <b>{count}</b>
                <span class="trunc"></span>
                <Icon of=Glyph::Right size=14 class="chev"/>
            </summary>
            <div class="tool-b">
                <For each=move || sources.get() key=|source| source.number let:source>
                    <a class="src" href=safe(&source.url).map(str::to_owned) target="_blank" rel="noopener noreferrer nofollow">
                        <span class="cite">{source.number}</span>
                        <span class="trunc grow">{source.title}</span>
                        <small>{host(&source.url)}</small>
                    </a>
                </For>
            </div>
        </details>
    }
}

/// All messages of an answer, as they were written.
fn said(items: &[ShownItem]) -> String {
    let text = |shown: &ShownItem| shown.item.with_untracked(|item| if let Item::Message(message) = item { Some(message.text.clone()) } else { None });
    items.iter().filter_map(text).collect::<Vec<_>>().join("\n\n")
}

fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().trim_start_matches("www.").to_owned()
}
