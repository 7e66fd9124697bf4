//! Pages in, records and positions out.
