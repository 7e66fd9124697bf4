//! The forms that are known by name, read from `fields.tsv` at the time of
//! use. It knows names only; `form` says how a field is written, `query` how
//! it is read.
//!
//! A form's line: `#name`, title in Chinese and English, the field of its id,
//! of its number, its list of rows, its sub-head, the field of its last change;
//! `-` for none. A field's line: path, kind, titles, and a member: that of base
//! data, or `~` and that of a flexible field; `<` stands before it where the
//! field is only read, `>` where a query does not ask for it by itself.

pub(crate) const TEXT: &str = include_str!("../fields.tsv");

/// A form that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub name: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
    pub id: &'static str,
    pub number: &'static str,
    /// Empty where it has no rows.
    pub entity: &'static str,
    pub sub_head: &'static str,
    /// The field of its last change; empty where it has none.
    pub time: &'static str,
    lines: &'static str,
}

/// One field of a known form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// The object or list that it stands in; empty for the head.
    pub within: &'static str,
    pub name: &'static str,
    pub kind: char,
    pub zh: &'static str,
    pub en: &'static str,
    pub member: &'static str,
}

pub(crate) fn all() -> impl Iterator<Item = Known> {
    TEXT.split("\n#").filter_map(|part| {
        let part = part.strip_prefix('#').unwrap_or(part);
        let (head, lines) = part.split_once('\n')?;
        let mut cells = head.split('\t');
        let mut cell = || cells.next().map(|cell| if cell == "-" { "" } else { cell });
        Some(Known {
            name: cell()?,
            zh: cell()?,
            en: cell()?,
            id: cell()?,
            number: cell()?,
            entity: cell()?,
            sub_head: cell()?,
            time: cell()?,
            lines,
        })
    })
}

pub(crate) fn known(form: &str) -> Option<Known> {
    all().find(|known| known.name == form)
}

impl Known {
    pub(crate) fn fields(&self) -> impl Iterator<Item = Line> + use<> {
        self.lines.split('\n').filter_map(|line| {
            let mut cells = line.split('\t');
            let path = cells.next()?;
            let kind = cells.next()?.chars().next()?;
            let (within, name) = path.rsplit_once('.').unwrap_or(("", path));
            let mut cell = || cells.next().unwrap_or_default();
            (!path.starts_with('|')).then(|| Line {
                within,
                name,
                kind,
                zh: cell(),
                en: cell(),
                member: cell(),
            })
        })
    }

    /// The field of this name, whatever its case, in this object or list.
    pub(crate) fn field(&self, within: &str, name: &str) -> Option<Line> {
        self.fields()
            .find(|line| line.within == within && line.name.eq_ignore_ascii_case(name))
    }
}

impl Line {
    /// Whether it stands at this path.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        match path.rsplit_once('.') {
            Some((within, name)) => self.within == within && self.name == name,
            None => self.within.is_empty() && self.name == path,
        }
    }

    /// Only the system sets it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.member.starts_with('<')
    }

    /// The member of base data that holds its number.
    pub(crate) fn base(&self) -> Option<&'static str> {
        let member = self.member.trim_start_matches(['<', '>']);
        (!member.is_empty() && !member.starts_with('~')).then_some(member)
    }

    pub(crate) fn flex(&self) -> Option<&'static str> {
        self.member.strip_prefix('~')
    }

    /// As a query asks for it unless told otherwise.
    pub(crate) fn query_key(&self) -> Option<String> {
        if matches!(self.kind, 'l' | 'o') || self.member.starts_with(['~', '>']) {
            return None;
        }
        Some(match self.base() {
            Some(member) => format!("{}.{member}", self.name),
            None => self.name.to_owned(),
        })
    }
}
