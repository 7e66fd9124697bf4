//! Points and guards of the store's `chaos`; in tests those of this thread.

pub(crate) use duijie_store::chaos::{Guard, Point};
#[cfg(not(test))]
pub(crate) use duijie_store::chaos::{is_off, reach};

#[cfg(test)]
pub(crate) use crate::simulate::chaos::{is_off, reach};
