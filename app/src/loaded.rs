//! What a page loads: with the page on the server, by itself when the browser goes there.
//!
//! A resource whose machinery is made once for all that is loaded, and not again for each shape: a browser
//! loads that code. The shape comes back when the value is taken out, and its JSON is read in the very way in
//! which answers of server functions are.

use std::{any::Any, convert::Infallible, marker::PhantomData, pin::Pin, sync::Arc};

use codee::{Decoder, Encoder};
use leptos::prelude::Resource;
use serde::{Serialize, de::DeserializeOwned};
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::error::{AppError, AppResult};

/// Something that is loaded, in its own shape.
pub struct Loaded<T> {
    inside: Resource<Parcel, Parcels>,
    shape: PhantomData<fn() -> T>,
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Loaded<T> {}

/// Something that was loaded, in no shape.
#[derive(Clone)]
enum Parcel {
    /// An `AppResult` of the shape, and how to write it down.
    Open(Arc<dyn Any + Send + Sync>, fn(&(dyn Any + Send + Sync)) -> String),
    /// The same as JSON, as it came with the page.
    Written(Arc<str>),
}

type Fetch = Box<dyn Fn(String) -> Pin<Box<dyn Future<Output = Parcel> + Send>> + Send + Sync>;

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Loaded<T> {
    /// Loads something, again whenever `source` changes.
    pub fn new<F>(source: impl Fn() -> String + Send + Sync + 'static, fetch: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = AppResult<T>> + Send + 'static,
    {
        let fetch: Fetch = Box::new(move |source| {
            let answer = fetch(source);
            Box::pin(async move { Parcel::Open(Arc::new(answer.await), write::<T>) })
        });
        Self { inside: resource(Box::new(source), fetch), shape: PhantomData }
    }

    /// What was loaded, once it is there.
    pub async fn get(self) -> AppResult<T> {
        match self.inside.await {
            Parcel::Open(value, _) => value.downcast_ref::<AppResult<T>>().cloned().unwrap_or_else(|| Err(unreadable())),
            Parcel::Written(text) => serde_json::from_slice(text.as_bytes()).unwrap_or_else(|_| Err(unreadable())),
        }
    }

    /// Loads it again.
    pub fn again(self) {
        self.inside.refetch();
    }
}

/// All that does not depend on a shape.
fn resource(source: Box<dyn Fn() -> String + Send + Sync>, fetch: Fetch) -> Resource<Parcel, Parcels> {
    Resource::new_with_options(source, fetch, false)
}

/// Only a server writes values down.
fn write<T: Serialize + 'static>(value: &(dyn Any + Send + Sync)) -> String {
    if cfg!(target_arch = "wasm32") {
        return String::new();
    }
    value.downcast_ref::<AppResult<T>>().and_then(|value| serde_json::to_string(value).ok()).unwrap_or_default()
}

fn unreadable() -> AppError {
    AppError::from_server_fn_error(ServerFnErrorErr::Deserialization("a page's data".to_owned()))
}

/// Writes and reads parcels.
struct Parcels;

impl Encoder<Parcel> for Parcels {
    type Error = Infallible;
    type Encoded = String;

    fn encode(parcel: &Parcel) -> Result<String, Infallible> {
        Ok(match parcel {
            Parcel::Open(value, write) => write(&**value),
            Parcel::Written(text) => text.to_string(),
        })
    }
}

impl Decoder<Parcel> for Parcels {
    type Error = Infallible;
    type Encoded = str;

    fn decode(text: &str) -> Result<Parcel, Infallible> {
        Ok(Parcel::Written(text.into()))
    }
}
