//! Browsers that workflows work in: Chromium, spoken to over pipes.
//!
//! A browser never outlives the program: its pipes close with it, however it ends. What a browser knows is recorded with each
//! visit that changed it ([`BrowserState`]): where its tabs are, and, sealed, its cookies, what pages stored, and what was typed
//! into them. A run that goes on after a crash, or whose browser crashed, opens it again from that.

#[cfg(feature = "browser")]
mod element;
#[cfg(feature = "browser")]
mod input;
#[cfg(feature = "browser")]
mod kept;
#[cfg(feature = "browser")]
mod launch;
#[cfg(feature = "browser")]
mod open;
#[cfg(feature = "browser")]
mod page;
#[cfg(feature = "browser")]
mod picture;
#[cfg(feature = "browser")]
mod pipe;
#[cfg(feature = "browser")]
mod profile;
#[cfg(feature = "browser")]
mod program;
mod state;
#[cfg(feature = "browser")]
mod tab;
#[cfg(feature = "browser")]
mod travel;

#[cfg(feature = "browser")]
pub(crate) use self::element::{Found, Wanted};
#[cfg(feature = "browser")]
pub(crate) use self::input::{Click, modifier};
#[cfg(feature = "browser")]
pub(crate) use self::kept::shown;
#[cfg(feature = "browser")]
pub(crate) use self::open::{Browser, Browsers};
#[cfg(feature = "browser")]
pub(crate) use self::page::Page;
#[cfg(feature = "browser")]
pub(crate) use self::picture::Picture;
#[cfg(feature = "browser")]
pub(crate) use self::pipe::ENDED;
pub use self::state::{BrowserState, Healed, PageNote, TabState};
#[cfg(feature = "browser")]
pub(crate) use self::tab::Reply;

/// Why no browser can be opened here; nothing if one can. A node may name the program.
#[cfg(feature = "browser")]
pub(crate) fn missing(named: Option<&str>) -> Option<String> {
    program::find(named).err()
}

/// Why no browser can be opened here.
#[cfg(not(feature = "browser"))]
pub(crate) fn missing(_named: Option<&str>) -> Option<String> {
    Some("this program was built without browsers; build it with the feature `browser`".to_owned())
}

/// The browsers of a program without any.
#[cfg(not(feature = "browser"))]
#[derive(Debug, Default)]
pub(crate) struct Browsers;

#[cfg(not(feature = "browser"))]
impl Browsers {
    pub(crate) fn ids(&self) -> Vec<String> {
        Vec::new()
    }

    pub(crate) fn close(&self, _id: &str) {}

    pub(crate) fn close_all(&self) {}
}
