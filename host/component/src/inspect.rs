//! Reads what a component really imports and exports, and refuses what the
//! host would not run, before a compiler sees it.

#[cfg(test)]
mod tests;

use wasmparser::{
    BinaryReaderError, ComponentExternalKind, Encoding, FuncValidatorAllocations, Parser, Payload,
    ValidPayload, Validator, WasmFeatures,
};

use crate::Error;

/// Bounds on what is compiled: deep nests and thousands of locals can keep a
/// compiler busy for minutes.
const MAX_BYTES: usize = 32 << 20;
const MAX_FUNCTIONS: u32 = 50_000;
const MAX_LOCALS: u32 = 2_000;
const MAX_NESTING: u32 = 256;

/// What a component shows at its border, by full interface name
/// (`duijie:source/source@0.1.0`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Border {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Border {
    /// The version under which an interface is exported: `0.1.0`.
    pub fn exported(&self, interface: &str) -> Option<&str> {
        self.exports
            .iter()
            .filter_map(|name| name.split_once('@'))
            .find(|(name, _)| *name == interface)
            .map(|(_, version)| version)
    }
}

/// Reads a binary's border. What lies inside is not looked at: that is
/// [`check`], before anything is compiled.
pub(crate) fn border(connector: &str, bytes: &[u8]) -> Result<Border, Error> {
    let refused = |reason: String| refused(connector, reason);
    if bytes.len() > MAX_BYTES {
        let mib = bytes.len() >> 20;
        return Err(refused(format!("it is {mib} MiB, at most 32 are allowed")));
    }
    let mut border = Border {
        imports: Vec::new(),
        exports: Vec::new(),
    };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| refused(error.to_string()))? {
            Payload::Version { encoding, .. } if depth == 0 && encoding != Encoding::Component => {
                return Err(refused(
                    "it is a core module, not a component: make it one with wit-component"
                        .to_owned(),
                ));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|error| refused(error.to_string()))?;
                    border.imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|error| refused(error.to_string()))?;
                    if export.kind == ComponentExternalKind::Instance {
                        border.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(border)
}

/// Checks a binary whole and reads its border.
pub fn inspect(connector: &str, bytes: &[u8]) -> Result<Border, Error> {
    let border = border(connector, bytes)?;
    check(connector, bytes)?;
    Ok(border)
}

/// Checks what lies inside a binary. Code that was compiled passed it once.
pub(crate) fn check(connector: &str, bytes: &[u8]) -> Result<(), Error> {
    check_code(bytes).map_err(|reason| refused(connector, reason))
}

fn refused(connector: &str, reason: String) -> Error {
    Error::Refused {
        connector: connector.to_owned(),
        reason,
    }
}

/// Validates all of it, and bounds what a compiler would be busy with.
fn check_code(bytes: &[u8]) -> Result<(), String> {
    let mut validator = Validator::new_with_features(FEATURES);
    let mut functions = 0_u32;
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| error.to_string())?;
        if let Payload::CodeSectionEntry(body) = &payload {
            functions += 1;
            if functions > MAX_FUNCTIONS {
                return Err(format!("it has over {MAX_FUNCTIONS} functions"));
            }
            check_function(body)?;
        }
        let invalid = |error: BinaryReaderError| format!("it is no valid component: {error}");
        let valid = validator.payload(&payload).map_err(invalid)?;
        if let ValidPayload::Func(function, body) = valid {
            let mut function = function.into_validator(allocations);
            function.validate(&body).map_err(invalid)?;
            allocations = function.into_allocations();
        }
    }
    Ok(())
}

/// Bounds on one function that compile time is known to grow with.
fn check_function(body: &wasmparser::FunctionBody<'_>) -> Result<(), String> {
    let mut locals = 0_u32;
    let reader = body
        .get_locals_reader()
        .map_err(|error| error.to_string())?;
    for local in reader {
        let (count, _) = local.map_err(|error| error.to_string())?;
        locals = locals.saturating_add(count);
    }
    if locals > MAX_LOCALS {
        return Err(format!(
            "a function has {locals} locals, at most {MAX_LOCALS} are allowed"
        ));
    }
    let mut nesting = 0_u32;
    let mut operators = body
        .get_operators_reader()
        .map_err(|error| error.to_string())?;
    while !operators.eof() {
        use wasmparser::Operator;
        match operators.read().map_err(|error| error.to_string())? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => nesting += 1,
            Operator::End => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if nesting > MAX_NESTING {
            return Err(format!("a function nests deeper than {MAX_NESTING} blocks"));
        }
    }
    Ok(())
}

/// What a guest may be made of, and no more: all that the compilers of Rust, C,
/// JavaScript and Python for components use. Threads, exceptions and managed
/// memory would be more to attack, and relaxed instructions differ from machine
/// to machine. Several memories are for components with adapters inside.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL);
