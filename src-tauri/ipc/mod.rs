//! Between the windows and the core: types, their making, commands.

pub mod calling;
pub mod commands;
pub mod convert;
pub mod desktop;
mod desktop_commands;
pub mod env_file;
mod line_commands;
pub mod line_costs;
pub mod line_setup;
pub mod line_sheet;
pub mod lines;
pub mod records;
pub mod sound;
pub mod types;
pub mod watchers;

include!("names.rs");
