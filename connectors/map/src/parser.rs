//! The dialect's parsers: what a rule does to its value before it is written.

use crate::expression::Complaint;
use crate::settings::Parser;
use crate::text::{nearest, quoted};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// ConvertObjectParser, ConvertTwoStageObjectParser: fixed bytes around it.
    Wrap { open: Vec<u8>, close: Vec<u8> },
    /// StringToArray
    Split(String),
    /// ArrayToString
    Join(String),
    /// ArrayUnique
    Unique,
    /// ConvertJson
    Pairs,
}

const NAMES: [&str; 6] = [
    "ConvertObjectParser",
    "ConvertTwoStageObjectParser",
    "StringToArray",
    "ArrayToString",
    "ArrayUnique",
    "ConvertJson",
];

/// The steps of a chain such as `StringToArray,ArrayUnique`; every step that
/// takes params gets the same.
pub(crate) fn steps(parser: &Parser) -> Result<Vec<Step>, Complaint> {
    let params = parser.params.as_deref().filter(|params| !params.is_empty());
    let mut steps: Vec<Step> = Vec::new();
    for name in parser.name.split(',').map(str::trim) {
        let step = step(name, params)?;
        let before = steps.last();
        let fits = match (&step, before) {
            (Step::Wrap { .. } | Step::Unique, Some(Step::Split(_) | Step::Unique)) => true,
            (Step::Wrap { .. }, Some(Step::Wrap { .. } | Step::Join(_))) => true,
            (Step::Join(_), Some(Step::Split(_) | Step::Unique)) => true,
            (Step::Split(_), Some(Step::Join(_))) => true,
            (_, before) => before.is_none(),
        };
        if !fits {
            return Err(
                Complaint::new(0, format!("`{name}` cannot follow the parser before it"))
                    .hint("texts become arrays first, objects are made last"),
            );
        }
        steps.push(step);
    }
    Ok(steps)
}

fn step(name: &str, params: Option<&str>) -> Result<Step, Complaint> {
    let missing = |example: &str| {
        Complaint::new(0, format!("`{name}` has no `params`")).hint(format!("such as `{example}`"))
    };
    match name {
        "ConvertObjectParser" => Ok(wrap(&[params.ok_or_else(|| missing("FNumber"))?])),
        "ConvertTwoStageObjectParser" => {
            let example = "FAUXPROPID__FF100001,FNumber";
            let params = params.ok_or_else(|| missing(example))?;
            match params
                .split(',')
                .map(str::trim)
                .collect::<Vec<_>>()
                .as_slice()
            {
                [outer, inner] if !outer.is_empty() && !inner.is_empty() => {
                    Ok(wrap(&[outer, inner]))
                }
                _ => Err(
                    Complaint::new(0, format!("found `{params}`, expected two names"))
                        .hint(format!("such as `{example}`")),
                ),
            }
        }
        "StringToArray" => Ok(Step::Split(params.unwrap_or(",").to_owned())),
        "ArrayToString" => Ok(Step::Join(params.unwrap_or(",").to_owned())),
        "ArrayUnique" => Ok(Step::Unique),
        "ConvertJson" => Ok(Step::Pairs),
        _ => {
            let complaint = Complaint::new(0, format!("unknown parser `{name}`"));
            Err(match nearest(name, NAMES) {
                Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                None => complaint.hint(format!("known are {}", NAMES.join(", "))),
            })
        }
    }
}

fn wrap(names: &[&str]) -> Step {
    let mut open = Vec::new();
    for name in names {
        open.push(b'{');
        open.extend_from_slice(&quoted(name));
        open.push(b':');
    }
    Step::Wrap {
        open,
        close: vec![b'}'; names.len()],
    }
}
