//! The tasks of a run, in the order in which a record travels.

pub(crate) mod chunk;
pub(crate) mod decide;
pub(crate) mod drain;
pub(crate) mod evidence;
pub(crate) mod group;
pub(crate) mod map;
pub(crate) mod prepare;
pub(crate) mod reconcile;
pub(crate) mod settle;
pub(crate) mod source;
pub(crate) mod writer;
