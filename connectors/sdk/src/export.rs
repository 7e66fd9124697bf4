//! From the traits of this crate to the generated ones: `duijie_sdk::export!`.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::bindings::{acknowledge, discovery, lookup, setup, source, steps, target, transform};
use crate::{
    Acknowledge, Discovery, Entry, Fault, Lookup, Mapper, Problem, Reader, Role, Settings,
};
use crate::{Setup, Source, SourceBatch, Steps, Target, Transform, Writer};

/// Exports roles of one type, or of several:
/// `duijie_sdk::export!(MyConnector: setup, source, target, lookup, steps);`
/// A component exports `setup` and at least one of `source`, `transform` and
/// `target`; `lookup` and `steps` stand beside `target`, `acknowledge` beside
/// `source`, `discovery` beside any. On native targets it only checks that the
/// roles are there.
#[macro_export]
macro_rules! export {
    ($ty:ty: $($role:ident),+ $(,)?) => {
        $( $crate::export_role!($role $ty); )+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_role {
    (setup $ty:ty) => {
        $crate::export_role!(@ duijie_export_setup, ExportSetup, Setup, setup, export_setup, $ty);
    };
    (source $ty:ty) => {
        $crate::export_role!(@ duijie_export_source, ExportSource, Source, source, export_source, $ty);
    };
    (transform $ty:ty) => {
        $crate::export_role!(@ duijie_export_transform, ExportTransform, Transform, transform, export_transform, $ty);
    };
    (target $ty:ty) => {
        $crate::export_role!(@ duijie_export_target, ExportTarget, Target, target, export_target, $ty);
    };
    (lookup $ty:ty) => {
        $crate::export_role!(@ duijie_export_lookup, ExportLookup, Lookup, lookup, export_lookup, $ty);
    };
    (steps $ty:ty) => {
        $crate::export_role!(@ duijie_export_steps, ExportSteps, Steps, steps, export_steps, $ty);
    };
    (discovery $ty:ty) => {
        $crate::export_role!(@ duijie_export_discovery, ExportDiscovery, Discovery, discovery, export_discovery, $ty);
    };
    (acknowledge $ty:ty) => {
        $crate::export_role!(@ duijie_export_acknowledge, ExportAcknowledge, Acknowledge, acknowledge, export_acknowledge, $ty);
    };
    (@ $module:ident, $adapter:ident, $role:ident, $bindings:ident, $export:ident, $ty:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)] // The exported symbols of the component ABI.
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            type Exported = $crate::$adapter<$ty>;
            $crate::bindings::$bindings::$export!(Exported);
        }

        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_role<T: $crate::$role>() {}
            has_role::<$ty>();
        };
    };
}

pub struct ExportSetup<T>(PhantomData<T>);
pub struct ExportSource<T>(PhantomData<T>);
pub struct ExportTransform<T>(PhantomData<T>);
pub struct ExportTarget<T>(PhantomData<T>);
pub struct ExportLookup<T>(PhantomData<T>);
pub struct ExportSteps<T>(PhantomData<T>);
pub struct ExportDiscovery<T>(PhantomData<T>);
pub struct ExportAcknowledge<T>(PhantomData<T>);

/// The host never overlaps calls into one resource, so a borrow can fail only
/// if a connector calls itself; that is a fault, not a trap.
#[doc(hidden)]
pub struct Shared<T>(RefCell<T>);

impl<T> Shared<T> {
    fn with<R>(&self, call: impl FnOnce(&mut T) -> Result<R, Fault>) -> Result<R, Fault> {
        match self.0.try_borrow_mut() {
            Ok(mut value) => call(&mut value),
            Err(_) => Err(Fault::Other("the connector was entered twice".to_owned())),
        }
    }
}

impl<T: Setup> setup::exports::duijie::setup::setup::Guest for ExportSetup<T> {
    fn describe() -> crate::Description {
        T::describe()
    }

    fn check(role: Role, settings: Settings, collection: String) -> Vec<Problem> {
        T::check(role, &settings, &collection)
    }
}

impl<T: Source> source::exports::duijie::source::source::Guest for ExportSource<T> {
    type Reader = Shared<T::Reader>;

