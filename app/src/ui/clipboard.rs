//! Copying to the clipboard, with an honest answer.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Copies the text; says whether it worked. Browsers offer no clipboard to pages on plain http off loopback.
pub async fn copy(text: &str) -> bool {
    let Some(navigator) = web_sys::window().map(|window| window.navigator()) else { return false };
    let offered = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|clipboard| !clipboard.is_undefined());
    offered && JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
}
