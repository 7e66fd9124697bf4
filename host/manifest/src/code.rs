//! The codes that this crate raises.

duijie_diagnostic::codes! {
    pub CODES:
    SYNTAX = "manifest.syntax";
    EMPTY = "manifest.empty";
    TOO_LARGE = "manifest.too_large";
    UNSUPPORTED = "manifest.unsupported_yaml";
    DUPLICATE_KEY = "manifest.duplicate_key";
    UNKNOWN_FIELD = "manifest.unknown_field";
    MISSING_FIELD = "manifest.missing_field";
    WRONG_TYPE = "manifest.wrong_type";
    NOT_ONE_OF = "manifest.not_one_of";
    BAD_VALUE = "manifest.bad_value";
    BUG = "bug.manifest";
}
