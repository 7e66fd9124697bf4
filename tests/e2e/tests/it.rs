//! End-to-end tests: the real binary, the real components, the real simulators. One binary, a module a subject.

// The lint table exempts unit tests only; helpers of an integration test are test code too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod it {
    mod alerts;
    mod answers;
    mod arrival;
    mod backfill;
    mod backups;
    mod canaries;
    mod changes;
    mod commands;
    mod dialects;
    mod erasing;
    mod escapes;
    mod follow;
    mod grants;
    mod groups;
    mod holds;
    mod hostile;
    mod imports;
    mod interface;
    mod kingdee_forms;
    mod kingdee_operations;
    mod kingdee_source;
    mod letters;
    mod limits;
    mod planned;
    mod queues;
    mod quotas;
    mod reconciliation;
    mod refusals;
    mod sealed;
    mod secrets;
    mod service;
    mod steps;
    mod stops;
    mod tables;
    mod traces;
    mod vault;
    mod waiqin365;
    mod wangdiantong_whole;
}
