//! `/chat/{conversation}`: what was said, and the composer below it.

use contracts::agents::AgentView;
use domain::ids::RunId;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{
    LazyRoute,
    hooks::{use_params_map, use_query_map},
    lazy_route,
};
use server_fn::error::ServerFnUrlError;

use super::{
    agent_badges::AgentBadges,
    api::{Opened, get_transcript, list_agents, retry_run, send_message, stop_run},
    code::Colors,
    composer::{Composer, Draft},
    conversation_list::Conversations,
    conversation_row::{TitleForm, deletes},
    scroll::{Latest, Scroll, ScrollFrame},
    thread::Thread,
    transcript::{Asks, Transcript},
};
use crate::{
    error::AppError,
    features::failure::Failure,
    layout::PageHeader,
    live::{Connection, Live},
    loaded::Loaded,
    session,
    ui::{AgentAvatar, Banner, BannerTone, ButtonSize, DropdownMenu, Glyph, IconButton, MenuItem, Skeleton, Toast, use_announcer, use_toasts},
};

/// The page.
pub struct ConversationPage {
    opened: Loaded<Opened>,
    agents: Loaded<Vec<AgentView>>,
}

#[lazy_route]
impl LazyRoute for ConversationPage {
    fn data() -> Self {
        let params = use_params_map();
        let id = Memo::new(move |_| params.with(|params| params.get("conversation").unwrap_or_default()));
        Self { opened: Loaded::new(move || id.get(), get_transcript), agents: Loaded::new(String::new, |_| list_agents()) }
    }

    fn view(this: Self) -> AnyView {
        let ConversationPage { opened, agents } = this;
        view! {
            <Suspense fallback=|| view! { <div class="page"><div class="page-in"><Skeleton lines=8/></div></div> }>
                {move || Suspend::new(async move {
                    match opened.get().await {
                        Ok(opened) => {
                            let agents = agents.get().await.unwrap_or_default();
                            view! { <Conversation opened=opened agents=agents/> }.into_any()
                        }
                        Err(error) => view! { <Failure error=error/> }.into_any(),
                    }
                })}
            </Suspense>
        }
        .into_any()
    }
}

/// A conversation that was opened.
#[component]
fn Conversation(opened: Opened, agents: Vec<AgentView>) -> impl IntoView {
    let Opened { transcript, colored } = opened;
    Colors::provide(colored);
    let has_older = transcript.has_older;
    let agent = agents.into_iter().find(|agent| agent.name == transcript.conversation.agent);
    let thread = Thread::open(transcript, agent.as_ref(), use_announcer());
    let (scroll, draft) = (Scroll::new(), Draft::new(Some(thread.id)));
    let live = expect_context::<Live>();
    live.listen(move |news| thread.hear(news));
    Effect::new(move |_| {
        live.watch(untrack(|| thread.watch()));
        thread.greet();
    });
    let list = expect_context::<Conversations>();
    let started = list.has_started(thread.id);
    Effect::new(move |_| {
        if started {
            draft.focus();
        }
    });
    let asks = asks(thread, scroll, draft);
    view! {
        <Title text=thread.title/>
        <Header thread=thread agent=agent.clone()/>
        <div class="chat">
            <ScrollFrame scroll=scroll>
                <Transcript thread=thread scroll=scroll has_older=has_older asks=asks/>
            </ScrollFrame>
            <Dock thread=thread scroll=scroll draft=draft agent=agent asks=asks/>
        </div>
    }
}

