//! The kit: primitives that know nothing of the product. One noun a file, its look in `style/ui/`.
//!
//! Each renders on the server, works before hydration where the platform allows it (`<details>`, `popover`,
//! real links and forms), and makes no id of its own: callers name them, so that both sides agree.

pub mod accordion;
pub mod announcer;
pub mod avatar;
pub mod badge;
pub mod banner;
pub mod breadcrumb;
pub mod button;
pub mod choice;
pub mod clipboard;
pub mod code_block;
pub mod data_table;
pub mod dialog;
pub mod dom;
pub mod empty_state;
pub mod field;
pub mod icon;
pub mod input;
pub mod kbd;
pub mod link;
pub mod load_more;
pub mod menu;
pub mod meter;
pub mod palette;
pub mod popover;
pub mod skeleton;
pub mod spinner;
pub mod tabs;
pub mod theme;
pub mod timestamp;
pub mod toast;
pub mod tooltip;

pub use accordion::AccordionItem;
pub use announcer::{Announcer, LiveAnnouncer, use_announcer};
pub use avatar::{AgentAvatar, Avatar, OrganizationMark};
pub use badge::{Badge, BadgeTone, Status, StatusPill};
pub use banner::{Banner, BannerTone};
pub use breadcrumb::{Breadcrumb, Crumb};
pub use button::{Button, ButtonKind, ButtonLink, ButtonSize, IconButton};
pub use choice::{Checkbox, Choice, RadioGroup, Switch};
pub use code_block::CodeBlock;
pub use data_table::{Column, DataTable};
pub use dialog::{AlertDialog, Dialog, Sheet};
pub use empty_state::EmptyState;
pub use field::Field;
pub use icon::{Glyph, Icon, IconSprite};
pub use input::{Input, Select, Textarea};
pub use kbd::Kbd;
pub use link::Link;
pub use load_more::LoadMore;
pub use menu::{DropdownMenu, MenuItem, MenuLink};
pub use meter::{Meter, MeterTone, Progress};
pub use palette::{CommandPalette, PaletteItem, PaletteRun};
pub use popover::Popover;
pub use skeleton::Skeleton;
pub use spinner::Spinner;
pub use tabs::{Tab, TabPanel, Tabs};
pub use theme::{THEME_SCRIPT, ThemeSwitch};
pub use timestamp::{Clock, TimeForm, Timestamp};
pub use toast::{Toast, Toaster, Toasts, use_toasts};
pub use tooltip::Tooltip;
