//! What can be wrong with secrets. No message holds a value, a part of one
//! or its length.

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    #[error(
        "`{place}` can be reached by others than its owner (mode {mode:03o}): \
         run `chmod 600 {place}`"
    )]
    Readable { place: String, mode: u32 },
    #[error(
        "`{place}` belongs to user {owner}, and this process is user {own}: \
         run `chown {own} {place}`"
    )]
    Owner { place: String, owner: u32, own: u32 },
    #[error("`{place}` cannot be read: {reason}")]
    Read { place: String, reason: String },
    #[error("`{place}` cannot be written: {reason}")]
    Write { place: String, reason: String },
    #[error("line {line} of `{place}` is not `NAME=value`")]
    Line { place: String, line: usize },
    #[error("line {line} of `{place}` sets `{name}` again")]
    Twice {
        place: String,
        line: usize,
        name: String,
    },
    #[error(
        "secret `{name}` is not set: run `duijie secrets set {name}`, or put a line `{name}=…` \
         into `{place}`{}{}",
        .variable.as_ref().map(|variable| format!(
            ", or set the environment variable `{variable}`"
        )).unwrap_or_default(),
        .near.as_ref().map(|near| format!("; there is a secret `{near}`")).unwrap_or_default()
    )]
    Missing {
        name: String,
        place: String,
        /// `None` where the environment is not looked at.
        variable: Option<String>,
        near: Option<String>,
    },
    #[error("`{name}` is no name of a secret: 1 to 64 letters, digits and `_` make one")]
    BadName { name: String },
    #[error(
        "no secret can be called `{name}`: `DUIJIE_SECRET_KEY` and `DUIJIE_SECRET_KEY_FILE` are \
         the secret store's own: choose another name"
    )]
    Reserved { name: String },
    #[error(
        "the value of `{name}` is too short: at least {least} bytes are needed, since a shorter one \
         cannot be told from data and kept out of answers"
    )]
    TooShort { name: String, least: usize },
    #[error("the value of `{name}` is longer than {most} bytes, which is no secret")]
    TooLong { name: String, most: usize },
    #[error("`{place}` holds no key: `duijie secrets key` prints one")]
    BadKey { place: String },
    #[error(
        "`{store}` is sealed, and there is no key in `{found}`: put the key file back, or give \
         the key in `DUIJIE_SECRET_KEY`"
    )]
    NoKey { store: String, found: String },
    #[error(
        "the key in `{found}` is not the one that `{store}` was sealed with: give the right one; \
         if it is lost, move `{store}` away and set the secrets anew"
    )]
    WrongKey { store: String, found: String },
    #[error("there is no `{place}` yet: `duijie secrets set <NAME>` makes it")]
    NoStore { place: String },
    #[error(
        "`{place}` has format {found}, and this duijie knows format {known}: use the version that \
         wrote it, or a later one"
    )]
    Format {
        place: String,
        found: u32,
        known: u32,
    },
    #[error("`{place}` is damaged: {reason}: bring it back from a copy, or set the secret anew")]
    Damaged { place: String, reason: String },
    #[error("the system gives no random numbers, so nothing can be sealed")]
    NoRandom,
}
