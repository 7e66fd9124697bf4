//! The memory of one instance: its linear memories and tables, within its own
//! limit and within what its tenant has left.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::allowance::Allowance;

/// Of all tables of an instance together.
const MOST_ELEMENTS: usize = 100_000;
/// Of one of them, as the pool has them.
pub(crate) const TABLE_ELEMENTS: usize = 30_000;
/// What the host has for one element of a table.
const ELEMENT_BYTES: usize = 8;
/// Core instances, tables and memories that a component is made of.
pub(crate) const MOST_PARTS: u32 = 100;

pub(crate) struct Room {
    tenant: Arc<Allowance>,
    /// Of its linear memories.
    most: usize,
    memory: usize,
    elements: usize,
    /// What was granted last, as it may not come about.
    last: (usize, usize),
    refused: Option<String>,
}

impl Room {
    pub(crate) fn new(tenant: Arc<Allowance>, most: usize) -> Self {
        Self {
            tenant,
            most,
            memory: 0,
            elements: 0,
            last: (0, 0),
            refused: None,
        }
    }

    /// What it asked for and did not get, the last time.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    fn refuse(&mut self, reason: String) -> bool {
        self.last = (0, 0);
        self.refused = Some(reason);
        false
    }

    fn grow(&mut self, bytes: usize, elements: usize) -> bool {
        let wanted = bytes.saturating_add(elements.saturating_mul(ELEMENT_BYTES));
        if !self.tenant.take_memory(wanted) {
            let quota = self.tenant.quota().memory_bytes >> 20;
            return self.refuse(format!(
                "it was refused memory, as its tenant's connectors have the {quota} MiB of `quotas.memory`"
            ));
        }
        self.memory += bytes;
        self.elements += elements;
        self.last = (bytes, elements);
        true
    }

    /// What was granted last did not come about.
    fn undo(&mut self) {
        let (bytes, elements) = std::mem::take(&mut self.last);
        self.memory -= bytes;
        self.elements -= elements;
        self.tenant.give_back(bytes + elements * ELEMENT_BYTES);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let held = self.memory + self.elements * ELEMENT_BYTES;
        self.tenant.give_back(held);
    }
}

impl ResourceLimiter for Room {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.memory.saturating_add(more) > self.most {
            let most = self.most >> 20;
            return Ok(self.refuse(format!(
                "it was refused memory beyond the {most} MiB of one connector"
            )));
        }
        Ok(self.grow(more, 0))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let all = self.elements.saturating_add(more);
        if desired > TABLE_ELEMENTS || all > MOST_ELEMENTS {
            return Ok(self.refuse(format!(
                "it was refused a table: {TABLE_ELEMENTS} elements are the most, {MOST_ELEMENTS} in all"
            )));
        }
        Ok(self.grow(0, more))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn instances(&self) -> usize {
        MOST_PARTS as usize
    }

    fn tables(&self) -> usize {
        MOST_PARTS as usize
    }

    fn memories(&self) -> usize {
        MOST_PARTS as usize
    }
}
