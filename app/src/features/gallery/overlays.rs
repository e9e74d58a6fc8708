//! What opens above the page.

use leptos::prelude::*;

use super::Section;
use crate::ui::{
    AlertDialog, Button, ButtonKind, Dialog, DropdownMenu, Field, Glyph, Icon, Input, MenuItem, MenuLink, Popover, Sheet, Toast, Tooltip, use_toasts,
};

#[component]
pub fn Overlays(
    /// Opens the palette.
    palette: RwSignal<bool>,
) -> impl IntoView {
    let picked = RwSignal::new("nothing yet");
    let pick = move |what: &'static str| move |_| picked.set(what);
    view! {
        <Section title="DropdownMenu, Popover, Tooltip, CommandPalette">
            <div class="gal-r">
                <DropdownMenu id="g-menu" label="Conversation">
                    <MenuItem icon=Glyph::Pencil on:click=pick("rename")>"Rename"</MenuItem>
                    <MenuItem icon=Glyph::Copy on:click=pick("copy")>"Copy link"</MenuItem>
                    <MenuLink href="#main" icon=Glyph::ArrowUp>"To the top"</MenuLink>
                    <hr/>
                    <MenuItem icon=Glyph::Trash danger=true on:click=pick("delete")>"Delete"</MenuItem>
                </DropdownMenu>
                <DropdownMenu id="g-menu-end" label="Agent" class="btn btn--line" end=true trigger=|| view! { "Agent" <Icon of=Glyph::Down size=12/> }>
                    <MenuItem icon=Glyph::Route>"Triage"</MenuItem>
                    <MenuItem icon=Glyph::Globe>"Researcher"</MenuItem>
                </DropdownMenu>
                <Popover id="g-popover" label="Details" trigger=|| "Details">
                    <p>"Free content, as wide as it needs to be."</p>
                </Popover>
                <Tooltip id="g-tip" words="Costs nothing: the practice model answers">
                    <Button attr:aria-describedby="g-tip">"Hover or focus"</Button>
                </Tooltip>
                <Button icon=Glyph::Search on:click=move |_| palette.set(true)>"Command palette"</Button>
                <span class="muted">"Picked: " {move || picked.get()}</span>
            </div>
        </Section>
    }
}

#[component]
pub fn Layers() -> impl IntoView {
    let dialog = RwSignal::new(false);
    let alert = RwSignal::new(false);
    let sheet = RwSignal::new(false);
    let toasts = use_toasts();
    let revoke = Callback::new(move |()| toasts.show(Toast::new("Key revoked")));
    view! {
        <Section title="Dialog, AlertDialog, Sheet">
            <div class="gal-r">
                <Button on:click=move |_| dialog.set(true)>"Dialog"</Button>
                <Button kind=ButtonKind::Danger on:click=move |_| alert.set(true)>"Revoke…"</Button>
                <Button on:click=move |_| sheet.set(true)>"Sheet"</Button>
            </div>
            <Dialog id="g-dialog" open=dialog title="Rename conversation">
                <form method="dialog" class="stack">
                    <Field id="g-title" label="Title"><Input value="Kestrel battery recall"/></Field>
                    <Button kind=ButtonKind::Primary submit=true>"Save"</Button>
                </form>
            </Dialog>
            <AlertDialog id="g-alert" open=alert title="Revoke this key?" confirm="Revoke" on_confirm=revoke>
                "Programs that use it stop working at once. This cannot be undone."
            </AlertDialog>
            <Sheet id="g-sheet" open=sheet title="Step 3: Web search"><p>"Details beside the page."</p></Sheet>
        </Section>
    }
}
