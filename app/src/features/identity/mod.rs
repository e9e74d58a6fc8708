//! Identity: signing up and in (public pages whose forms the edge answers), who is signed in, keys for programs.

mod account;
pub mod api;
mod api_key_form;
mod api_keys_page;
pub mod form_state;
mod sign_in_page;
mod sign_up_page;

pub use account::Account;
pub use api_keys_page::ApiKeysPage;
pub use form_state::FormState;
pub use sign_in_page::SignInPage;
pub use sign_up_page::SignUpPage;