#[component]
fn Header(thread: Thread, agent: Option<AgentView>) -> impl IntoView {
    let renaming = RwSignal::new(false);
    let delete = deletes(thread.id);
    let beside = move || {
        view! {
            <Show
                when=move || renaming.get()
                fallback=move || {
                    view! {
                        <span class="only-desktop">
                            <IconButton label="Rename" of=Glyph::Pencil size=ButtonSize::Small on:click=move |_| renaming.set(true)/>
                        </span>
                    }
                }
            >
                <TitleForm id=thread.id title=thread.title.get_untracked() open=renaming on_title=Callback::new(move |title| thread.title.set(title))/>
            </Show>
        }
    };
    view! {
        <PageHeader title=thread.title beside=beside>
            <AgentBadges agent=agent/>
            <DropdownMenu id="conversation-menu" label="More" end=true>
                <MenuItem icon=Glyph::Pencil on:click=move |_| renaming.set(true)>"Rename"</MenuItem>
                <MenuItem icon=Glyph::Trash danger=true on:click=move |_| delete.run(())>"Delete"</MenuItem>
            </DropdownMenu>
        </PageHeader>
    }
}

/// What stays at the foot of the page: the way to the end, news of the connection, the composer.
#[component]
fn Dock(thread: Thread, scroll: Scroll, draft: Draft, agent: Option<AgentView>, asks: Asks) -> impl IntoView {
    let connection = expect_context::<Live>().connection();
    let toasts = use_toasts();
    let stop = Callback::new(move |run: RunId| {
        spawn_local(async move {
            if let Err(error) = stop_run(thread.id, run).await {
                session::check(&error);
                toasts.show(Toast::failed(error.detail()));
            }
        });
    });
    // A form sent without script comes back with the reason in the address.
    let refused = use_query_map().with_untracked(|query| query.get("__err")).map(|error| ServerFnUrlError::<AppError>::decode_err(&error));
    view! {
        <div class="dock">
            <Latest scroll=scroll/>
            {refused.map(|error| view! { <div class="dock-err"><Banner tone=BannerTone::Bad><b>{error.title()}". "</b>{error.detail()}</Banner></div> })}
            <Show when=move || connection.get() == Connection::Reconnecting>
                <div class="dock-err"><Banner tone=BannerTone::Plain>"Reconnecting. The answer goes on and nothing is lost."</Banner></div>
            </Show>
            <Composer draft=draft active=thread.active placeholder="Message" on_send=asks.send on_stop=stop>
                {agent.map(|agent| view! { <span class="pick"><AgentAvatar size=20/><span class="trunc">{agent.title}</span></span> })}
            </Composer>
            <p class="dock-note">
                <span class="only-desktop">"Close the tab if you like: the answer goes on and is here when you return."</span>
                <span class="only-mobile">"The answer goes on when you leave."</span>
            </p>
            {without_script(thread)}
        </div>
    }
}

/// While an answer is written, a page without script looks again by itself.
fn without_script(thread: Thread) -> impl IntoView {
    let running = thread.active.get_untracked().is_some();
    running.then(|| {
        view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="2"><p class="dock-note"><a class="link" href="">Refresh</a></p>"#></noscript> }
    })
}

/// What the page does when something is to be said.
fn asks(thread: Thread, scroll: Scroll, draft: Draft) -> Asks {
    let toasts = use_toasts();
    let deliver = move |number: u32, text: String| {
        scroll.sent();
        spawn_local(async move {
            let answer = send_message(thread.id, text).await;
            match answer {
                _ if thread.is_gone() => {}
                Ok(sent) => {
                    thread.sent(number, sent);
                    draft.forget();
                }
                Err(error) => {
                    session::check(&error);
                    thread.refused(number, error.detail());
                }
            }
        });
    };
    Asks {
        send: Callback::new(move |text: String| deliver(thread.echo(text.clone()), text)),
        resend: Callback::new(move |(number, text): (u32, String)| {
            thread.discard(number);
            deliver(thread.echo(text.clone()), text);
        }),
        retry: Callback::new(move |run: RunId| {
            spawn_local(async move {
                let answer = retry_run(thread.id, run).await;
                match answer {
                    _ if thread.is_gone() => {}
                    Ok(sent) => {
                        thread.asked(sent.run_id);
                        scroll.to_end();
                    }
                    Err(error) => {
                        session::check(&error);
                        toasts.show(Toast::failed(error.detail()));
                    }
                }
            });
        }),
    }
}
