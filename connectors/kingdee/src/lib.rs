//! The Kingdee K/3 Cloud connector: exports and nothing else.

mod form;
mod normalise;
mod scan;
mod settings;
