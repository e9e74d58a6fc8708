//! What tells: banners, toasts, waiting, lengths, emptiness.

use leptos::prelude::*;

use super::Section;
use crate::ui::{
    Banner, BannerTone, Button, ButtonKind, EmptyState, Glyph, LoadMore, Meter, MeterTone, Progress, Skeleton, Spinner, Toast, use_announcer, use_toasts,
};

#[component]
pub fn Feedback() -> impl IntoView {
    view! {
        <Section title="Banner, Skeleton, Spinner, Meter, Progress, EmptyState, LoadMore">
            <div class="gal-g">
                <Banner><b>"A remark."</b> " Nothing to do."</Banner>
                <Banner tone=BannerTone::Info><b>"You were signed out."</b> " What you were writing is kept."</Banner>
                <Banner tone=BannerTone::Ok><b>"Key made."</b> " Copy it now, it is shown once."</Banner>
                <Banner tone=BannerTone::Wait><b>"Too many tries."</b> " Wait one minute."</Banner>
                <Banner tone=BannerTone::Bad><b>"Email or password is wrong."</b> " We do not say which."</Banner>
            </div>
            <div class="gal-g">
                <div class="card card-b"><Skeleton/></div>
                <div class="card card-b"><Skeleton lines=4 rows=true/></div>
                <div class="card card-b stack">
                    <span class="row"><Spinner/>"Loading"</span>
                    <Meter label="Cost this month" value=41.0/>
                    <Meter label="Near the limit" value=86.0 tone=MeterTone::Wait/>
                    <Meter label="At the limit" value=100.0 tone=MeterTone::Bad/>
                    <Progress label="Render letters" value=11.0 max=17.0 tone=MeterTone::Agent/>
                </div>
            </div>
            <div class="card">
                <EmptyState of=Glyph::Key title="No keys yet" words="A key lets a program act for you. It is shown once, when you make it.">
                    <Button kind=ButtonKind::Primary icon=Glyph::Plus>"Make a key"</Button>
                </EmptyState>
                <LoadMore href="#main"/>
            </div>
        </Section>
    }
}

#[component]
pub fn Toasting() -> impl IntoView {
    let toasts = use_toasts();
    let announcer = use_announcer();
    let undone = RwSignal::new(0);
    let with_undo = move |_| toasts.show(Toast::new("Deleted “Questions from the press”").undo(move || undone.update(|undone| *undone += 1)));
    view! {
        <Section title="Toast, LiveAnnouncer">
            <div class="gal-r">
                <Button on:click=with_undo>"With Undo"</Button>
                <Button on:click=move |_| toasts.show(Toast::new("Link copied"))>"Plain"</Button>
                <Button on:click=move |_| toasts.show(Toast::failed("Not saved: the server did not answer"))>"Failed"</Button>
                <Button on:click=move |_| announcer.say("Response complete, 240 words")>"Say something"</Button>
                <span class="muted">"Undone: " {move || undone.get()}</span>
            </div>
        </Section>
    }
}
