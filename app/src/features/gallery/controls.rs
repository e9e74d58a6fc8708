//! Buttons, fields and choices.

use leptos::prelude::*;

use super::Section;
use crate::ui::{
    Button, ButtonKind, ButtonLink, ButtonSize, Checkbox, Choice, Field, Glyph, IconButton, Input, Kbd, Link, RadioGroup, Select, Switch, Textarea,
};

#[component]
pub fn Buttons() -> impl IntoView {
    let kinds = [
        (ButtonKind::Primary, "Primary"),
        (ButtonKind::Line, "Line"),
        (ButtonKind::Ghost, "Ghost"),
        (ButtonKind::Danger, "Danger"),
        (ButtonKind::Destroy, "Destroy"),
    ];
    let row = move |size: ButtonSize| kinds.map(|(kind, name)| view! { <Button kind=kind size=size>{name}</Button> }).collect_view();
    view! {
        <Section title="Button, IconButton, Link, Kbd">
            <div class="gal-r">{row(ButtonSize::Large)}</div>
            <div class="gal-r">{row(ButtonSize::Medium)}</div>
            <div class="gal-r">{row(ButtonSize::Small)}</div>
            <div class="gal-r">
                <Button kind=ButtonKind::Primary icon=Glyph::Plus>"With an icon"</Button>
                <Button kind=ButtonKind::Primary pending=true>"Saving"</Button>
                <Button pending=true>"Loading"</Button>
                <Button disabled=true>"Disabled"</Button>
                <Button attr:aria-pressed="true">"Pressed"</Button>
                <Button kind=ButtonKind::Primary>"Send " <Kbd keys="⌘↵"/></Button>
                <ButtonLink href="#main" icon=Glyph::ArrowUp>"Link as button"</ButtonLink>
            </div>
            <div class="gal-r">
                <IconButton label="Copy" of=Glyph::Copy size=ButtonSize::Small/>
                <IconButton label="Share" of=Glyph::Share/>
                <IconButton label="More" of=Glyph::More kind=ButtonKind::Line/>
                <IconButton label="Delete" of=Glyph::Trash kind=ButtonKind::Danger/>
                <IconButton label="Not now" of=Glyph::Play disabled=true/>
                <Link href="#main">"A link in text"</Link>
                <span class="kbds"><Kbd keys="⌘"/><Kbd keys="⇧"/><Kbd keys="O"/></span>
            </div>
        </Section>
    }
}

#[component]
pub fn Fields() -> impl IntoView {
    view! {
        <Section title="Field, Input, Textarea, Select">
            <div class="gal-g">
                <Field id="g-plain" label="Name"><Input name="name" value="Ada"/></Field>
                <Field id="g-help" label="Email" help="You can start at once and confirm it later.">
                    <Input r#type="email" placeholder="you@company.com" autocomplete="off"/>
                </Field>
                <Field
                    id="g-error" label="Password" help="12 characters or more." error=Some("Too short. Use 12 characters or more.".to_owned())
                    beside=|| view! { <a class="link" href="#g-error">"Forgot it?"</a> }
                >
                    <Input r#type="password" value="secret12" autocomplete="off"/>
                </Field>
                <Field id="g-off" label="Workspace address" help="Set by your organization."><Input value="alder" disabled=true/></Field>
                <Field id="g-area" label="Instructions"><Textarea placeholder="In plain words"/></Field>
                <Field id="g-auto" label="Grows with its text"><Textarea autosize=true value="One line\nand another\nand a third"/></Field>
                <Field id="g-select" label="Role">
                    <Select name="role"><option>"Owner"</option><option>"Member"</option></Select>
                </Field>
            </div>
        </Section>
    }
}

#[component]
pub fn Choices() -> impl IntoView {
    let on = RwSignal::new(true);
    let choices = vec![
        Choice::new("call", "This call"),
        Choice { help: "Until this run ends".to_owned(), ..Choice::new("run", "This run") },
        Choice { disabled: true, help: "Off for destructive tools".to_owned(), ..Choice::new("always", "Always") },
    ];
    view! {
        <Section title="Checkbox, RadioGroup, Switch">
            <div class="gal-g">
                <div class="stack stack--sm">
                    <Checkbox checked=true>"Ticked"</Checkbox>
                    <Checkbox help="Smaller words below">"Not ticked"</Checkbox>
                    <Checkbox checked=true disabled=true>"Fixed"</Checkbox>
                </div>
                <RadioGroup legend="This answer holds for" name="g-scope" choices=choices chosen="call"/>
                <div class="stack stack--sm">
                    <Switch checked=on on:change=move |event| on.set(event_target_checked(&event))>{move || if on.get() { "On" } else { "Off" }}</Switch>
                    <Switch>"Off"</Switch>
                    <Switch checked=true disabled=true>"Fixed"</Switch>
                </div>
            </div>
        </Section>
    }
}
