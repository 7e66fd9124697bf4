//! The vendor's answers: `ResponseStatus` in its forms. Keys keep the vendor's spelling.

use crate::node::Node;

/// One finding about one bill of a packet.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    /// Index of the bill in the packet.
    pub(crate) at: usize,
    pub(crate) code: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Success {
    pub(crate) id: i64,
    pub(crate) number: String,
    pub(crate) at: usize,
}

pub(crate) const SESSION_LOST: &str = "会话信息已丢失，请重新登录";

pub(crate) fn failure(code: i32, message: impl Into<String>) -> Failure {
    Failure {
        field: None,
        message: message.into(),
        at: 0,
        code,
    }
}

fn number(at: usize) -> Node {
    Node::Number(at.to_string())
}

/// `ResponseStatus`. `ErrorCode` is present on failure only, as in live answers.
pub(crate) fn status(
    success: bool,
    code: i32,
    failures: &[Failure],
    successes: &[Success],
) -> Node {
    let mut members = Vec::new();
    if !success {
        members.push(("ErrorCode".to_owned(), Node::integer(500)));
    }
    let errors = failures.iter().map(|failure| {
        Node::map([
            (
                "FieldName",
                failure.field.clone().map_or(Node::Null, Node::Text),
            ),
            ("Message", Node::text(&failure.message)),
            ("DIndex", number(failure.at)),
        ])
    });
    let entities = successes.iter().map(|success| {
        Node::map([
            ("Id", Node::integer(success.id)),
            ("Number", Node::text(&success.number)),
            ("DIndex", number(success.at)),
        ])
    });
    members.extend([
        ("IsSuccess".to_owned(), Node::Bool(success)),
        ("Errors".to_owned(), Node::List(errors.collect())),
        ("SuccessEntitys".to_owned(), Node::List(entities.collect())),
        ("SuccessMessages".to_owned(), Node::List(Vec::new())),
        ("MsgCode".to_owned(), Node::integer(code)),
    ]);
    Node::Map(members)
}

/// `{"Result":{"ResponseStatus":…}}` and more members of `Result`.
pub(crate) fn result(status: Node, more: Vec<(String, Node)>) -> Node {
    let mut members = vec![("ResponseStatus".to_owned(), status)];
    members.extend(more);
    Node::map([("Result", Node::Map(members))])
}

/// A call that failed as a whole.
pub(crate) fn refused(failure: &Failure) -> Node {
    result(
        status(false, failure.code, std::slice::from_ref(failure), &[]),
        Vec::new(),
    )
}

/// A failed query: a two-dimensional array that looks like one row (`ExecuteBillQuery`).
pub(crate) fn refused_rows(failure: &Failure) -> Node {
    Node::List(vec![Node::List(vec![refused(failure)])])
}
