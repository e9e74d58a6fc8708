//! The WASM entry: brings the server's page to life, nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script once the module has loaded.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    // The gallery is an application of its own, for those who build; all else that comes alive is the workspace.
    if cfg!(debug_assertions) && app::paths::is_gallery() {
        leptos::mount::hydrate_lazy(app::GalleryApp);
    } else {
        leptos::mount::hydrate_lazy(app::App);
    }
}
