//! Runs the cookbook examples.

#[path = "../examples/append.rs"]
mod append;
#[path = "../examples/chunks_stream.rs"]
mod chunks_stream;
#[path = "../examples/copy.rs"]
mod copy;
#[path = "../examples/custom_codec.rs"]
mod custom_codec;
#[path = "../examples/custom_data_type.rs"]
mod custom_data_type;
#[path = "../examples/inspect.rs"]
mod inspect;
#[path = "../examples/rechunk.rs"]
mod rechunk;
#[path = "../examples/region.rs"]
mod region;
#[path = "../examples/strings.rs"]
mod strings;
#[path = "../examples/time_series.rs"]
mod time_series;

/// Defines one test per example.
macro_rules! run {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            super::$name::main().unwrap();
        }
    )+};
}

mod programs {
    run! { append chunks_stream copy custom_codec custom_data_type inspect rechunk region strings time_series }
}
