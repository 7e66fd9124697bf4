//! The stored form of a place in a segment file.

use serde::{Deserialize, Serialize};

use crate::{LineRef, SegmentKind, SegmentRef};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum SegmentKindV1 {
    Documents,
    Evidence,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SegmentRefV1 {
    kind: SegmentKindV1,
    file: u64,
    offset: u64,
    bytes: u64,
    crc: u32,
}

impl From<&SegmentRef> for SegmentRefV1 {
    fn from(segment: &SegmentRef) -> Self {
        Self {
            kind: match segment.kind {
                SegmentKind::Documents => SegmentKindV1::Documents,
                SegmentKind::Evidence => SegmentKindV1::Evidence,
            },
            file: segment.file,
            offset: segment.offset,
            bytes: segment.bytes,
            crc: segment.crc,
        }
    }
}

impl From<SegmentRefV1> for SegmentRef {
    fn from(stored: SegmentRefV1) -> Self {
        Self {
            kind: match stored.kind {
                SegmentKindV1::Documents => SegmentKind::Documents,
                SegmentKindV1::Evidence => SegmentKind::Evidence,
            },
            file: stored.file,
            offset: stored.offset,
            bytes: stored.bytes,
            crc: stored.crc,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LineRefV1 {
    segment: SegmentRefV1,
    line: u32,
}

impl From<&LineRef> for LineRefV1 {
    fn from(line: &LineRef) -> Self {
        Self {
            segment: (&line.segment).into(),
            line: line.line,
        }
    }
}

impl From<LineRefV1> for LineRef {
    fn from(stored: LineRefV1) -> Self {
        Self {
            segment: stored.segment.into(),
            line: stored.line,
        }
    }
}
