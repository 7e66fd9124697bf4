//! The fields and rules of a collection as a tree of names, made once.

use super::{Collection, Field, Rule};

/// A name that may stand in a document. Index 0 is the document.
pub(super) struct Node<'t> {
    pub(super) name: &'t str,
    /// None for the document, and for one that is only on the way to others.
    pub(super) field: Option<Field<'t>>,
    pub(super) parent: usize,
    /// The first of its children, and the next of its siblings; 0 for none.
    pub(super) first: usize,
    pub(super) next: usize,
    /// Which sibling followed it in the last document, and which child came
    /// first in it; 0 for none.
    pub(super) followed_by: usize,
    pub(super) began_with: usize,
    /// Whether a rule's condition speaks of it.
    pub(super) decides: bool,
}

pub(super) struct Asked<'t> {
    /// The object at whose end it is decided: the one that all its fields
    /// stand in, or the document.
    pub(super) scope: usize,
    /// Whether its fields stand in one object.
    pub(super) together: bool,
    /// The field of the condition and what it must equal; none for `one-of`.
    pub(super) condition: Option<(usize, Option<&'t str>)>,
    pub(super) fields: Vec<usize>,
    /// Whether the condition held, in what was read of the scope.
    pub(super) held: bool,
}

pub(super) fn nodes<'t>(collection: Collection<'t>) -> Vec<Node<'t>> {
    let mut nodes = vec![Node::new("", 0)];
    for field in collection.fields() {
        let mut at = 0;
        for name in field.path.split('.') {
            at = child(&nodes, at, name).unwrap_or_else(|| add(&mut nodes, at, name));
        }
        if let Some(node) = nodes.get_mut(at) {
            node.field = Some(field);
        }
    }
    nodes
}

/// Rules that name a field which is none are left out.
pub(super) fn rules<'t>(collection: Collection<'t>, nodes: &mut [Node<'t>]) -> Vec<Asked<'t>> {
    let asked: Vec<_> = collection
        .rules()
        .filter_map(|rule| asked(rule, nodes))
        .collect();
    for (decides, _) in asked.iter().filter_map(|rule| rule.condition) {
        if let Some(node) = nodes.get_mut(decides) {
            node.decides = true;
        }
    }
    asked
}

fn asked<'t>(rule: Rule<'t>, nodes: &[Node<'t>]) -> Option<Asked<'t>> {
    let fields: Vec<usize> = rule
        .fields()
        .map(|path| found(nodes, path))
        .collect::<Option<_>>()?;
    let condition = match rule {
        Rule::When { path, equals, .. } => Some((found(nodes, path)?, equals)),
        Rule::OneOf { .. } => None,
    };
    let mut parents = fields
        .iter()
        .copied()
        .chain(condition.map(|(node, _)| node))
        .filter_map(|node| nodes.get(node))
        .map(|node| node.parent);
    let scope = parents.next()?;
    let together = parents.all(|parent| parent == scope);
    Some(Asked {
        scope: if together { scope } else { 0 },
        together,
        condition,
        fields,
        held: false,
    })
}

fn found(nodes: &[Node<'_>], path: &str) -> Option<usize> {
    path.split('.')
        .try_fold(0, |at, name| child(nodes, at, name))
}

/// The child of this name, walking along its siblings.
pub(super) fn child(nodes: &[Node<'_>], parent: usize, name: &str) -> Option<usize> {
    let mut at = nodes.get(parent)?.first;
    while at != 0 {
        let node = nodes.get(at)?;
        if node.name == name {
            return Some(at);
        }
        at = node.next;
    }
    None
}

fn add<'t>(nodes: &mut Vec<Node<'t>>, parent: usize, name: &'t str) -> usize {
    let index = nodes.len();
    let mut last = nodes.get(parent).map_or(0, |node| node.first);
    while let Some(next) = nodes
        .get(last)
        .map(|node| node.next)
        .filter(|next| *next != 0)
    {
        last = next;
    }
    nodes.push(Node::new(name, parent));
    match last {
        0 => {
            if let Some(node) = nodes.get_mut(parent) {
                node.first = index;
            }
        }
        last => {
            if let Some(node) = nodes.get_mut(last) {
                node.next = index;
            }
        }
    }
    index
}

impl<'t> Node<'t> {
    fn new(name: &'t str, parent: usize) -> Self {
        Self {
            name,
            field: None,
            parent,
            first: 0,
            next: 0,
            followed_by: 0,
            began_with: 0,
            decides: false,
        }
    }
}
