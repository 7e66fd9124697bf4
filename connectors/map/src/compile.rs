//! From rules to a plan. `check` and `open` both come through here, so what
//! the one passes the other can run.

mod tree;

use duijie_sdk::Problem;

use crate::condition::Condition;
use crate::expression::{self, Complaint, Names};
use crate::layout::Layout;
use crate::names::Scope;
use crate::parser::{self, Step};
use crate::plan::{Computed, Each, Fragment, From, Op, Piece, Plan, RuleName, Segment};
use crate::render::render;
use crate::settings::{Form, Problems, Rule, Settings, pointer};
use crate::text::{escape, nearest, quoted};
use crate::view::{Ground, ListPlace, View};

/// The plan and the layout that its reader fills, or every problem.
pub(crate) fn compile(text: &str) -> Result<(Plan, Layout), Vec<Problem>> {
    let mut problems = Problems::default();
    let mut settings = Settings::read(text, &mut problems);
    let scope = Scope::new(&mut settings, &mut problems);
    let mut compiler = Compiler {
        scope,
        problems,
        fixed: Vec::new(),
        ground: Ground {
            lists: Vec::new(),
            lookups: Vec::new(),
            offset: settings.offset,
        },
    };
    let ops = compiler.rules(&settings.rules);
    let Compiler {
        mut scope,
        mut problems,
        mut fixed,
        mut ground,
    } = compiler;
    let condition = Condition::compile(
        &settings.condition,
        &mut scope,
        settings.offset,
        &mut problems,
    );
    let each = each(&settings, &mut scope);
    few_fields(&scope.layout, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    fixed.resize(fixed.len() + 64, 0);
    ground.lookups = std::mem::take(&mut scope.lookups);
    let place = |table: &crate::layout::Table| ListPlace {
        parent: table.parent,
        rows: table.rows,
    };
    ground.lists = scope.layout.tables.iter().map(place).collect();
    let names = settings.rules.iter().map(|rule| RuleName {
        field: rule.field(),
        label: rule.label.clone(),
        required: rule.required,
    });
    let lists = tree::list_names(&scope.layout);
    let plan = Plan {
        ops,
        rules: names.collect(),
        fixed,
        ground,
        condition,
        lists,
        each,
    };
    Ok((plan, scope.layout))
}

fn each(settings: &Settings, scope: &mut Scope) -> Option<Each> {
    let list = scope.each_list()?;
    let part = settings.each.as_ref()?.part.as_deref();
    Some(Each {
        list,
        part: part.map(|part| scope.field_of(list, part)),
    })
}

fn few_fields(layout: &Layout, problems: &mut Problems) {
    if layout.tables.iter().any(|table| table.keys.len() > 10_000) {
        let message = String::from("more than 10000 fields are read");
        problems.add("/rules", message, None);
    }
}

pub(crate) struct Compiler {
    scope: Scope,
    problems: Problems,
    fixed: Vec<u8>,
    ground: Ground,
}

impl Compiler {
    fn fragment(&mut self, bytes: &[u8]) -> Fragment {
        let start = self.fixed.len() as u32;
        self.fixed.extend_from_slice(bytes);
        Fragment {
            start,
            len: bytes.len() as u32,
        }
    }

    /// `,"name":` and what a wrap opens.
    fn key(&mut self, rule: &Rule, open: &[u8]) -> Fragment {
        let mut bytes = vec![b','];
        bytes.extend_from_slice(&quoted(rule.path.last().map_or("", String::as_str)));
        bytes.push(b':');
        bytes.extend_from_slice(open);
        self.fragment(&bytes)
    }

    fn complain(&mut self, rule: &Rule, part: &str, complaint: Complaint, placed: bool) {
        let message = if placed {
            format!(
                "{}, at character {} of the expression",
                complaint.message,
                complaint.at + 1
            )
        } else {
            complaint.message
        };
        self.problems
            .add(&pointer(&rule.at, part), message, complaint.hint);
    }

    /// The operation of a rule without children; none where it writes nothing.
    fn leaf(&mut self, number: u16, rule: &Rule) -> Option<Op> {
        let steps = match rule.parser.as_ref().map(parser::steps) {
            Some(Err(complaint)) => {
                self.complain(rule, "parser", complaint, false);
                Vec::new()
            }
            Some(Ok(steps)) => steps,
            None => Vec::new(),
        };
        if rule.value.is_empty() {
            if rule.required {
                let message = String::from("the rule is required but its value is empty");
                let hint = String::from("give it a value, or leave `required` out");
                self.problems
                    .add(&pointer(&rule.at, "value"), message, Some(hint));
            }
            return None;
        }
        let from = match self.value(&rule.value) {
            Ok(from) => from,
            Err((complaint, placed)) => {
                self.complain(rule, "value", complaint, placed);
                return None;
            }
        };
        self.op(number, rule, from, steps)
    }

    fn op(&mut self, number: u16, rule: &Rule, from: From, steps: Vec<Step>) -> Option<Op> {
        if matches!(from, From::Literal(_)) {
            let form = rule.form;
            return self.constant(rule, Computed { from, steps, form });
        }
        let container = rule.form.holds_children();
        if container && steps.is_empty() && !matches!(from, From::Variable(_)) {
            let message = String::from("a type that is no object or array fits this value");
            let hint = String::from("give it children, a parser, or a type such as string");
            self.problems
                .add(&pointer(&rule.at, "type"), message, Some(hint));
            return None;
        }
        let form = rule.form;
        match (from, wraps(&steps)) {
            (From::Variable(variable), Some((open, close)))
                if variable.pipes.is_empty()
                    && matches!(form, Form::Text | Form::Int | Form::Float) =>
            {
                Some(Op::Copy {
                    key: self.key(rule, &open),
                    close: self.fragment(&close),
                    field: variable.field,
                    form,
                    rule: number,
                })
            }
            (From::Template(segments), Some((open, close))) if form == Form::Text => {
                let pieces = segments.into_iter();
                let pieces = pieces.map(|segment| self.piece(segment)).collect();
                Some(Op::Join {
                    key: self.key(rule, &open),
                    close: self.fragment(&close),
                    pieces,
                    rule: number,
                })
            }
            (from, _) => Some(Op::Value {
                key: self.key(rule, &[]),
                value: Computed { from, steps, form },
                rule: number,
            }),
        }
    }

    fn piece(&mut self, segment: Segment) -> Piece {
        match segment {
            Segment::Literal(text) => {
                let mut bytes = Vec::new();
                escape(&text, &mut bytes);
                Piece::Literal(self.fragment(&bytes))
            }
            Segment::Variable(variable) if variable.pipes.is_empty() => {
                Piece::Field(variable.field)
            }
            Segment::Variable(variable) => Piece::Variable(variable),
        }
    }

    /// Members that are the same for every record are rendered here.
    fn constant(&mut self, rule: &Rule, computed: Computed) -> Option<Op> {
        let view = View {
            bytes: &[],
            slots: &[],
            ground: &self.ground,
            current: &[],
        };
        let mut bytes = Vec::new();
        match render(&computed, &view, &mut bytes) {
            Ok(true) => {
                let mut member = vec![b','];
                member.extend_from_slice(&quoted(rule.path.last().map_or("", String::as_str)));
                member.push(b':');
                member.extend_from_slice(&bytes);
                Some(Op::Constant(self.fragment(&member)))
            }
            Ok(false) => None,
            Err(trouble) => {
                let hint = String::from(if rule.form.holds_children() {
                    "give it children, or a parser that makes one"
                } else {
                    "change the value or the `type`"
                });
                self.problems
                    .add(&pointer(&rule.at, "value"), trouble.message, Some(hint));
                None
            }
        }
    }

    /// What a rule's value says; with an error, whether its place counts.
    fn value(&mut self, value: &str) -> Result<From, (Complaint, bool)> {
        let (word, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        match word {
            "_function" => {
                let parsed = expression::parse(rest, &mut self.scope);
                return parsed
                    .map(From::Expression)
                    .map_err(|complaint| (complaint, true));
            }
            "_findCollection" | "findCollection" => {
                let parsed = expression::parse(value, &mut self.scope);
                return parsed
                    .map(From::Expression)
                    .map_err(|complaint| (complaint, true));
            }
            "_mongoQuery" | "mongoQuery" => {
                let complaint = Complaint::new(0, format!("`{word}` is not understood here"))
                    .hint(expression::FIND);
                return Err((complaint, false));
            }
            _ => {}
        }
        if word.starts_with('_') && !rest.is_empty() {
            let known = ["_function", "_findCollection", "_mongoQuery"];
            if let Some(near) = nearest(word, known) {
                let complaint = Complaint::new(0, format!("unknown word `{word}`"));
                return Err((complaint.hint(format!("did you mean `{near}`?")), false));
            }
        }
        self.template(value).map_err(|complaint| (complaint, false))
    }

    fn template(&mut self, value: &str) -> Result<From, Complaint> {
        if value.contains("${") {
            return Err(
                Complaint::new(0, String::from("`${…}` has no meaning in a mapping"))
                    .hint("write a field of the record as `{{field}}`"),
            );
        }
        let mut segments = Vec::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inside, next)) = after.split_once("}}") else {
                return Err(
                    Complaint::new(0, String::from("`{{` has no `}}`")).hint("write `{{field}}`")
                );
            };
            if !before.is_empty() {
                segments.push(Segment::Literal(before.to_owned()));
            }
            segments.push(Segment::Variable(self.scope.variable(inside)?));
            rest = next;
        }
        if segments.is_empty() {
            return Ok(From::Literal(value.to_owned()));
        }
        if !rest.is_empty() {
            segments.push(Segment::Literal(rest.to_owned()));
        }
        Ok(match segments.pop() {
            Some(Segment::Variable(variable)) if segments.is_empty() => From::Variable(variable),
            last => {
                segments.extend(last);
                From::Template(segments)
            }
        })
    }
}

/// The bytes before and after a value that is only wrapped; none where other
/// parsers are among the steps. The first wrap is the innermost.
fn wraps(steps: &[Step]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for step in steps {
        let Step::Wrap { open, close } = step else {
            return None;
        };
        before.splice(0..0, open.iter().copied());
        after.extend_from_slice(close);
    }
    Some((before, after))
}
