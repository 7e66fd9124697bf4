//! Diagnostics as text for people. The one place of the host that knows how
//! an error looks; colour only where the caller asks for it.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle,
};

use crate::{Diagnostic, Severity, Sources};

/// How the text is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Style {
    /// For files, pipes and tests.
    pub const PLAIN: Style = Style {
        colour: false,
        width: 140,
    };
}

/// All of them, in the given order, a blank line between.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let renderer = if style.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
    .decor_style(DecorStyle::Ascii)
    .term_width(style.width);
    let masked = sources.masked(diagnostics);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        // Blanks at the end would tell how long a hidden stretch is.
        for line in renderer.render(&[group(diagnostic, &masked)]).lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(clean(&diagnostic.message))
        .id(diagnostic.code.name);
    let mut group = Group::with_title(title).elements(snippets(diagnostic, sources));
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.with_name("hint").message(clean(hint)));
    }
    group
}

/// One snippet a file, the primary place's file first.
fn snippets<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a Sources,
) -> Vec<Snippet<'a, Annotation<'a>>> {
    let mut files: Vec<(&str, Vec<Annotation<'a>>)> = Vec::new();
    let primary = diagnostic
        .place
        .iter()
        .map(|place| (place, AnnotationKind::Primary, None));
    let others = diagnostic
        .labels
        .iter()
        .map(|label| (&label.place, AnnotationKind::Context, Some(&label.text)));
    for (place, kind, label) in primary.chain(others) {
        let Some(span) = sources.span(place) else {
            continue;
        };
        let annotation = kind.span(span).label(label.map(|text| clean(text)));
        match files.iter_mut().find(|(file, _)| *file == place.file) {
            Some((_, annotations)) => annotations.push(annotation),
            None => files.push((&place.file, vec![annotation])),
        }
    }
    files
        .into_iter()
        .filter_map(|(file, annotations)| {
            let snippet = Snippet::source(sources.text(file)?).path(file);
            Some(snippet.annotations(annotations))
        })
        .collect()
}

/// Texts of guests and files may hold terminal commands; none gets through.
fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' => '\n',
            _ if letter.is_control() => '\u{fffd}',
            _ => letter,
        })
        .collect()
}
