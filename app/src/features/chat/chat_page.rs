//! `/chat`: the beginning of a conversation.

use contracts::agents::AgentView;
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{
    LazyRoute, NavigateOptions,
    hooks::{use_navigate, use_query_map},
    lazy_route,
};
use server_fn::{ServerFn, error::ServerFnUrlError};

use super::{
    agent_badges::AgentBadges,
    api::{StartConversation, list_agents, start_conversation},
    composer::{Composer, Draft, is_touch},
    conversation_list::Conversations,
};
use crate::{
    error::AppError,
    layout::PageHeader,
    loaded::Loaded,
    paths,
    session::{self, use_session},
    ui::{AgentAvatar, Banner, BannerTone, Glyph},
};

/// Things to try that work on the practice model too: what is sent, what it shows, its drawing.
const EXAMPLES: [(&str, &str, Glyph); 4] = [
    ("What time is it in Tokyo?", "The agent calls a tool and shows what came of it", Glyph::Clock),
    ("Search my conversations for hello", "A tool that reads what you said before, and nobody else's words", Glyph::Search),
    ("Show me what Markdown looks like", "Headings, a table, a list and coloured code", Glyph::Code),
    ("Think about the tides, and cite sources", "Its reasoning first, then the answer with its sources", Glyph::Wand),
];

/// The page.
pub struct ChatPage {
    agents: Loaded<Vec<AgentView>>,
}

#[lazy_route]
impl LazyRoute for ChatPage {
    fn data() -> Self {
        Self { agents: Loaded::new(String::new, |_| list_agents()) }
    }

    fn view(this: Self) -> AnyView {
        let agents = this.agents;
        let me = use_session().me;
        view! {
            <Title text="New chat"/>
            <Suspense>
                {move || Suspend::new(async move {
                    let name = me.get().await.map(|me| me.user.name).unwrap_or_default();
                    let agents = agents.get().await.unwrap_or_default();
                    view! { <Beginning name=name agent=agents.into_iter().next()/> }
                })}
            </Suspense>
        }
        .into_any()
    }
}

#[component]
fn Beginning(name: String, agent: Option<AgentView>) -> impl IntoView {
    let draft = Draft::new(None);
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(use_query_map().with_untracked(|query| query.get("__err")).map(|error| ServerFnUrlError::<AppError>::decode_err(&error)));
    let list = expect_context::<Conversations>();
    let arrived = use_session().has_moved();
    Effect::new(move |_| {
        if arrived && !is_touch() {
            draft.focus();
        }
    });
    let navigate = use_navigate();
    let start = Callback::new(move |text: String| {
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        refused.set(None);
        let navigate = navigate.clone();
        spawn_local(async move {
            let answer = start_conversation(text.clone()).await;
            if pending.is_disposed() {
                return;
            }
            match answer {
                Ok(id) => {
                    draft.forget();
                    list.started(id);
                    navigate(&paths::conversation(id), NavigateOptions::default());
                }
                Err(error) => {
                    session::check(&error);
                    draft.write(&text);
                    refused.set(Some(error));
                }
            }
            pending.set(false);
        });
    });
    let first = name.split_whitespace().next().unwrap_or_default().to_owned();
    let greeting = if first.is_empty() { "Hello. What shall we start?".to_owned() } else { ["Hello, ", &first, ". What shall we start?"].concat() };
    let title = agent.as_ref().map(|agent| agent.title.clone());
    view! {
        <PageHeader title="New chat" plain=true><AgentBadges agent=agent/></PageHeader>
        <div class="scroll" tabindex="0">
            <div class="hello">
                <h1 tabindex="-1">{greeting}</h1>
                <p>"Say it in your own words. The right agent takes it from there."</p>
                {move || refused.get().map(|error| view! { <Banner tone=BannerTone::Bad><b>{error.title()}". "</b>{error.detail()}</Banner> })}
                <Composer draft=draft placeholder="Message Troupe" rows="2" on_send=start>
                    {title.map(|title| view! { <span class="pick"><AgentAvatar size=20/><span class="trunc">{title}</span></span> })}
                </Composer>
                <div class="prompts" role="group" aria-label="Things to try" aria-busy=move || pending.get().then_some("true")>
                    {EXAMPLES.into_iter().map(|(text, shows, glyph)| view! { <Example text=text shows=shows glyph=glyph start=start/> }).collect_view()}
                </div>
            </div>
        </div>
    }
}

/// One thing to try: a form, so that it works without script.
#[component]
fn Example(text: &'static str, shows: &'static str, glyph: Glyph, start: Callback<String>) -> impl IntoView {
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        start.run(text.to_owned());
    };
    view! {
        <form method="post" action=StartConversation::url() on:submit=submitted>
            <input type="hidden" name="text" value=text/>
            <button type="submit" class="prompt w-full h-full">
                <AgentAvatar of=glyph/>
                <span><b>{text}</b><small>{shows}</small></span>
            </button>
        </form>
    }
}
