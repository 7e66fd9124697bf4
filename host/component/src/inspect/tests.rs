//! Modules that use what no guest needs are refused by name of what it is,
//! before a compiler sees them; what guests are made of passes.

use super::{MAX_LOCALS, MAX_NESTING, check};

/// A component around one module of these fields.
fn component(fields: &str) -> Vec<u8> {
    let text = format!("(component (core module {fields}))");
    wat::parse_str(text).unwrap()
}

#[track_caller]
fn refused(fields: &str, says: &str) {
    let error = check("guest", &component(fields)).unwrap_err().to_string();
    let start = "connector `guest` was refused: ";
    assert!(error.starts_with(start), "{error}");
    assert!(error.contains(says), "{error:?} should say {says:?}");
}

#[test]
fn what_no_guest_needs_is_refused_by_its_name() {
    for (fields, says) in [
        ("(memory 1 1 shared)", "threads"),
        (
            "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
            "threads",
        ),
        ("(memory i64 1)", "memory64"),
        ("(memory 1 (pagesize 1))", "custom page sizes"),
        ("(type (struct (field i32)))", "gc"),
        ("(func (param externref))", "gc"),
        ("(func (param (ref func)))", "function references"),
        (
            "(type $t (func)) (func (param (ref null $t)) (call_ref $t (local.get 0)))",
            "function references",
        ),
        ("(tag)", "exceptions"),
        ("(func (try_table))", "exceptions"),
        (
            "(func (param v128 v128) (result v128) \
             (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
            "relaxed SIMD",
        ),
        (
            "(func (param i64 i64 i64 i64) (result i64 i64) \
             (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
            "wide arithmetic",
        ),
        ("(type $f (func)) (type $c (cont $f))", "stack switching"),
    ] {
        refused(fields, says);
    }
}

#[test]
fn what_compilers_for_components_use_passes() {
    for fields in [
        "(memory 1) (memory 1)",
        "(func (param v128 v128) (result v128) (i8x16.add (local.get 0) (local.get 1)))",
        "(func $f (return_call $f))",
        "(table 3 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))",
        "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(func (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0)))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    ] {
        check("guest", &component(fields)).unwrap_or_else(|error| panic!("{fields}: {error}"));
    }
}

#[test]
fn what_would_keep_a_compiler_busy_is_refused() {
    let locals = |count: u32| format!("(func (local {}))", "i32 ".repeat(count as usize));
    check("guest", &component(&locals(MAX_LOCALS))).unwrap();
    refused(&locals(MAX_LOCALS + 1), "locals");
    let nested = |count: u32| {
        let (open, close) = ("(block ".repeat(count as usize), ")".repeat(count as usize));
        format!("(func {open}{close})")
    };
    check("guest", &component(&nested(MAX_NESTING))).unwrap();
    refused(&nested(MAX_NESTING + 1), "nests deeper");
}