    fn outline(
        settings: Settings,
        collection: String,
        position: Option<Vec<u8>>,
    ) -> Result<Vec<String>, Fault> {
        T::outline(&settings, &collection, position.as_deref())
    }

    fn open(
        settings: Settings,
        collection: String,
        position: Option<Vec<u8>>,
    ) -> Result<source::exports::duijie::source::source::Reader, Fault> {
        let reader = T::open(&settings, &collection, position.as_deref())?;
        let shared = Shared(RefCell::new(reader));
        Ok(source::exports::duijie::source::source::Reader::new(shared))
    }
}

impl<R: Reader> source::exports::duijie::source::source::GuestReader for Shared<R> {
    fn next(&self, limit: u32, ahead: u32) -> Result<Option<SourceBatch>, Fault> {
        self.with(|reader| reader.next(limit, ahead))
    }

    fn committed(&self, position: Vec<u8>) -> Result<(), Fault> {
        self.with(|reader| reader.committed(&position))
    }
}

impl<T: Transform> transform::exports::duijie::transform::transform::Guest for ExportTransform<T> {
    type Mapper = Shared<T::Mapper>;

    fn open(
        settings: String,
    ) -> Result<transform::exports::duijie::transform::transform::Mapper, Fault> {
        let shared = Shared(RefCell::new(T::open(&settings)?));
        Ok(transform::exports::duijie::transform::transform::Mapper::new(shared))
    }
}

impl<M: Mapper> transform::exports::duijie::transform::transform::GuestMapper for Shared<M> {
    fn apply(&self, data: Vec<u8>, entries: Vec<Entry>) -> Result<crate::transform::Output, Fault> {
        self.with(|mapper| mapper.apply(data, entries))
    }
}

impl<T: Target> target::exports::duijie::target::target::Guest for ExportTarget<T> {
    type Writer = Shared<T::Writer>;

    fn open(
        settings: Settings,
        collection: String,
    ) -> Result<target::exports::duijie::target::target::Writer, Fault> {
        let shared = Shared(RefCell::new(T::open(&settings, &collection)?));
        Ok(target::exports::duijie::target::target::Writer::new(shared))
    }
}

impl<W: Writer> target::exports::duijie::target::target::GuestWriter for Shared<W> {
    fn write(&self, batch: crate::target::Batch) -> Result<Vec<crate::target::Outcome>, Fault> {
        self.with(|writer| writer.write(batch))
    }
}

impl<T: Lookup> lookup::exports::duijie::target::lookup::Guest for ExportLookup<T> {
    fn find(
        settings: Settings,
        collection: String,
        target_keys: Vec<String>,
    ) -> Result<Vec<crate::lookup::Finding>, Fault> {
        T::find(&settings, &collection, target_keys)
    }
}

impl<T: Steps> steps::exports::duijie::steps::steps::Guest for ExportSteps<T> {
    fn progress_of(
        settings: Settings,
        collection: String,
        entries: Vec<crate::steps::Entry>,
    ) -> Result<Vec<crate::steps::Progress>, Fault> {
        T::progress(&settings, &collection, entries)
    }

    fn perform(
        settings: Settings,
        collection: String,
        step: String,
        entries: Vec<crate::steps::Entry>,
    ) -> Result<Vec<crate::steps::Outcome>, Fault> {
        T::perform(&settings, &collection, &step, entries)
    }
}

impl<T: Discovery> discovery::exports::duijie::discovery::discovery::Guest for ExportDiscovery<T> {
    fn fields_of(
        role: discovery::exports::duijie::discovery::discovery::Role,
        collection: String,
    ) -> Result<crate::discovery::Fields, String> {
        use discovery::exports::duijie::discovery::discovery::Role as Asked;
        let role = match role {
            Asked::Source => Role::Source,
            Asked::Transform => Role::Transform,
            Asked::Target => Role::Target,
        };
        T::fields_of(role, &collection)
    }
}

impl<T: Acknowledge> acknowledge::exports::duijie::acknowledge::acknowledge::Guest
    for ExportAcknowledge<T>
{
    fn acknowledge(
        settings: Settings,
        collection: String,
        entries: Vec<crate::acknowledge::Entry>,
    ) -> Result<Vec<crate::acknowledge::Answer>, Fault> {
        T::acknowledge(&settings, &collection, entries)
    }
}
