//! The stored forms of groups and their members.

use duijie_record::{SourceKey, Version};
use serde::{Deserialize, Serialize};

use crate::{Group, GroupPart, GroupState, Member};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum GroupStateV1 {
    Open,
    Full,
    Closed,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupV1<'a> {
    group: &'a str,
    part: u32,
    lane: &'a str,
    state: GroupStateV1,
    members: u32,
    order: u64,
    first_ms: u64,
    at_ms: u64,
}

impl<'a> From<&'a Group> for GroupV1<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            group: &group.place.group,
            part: group.place.part,
            lane: &group.lane,
            state: match group.state {
                GroupState::Open => GroupStateV1::Open,
                GroupState::Full => GroupStateV1::Full,
                GroupState::Closed => GroupStateV1::Closed,
            },
            members: group.members,
            order: group.order,
            first_ms: group.first_ms,
            at_ms: group.at_ms,
        }
    }
}

impl From<GroupV1<'_>> for Group {
    fn from(stored: GroupV1<'_>) -> Self {
        Self {
            place: GroupPart {
                group: stored.group.to_owned(),
                part: stored.part,
            },
            lane: stored.lane.to_owned(),
            state: match stored.state {
                GroupStateV1::Open => GroupState::Open,
                GroupStateV1::Full => GroupState::Full,
                GroupStateV1::Closed => GroupState::Closed,
            },
            members: stored.members,
            order: stored.order,
            first_ms: stored.first_ms,
            at_ms: stored.at_ms,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MemberV1<'a> {
    group: &'a str,
    part: u32,
    source_key: &'a str,
    version: Option<&'a str>,
    order: u64,
    record: &'a [u8],
    at_ms: u64,
}

impl<'a> From<&'a Member> for MemberV1<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            group: &member.place.group,
            part: member.place.part,
            source_key: &member.source_key.0,
            version: member.version.as_ref().map(Version::as_str),
            order: member.order,
            record: &member.record,
            at_ms: member.at_ms,
        }
    }
}

impl From<MemberV1<'_>> for Member {
    fn from(stored: MemberV1<'_>) -> Self {
        Self {
            place: GroupPart {
                group: stored.group.to_owned(),
                part: stored.part,
            },
            source_key: SourceKey::from(stored.source_key),
            version: stored.version.map(Version::from),
            order: stored.order,
            record: stored.record.to_vec(),
            at_ms: stored.at_ms,
        }
    }
}
