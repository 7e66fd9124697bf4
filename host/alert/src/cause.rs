//! What there is to tell.

/// What went wrong. The order is that of messages, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A tenant's folder cannot be taken over.
    Folder,
    /// A tenant has used a quota up, and nothing of it begins.
    Quota,
    FailedRuns,
    MissedRuns,
    /// Source and target differ.
    Reconciliation,
    Holds,
    DeadLetters,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Folder,
        Kind::Quota,
        Kind::FailedRuns,
        Kind::MissedRuns,
        Kind::Reconciliation,
        Kind::Holds,
        Kind::DeadLetters,
    ];

    /// As manifests and messages for programs name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Folder => "folder",
            Kind::Quota => "quota",
            Kind::FailedRuns => "failed-runs",
            Kind::MissedRuns => "missed-runs",
            Kind::Reconciliation => "reconciliation",
            Kind::Holds => "holds",
            Kind::DeadLetters => "dead-letters",
        }
    }
}

/// What is told once in a while, however often it happens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    pub kind: Kind,
    pub tenant: String,
    /// `None` for what is of the whole tenant.
    pub pipeline: Option<String>,
}

/// It happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub cause: Cause,
    pub at_ms: u64,
    /// Documents that wait, differences, runs, stretches of slots.
    pub count: u64,
    /// The reason as people are told it; may be empty.
    pub detail: String,
    pub run: Option<String>,
}

/// What a message says of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub cause: Cause,
    /// Whether this is the end of it; the rest is then of its last time.
    pub ended: bool,
    /// Over everything since the message before.
    pub count: u64,
    /// Of the first and the last time.
    pub first_ms: u64,
    pub last_ms: u64,
    /// Times that it happened since the message before.
    pub times: u64,
    /// Of the last time.
    pub detail: String,
    pub run: Option<String>,
}

impl Told {
    pub(crate) fn of(event: Event) -> Self {
        Self {
            cause: event.cause,
            ended: false,
            count: event.count,
            first_ms: event.at_ms,
            last_ms: event.at_ms,
            times: 1,
            detail: event.detail,
            run: event.run,
        }
    }

    /// Both, as one; `later` happened after it.
    pub(crate) fn and(&mut self, later: Told) {
        self.count = self.count.saturating_add(later.count);
        self.times = self.times.saturating_add(later.times);
        self.first_ms = self.first_ms.min(later.first_ms);
        self.last_ms = self.last_ms.max(later.last_ms);
        self.ended = later.ended;
        self.detail = later.detail;
        self.run = later.run;
    }
}
