//! The cutter against serde_json.
