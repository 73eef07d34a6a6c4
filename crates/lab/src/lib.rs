//! A place to watch a Go map work: scripts of map operations on a model of the runtime's map,
//! drawn and explained step by step.
//!
//! [`parse`] reads a script, a [`Session`] runs its commands one by one and gives a [`Frame`] for
//! each, and [`text`] draws frames. The models are those of `tophash_runtime`; what happens inside
//! an operation is what they tell ([`tophash_runtime::Event`]), not worked out again here.

mod explain;
pub mod html;
mod model;
mod ops;
mod picture;
mod race;
mod scene;
mod script;
mod session;
pub mod text;
mod value;

pub use picture::{Cell, Mark, Part, Picture, Row, State};
pub use race::{Access, EndingView, Kind, Odds, RaceView};
pub use scene::{
    SCENES, Scene, default_build, find as find_scene, list as list_scenes, script as scene_script,
};
pub use script::{COMMANDS, Command, Script, ScriptError, Statement, build, parse};
pub use session::{Frame, Next, Session, Setup, build_name};
