//! The form of a recipe after parsing. Whether it is safe is `check`'s say.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeUnit {
    Seconds,
    Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    Base64Decode,
    Hex,
    Upper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha256,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Text(String),
    Setting(String),
    Secret(String),
    Input(String),
    Part(Part),
    Time(TimeUnit),
    Concat(Vec<Expression>),
    Join {
        items: Vec<Expression>,
        with: String,
    },
    Sort(Vec<Expression>),
    Pairs {
        items: Vec<Expression>,
        between: String,
    },
    Length {
        of: Box<Expression>,
        digits: usize,
    },
    Split {
        of: Box<Expression>,
        at: String,
        take: usize,
    },
    Encode(Encoding, Box<Expression>),
    Xor {
        of: Box<Expression>,
        with: String,
    },
    Digest(Hash, Box<Expression>),
    Hmac {
        hash: Hash,
        key: Box<Expression>,
        over: Box<Expression>,
    },
}

impl Expression {
    /// The operator as a recipe writes it.
    pub(super) fn operator(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Setting(_) => "setting",
            Self::Secret(_) => "secret",
            Self::Input(_) => "input",
            Self::Part(_) => "part",
            Self::Time(_) => "time",
            Self::Concat(_) => "concat",
            Self::Join { .. } => "join",
            Self::Sort(_) => "sort",
            Self::Pairs { .. } => "pairs",
            Self::Length { .. } => "length",
            Self::Split { .. } => "split",
            Self::Encode(Encoding::Base64, _) => "base64",
            Self::Encode(Encoding::Base64Decode, _) => "base64-decode",
            Self::Encode(Encoding::Hex, _) => "hex",
            Self::Encode(Encoding::Upper, _) => "upper",
            Self::Xor { .. } => "xor",
            Self::Digest(Hash::Md5, _) => "md5",
            Self::Digest(Hash::Sha256, _) => "sha256",
            Self::Hmac {
                hash: Hash::Md5, ..
            } => "hmac-md5",
            Self::Hmac {
                hash: Hash::Sha256, ..
            } => "hmac-sha256",
        }
    }

    /// Shows every expression in the tree, the root first.
    pub(super) fn visit(&self, see: &mut impl FnMut(&Expression)) {
        see(self);
        match self {
            Self::Text(_)
            | Self::Setting(_)
            | Self::Secret(_)
            | Self::Input(_)
            | Self::Part(_)
            | Self::Time(_) => {}
            Self::Concat(items)
            | Self::Join { items, .. }
            | Self::Sort(items)
            | Self::Pairs { items, .. } => {
                for item in items {
                    item.visit(see);
                }
            }
            Self::Length { of, .. }
            | Self::Split { of, .. }
            | Self::Encode(_, of)
            | Self::Xor { of, .. }
            | Self::Digest(_, of) => of.visit(see),
            Self::Hmac { key, over, .. } => {
                key.visit(see);
                over.visit(see);
            }
        }
    }
}
