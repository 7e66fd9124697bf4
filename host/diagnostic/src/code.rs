//! Codes: the stable names of what can be wrong. Not the list of them; each
//! crate that raises a code declares it with [`codes!`].

use std::fmt;

/// A dotted name and the page that explains it, Markdown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub name: &'static str,
    pub page: &'static str,
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Declares the codes of a crate under `host/` as constants, and a table of
/// them all. A code without its page in `host/diagnostic/codes/<code>.md`
/// does not compile.
#[macro_export]
macro_rules! codes {
    ($visibility:vis $table:ident: $($constant:ident = $name:literal;)*) => {
        $(pub(crate) const $constant: $crate::Code = $crate::Code {
            name: $name,
            page: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../diagnostic/codes/", $name, ".md"
            )),
        };)*

        /// Every code that this crate raises.
        $visibility const $table: &[$crate::Code] = &[$($constant),*];
    };
}

/// For the test of each crate with codes: which of `page_names` that start
/// with one of the crate's prefixes (`plan.`) no code of the crate claims, and
/// which pages do not begin with their code as a heading.
pub fn unmatched_pages(codes: &[Code], prefixes: &[&str], page_names: &[String]) -> Vec<String> {
    let orphans = page_names.iter().filter(|page| {
        let name = page.trim_end_matches(".md");
        prefixes.iter().any(|prefix| name.starts_with(prefix))
            && !codes.iter().any(|code| code.name == name)
    });
    let untitled = codes
        .iter()
        .filter(|code| !code.page.starts_with(&format!("# {}\n", code.name)))
        .map(|code| format!("{}.md lacks its heading", code.name));
    orphans.cloned().chain(untitled).collect()
}
