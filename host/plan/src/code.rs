//! The codes that this crate raises.

duijie_diagnostic::codes! {
    pub CODES:
    UNKNOWN_CONNECTOR = "plan.unknown_connector";
    MISSING_ROLE = "plan.missing_role";
    BAD_CONNECTOR = "plan.bad_connector";
    UNKNOWN_CONNECTION = "plan.unknown_connection";
    FOREIGN_CONNECTION = "plan.foreign_connection";
    UNKNOWN_COLLECTION = "plan.unknown_collection";
    UNLISTED_COLLECTION = "plan.unlisted_collection";
    SAME_ENDS = "plan.same_ends";
    PLAIN_SECRET = "plan.plain_secret";
    MISPLACED_SECRET = "plan.misplaced_secret";
    MISSING_SECRET = "plan.missing_secret";
    BAD_ORIGIN = "plan.bad_origin";
    MISSING_GRANT = "plan.missing_grant";
    NOT_GRANTED = "plan.not_granted";
    CHANGED_GRANT = "plan.changed_grant";
    UNUSED_GRANT = "plan.unused_grant";
    GUARANTEE_TOO_STRONG = "plan.guarantee_too_strong";
    ON_UNKNOWN_REQUIRED = "plan.on_unknown_required";
    KEY_REQUIRED = "plan.key_required";
    LIMIT_TOO_HIGH = "plan.limit_too_high";
    BAD_DURATION = "plan.bad_duration";
    BAD_SIZE = "plan.bad_size";
    RETENTION_TOO_SHORT = "plan.retention_too_short";
    SETTLE_TOO_SHORT = "plan.settle_too_short";
    UNKNOWN_STEP = "plan.unknown_step";
    STEP_OUT_OF_ORDER = "plan.step_out_of_order";
    NO_CLOSING_RULE = "plan.no_closing_rule";
    GROUP_DRAINS = "plan.group_drains";
    ROWS_NOT_MERGED = "plan.rows_not_merged";
    DUPLICATE_FIELD = "plan.duplicate_field";
    NO_WINDOW = "plan.no_window";
    BAD_SCHEDULE = "plan.bad_schedule";
    BAD_CRON = "plan.bad_cron";
    UNKNOWN_ZONE = "plan.unknown_zone";
    UNKNOWN_PIPELINE = "plan.unknown_pipeline";
    AFTER_ITSELF = "plan.after_itself";
    REFUSED_SETTING = "plan.refused_setting";
    TABLE_FIELD = "plan.table_field";
    TABLE_NOT_FILLED = "plan.table_not_filled";
    DUPLICATE_TABLE = "plan.duplicate_table";
    DUPLICATE_SCOPE = "plan.duplicate_scope";
    DUPLICATE_NAME = "plan.duplicate_name";
}
