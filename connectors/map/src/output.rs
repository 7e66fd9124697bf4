//! The growing output. Short pieces are copied 32 bytes at a time with
//! slack behind them, since a copy of unknown length is a call out of the
//! sandbox; the length that counts is kept beside the bytes.

#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    len: usize,
}

const STEP: usize = 32;

impl Output {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity + STEP],
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Forgets what was written after `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = len.min(self.len);
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        self.bytes
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    pub(crate) fn put(&mut self, piece: &[u8]) {
        self.put_part(piece, 0, piece.len());
    }

    /// Appends `whole[start..start + len]`; what stands behind it in `whole`
    /// may be read but does not count.
    #[inline(always)]
    pub(crate) fn put_part(&mut self, whole: &[u8], start: usize, len: usize) {
        let end = self.len + len;
        if end + STEP > self.bytes.len() {
            self.grow(end + STEP);
        }
        let mut done = 0;
        // Most pieces are done at once; a round of the loop costs more.
        loop {
            let from = whole
                .get(start + done..)
                .and_then(<[u8]>::first_chunk::<STEP>);
            let to = self.bytes.get_mut(self.len + done..);
            let to = to.and_then(<[u8]>::first_chunk_mut::<STEP>);
            let (Some(from), Some(to)) = (from, to) else {
                self.put_rest(whole, start + done, len - done, done);
                break;
            };
            *to = *from;
            done += STEP;
            if done >= len {
                break;
            }
        }
        self.len = end;
    }

    /// Near the end of `whole`, where no whole step is left to read.
    #[cold]
    fn put_rest(&mut self, whole: &[u8], start: usize, len: usize, done: usize) {
        let at = self.len + done;
        let from = whole.get(start..start + len);
        if let (Some(from), Some(to)) = (from, self.bytes.get_mut(at..at + len)) {
            to.copy_from_slice(from);
        }
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        let len = least.max(self.bytes.len() * 2);
        self.bytes.resize(len, 0);
    }
}
