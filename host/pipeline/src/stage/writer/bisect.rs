//! A chunk that was refused as a whole, or of which nothing is known twice in
//! a row, is cut in two until one document stands alone with its trouble.

use duijie_store::IntentId;

use super::{Course, Reached, Resolved, Writer};
use crate::Error;
use crate::chaos::{Point, reach};
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::Doubt;

/// How a piece begins.
pub(super) enum Begins {
    /// It has no intent yet.
    New,
    /// An earlier run sent it, perhaps.
    InDoubt,
    /// Its intent is durable and nothing was sent under it.
    Intended,
}

/// A chunk, or what was cut out of one.
pub(super) struct Piece {
    pub(super) chunk: Chunk,
    /// The intent that names it, until it is settled.
    pub(super) open: Option<IntentId>,
    pub(super) course: Course,
    pub(super) begins: Begins,
}

impl Piece {
    pub(super) fn new(chunk: Chunk, open: Option<IntentId>) -> Self {
        let begins = match open {
            Some(_) => Begins::InDoubt,
            None => Begins::New,
        };
        Self {
            chunk,
            open,
            course: Course::default(),
            begins,
        }
    }

    /// The intent to be settled when it is not sent any more.
    pub(super) fn unsent(self) -> Option<IntentId> {
        self.open.filter(|_| !self.course.doubted)
    }
}

/// All that came of one chunk.
pub(super) struct Family {
    /// The next one last.
    pub(super) waiting: Vec<Piece>,
    /// Single documents whose tries are used up, each with its last reason.
    pub(super) spent: Vec<(Piece, String)>,
    pub(super) is_cut: bool,
    /// Whether the target took any of them: it works, then.
    pub(super) taken: bool,
    pub(super) failure: Option<Error>,
}

impl Family {
    pub(super) fn new(piece: Piece) -> Self {
        Self {
            waiting: vec![piece],
            spent: Vec::new(),
            is_cut: false,
            taken: false,
            failure: None,
        }
    }

    pub(super) fn cut(&mut self, pieces: Vec<Piece>) {
        self.is_cut = true;
        self.waiting.extend(pieces.into_iter().rev());
    }

    /// Nothing more of it is sent.
    pub(super) fn fail(&mut self, failure: Option<Error>) {
        self.failure = self.failure.take().or(failure);
    }

    /// Leaves the spent documents to the next run, their intents open.
    pub(super) fn give_up(&mut self, error: impl FnOnce(u32, usize, String) -> Error) {
        let waiting = self.waiting.iter().map(|piece| piece.chunk.entries.len());
        let documents = self.spent.len() + waiting.sum::<usize>();
        if let Some((piece, reason)) = self.spent.pop() {
            let failure = error(piece.course.tries, documents, reason);
            self.fail(Some(failure));
        }
        self.spent.clear();
    }
}

impl Writer {
    /// Each half gets an intent of its own, in one commit that settles the
    /// intent of the whole; a single document gets a new one.
    pub(super) async fn cut(
        &mut self,
        open: Option<IntentId>,
        chunk: Chunk,
        resolved: &mut Resolved,
    ) -> Result<Reached, Error> {
        let [mut first, mut second] = chunk.halves();
        let mut halves = vec![&mut first];
        if !second.is_empty() {
            halves.push(&mut second);
        }
        if !self.intend_each(open, &mut halves, resolved).await? {
            return Ok(Reached::Nowhere);
        }
        reach(Point::AfterBisect);
        let resends = matches!(self.doubt(), Doubt::LookUp | Doubt::Resend);
        let halves = [first, second].into_iter().filter(|half| !half.is_empty());
        let piece = |chunk: Chunk| Piece {
            open: chunk.intent.as_ref().map(|(id, _)| *id),
            course: Course {
                doubted: resends && chunk.doubted.contains(&true),
                ..Course::default()
            },
            begins: Begins::Intended,
            chunk,
        };
        Ok(Reached::Cut(halves.map(piece).collect()))
    }
}
