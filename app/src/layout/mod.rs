//! Frames around pages: the workspace, the public site, signing in, errors. They take plain data and slots and
//! call no server function.

pub mod app_layout;
pub mod auth_aside;
pub mod auth_layout;
pub mod brand;
pub mod error_page;
pub mod page_header;
pub mod shortcuts;
pub mod sidebar;
pub mod site_layout;
pub mod workspace;

pub use app_layout::AppLayout;
pub use auth_aside::{SignInAside, SignUpAside};
pub use auth_layout::AuthLayout;
pub use error_page::{ErrorPage, NotFound};
pub use page_header::PageHeader;
pub use sidebar::UserMenu;
pub use site_layout::SiteLayout;
pub use workspace::{SessionView, Workspace, use_workspace};
