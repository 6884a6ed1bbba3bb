//! The registered fixed-size data types beyond the core specification (zarr-extensions,
//! "data-types"), and those that zarr-python and zarrs write: one line each.

use super::{fixed_length, optional, registered_float, small_int, structs, time};
use crate::registry::{BindDataType, Registry};

const REGISTERED: [(&str, BindDataType); 39] = [
    ("bfloat16", registered_float::bind),
    ("complex_bfloat16", registered_float::bind),
    ("complex_float16", registered_float::bind),
    ("complex_float32", registered_float::bind),
    ("complex_float4_e2m1fn", registered_float::bind),
    ("complex_float64", registered_float::bind),
    ("complex_float6_e2m3fn", registered_float::bind),
    ("complex_float6_e3m2fn", registered_float::bind),
    ("complex_float8_e3m4", registered_float::bind),
    ("complex_float8_e4m3", registered_float::bind),
    ("complex_float8_e4m3b11fnuz", registered_float::bind),
    ("complex_float8_e4m3fnuz", registered_float::bind),
    ("complex_float8_e5m2", registered_float::bind),
    ("complex_float8_e5m2fnuz", registered_float::bind),
    ("complex_float8_e8m0fnu", registered_float::bind),
    ("fixed_length_utf32", fixed_length::bind_utf32),
    ("float4_e2m1fn", registered_float::bind),
    ("float6_e2m3fn", registered_float::bind),
    ("float6_e3m2fn", registered_float::bind),
    ("float8_e3m4", registered_float::bind),
    ("float8_e4m3", registered_float::bind),
    ("float8_e4m3b11fnuz", registered_float::bind),
    ("float8_e4m3fn", registered_float::bind),
    ("float8_e4m3fnuz", registered_float::bind),
    ("float8_e5m2", registered_float::bind),
    ("float8_e5m2fnuz", registered_float::bind),
    ("float8_e8m0fnu", registered_float::bind),
    ("int2", small_int::bind),
    ("int4", small_int::bind),
    ("null_terminated_bytes", fixed_length::bind_null_terminated),
    ("numpy.datetime64", time::bind),
    ("numpy.timedelta64", time::bind),
    ("optional", optional::bind),
    ("raw_bytes", fixed_length::bind_raw),
    ("struct", structs::bind),
    ("structured", structs::bind),
    ("uint2", small_int::bind),
    ("uint4", small_int::bind),
    ("zarrs.optional", optional::bind),
];

impl Registry {
    /// Returns this registry with all registered data types, and the data types that zarr-python
    /// and zarrs add.
    #[must_use]
    pub fn with_registered_data_types(self) -> Self {
        REGISTERED.iter().fold(self, |registry, (name, bind)| {
            registry.with_data_type(name, *bind)
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::extension::Extension;

    #[test]
    fn names_are_found_only_where_they_were_added() {
        for (name, _) in REGISTERED {
            let extension = Extension::new(name);
            assert!(Registry::default().bind_data_type(&extension).is_err());
            let bound = Registry::core()
                .with_registered_data_types()
                .bind_data_type(&extension);
            // Types that need a configuration report that it is missing.
            let needs = bound.is_err_and(|error| error.to_string().starts_with("configuration"));
            let with_configuration = [
                "fixed_", "null_", "numpy.", "optional", "raw_", "struct", "zarrs.",
            ];
            let expected = with_configuration
                .iter()
                .any(|start| name.starts_with(start));
            assert_eq!(needs, expected, "{name}");
        }
    }

    #[test]
    fn types_without_configuration_refuse_one() {
        for name in ["bfloat16", "complex_float32", "int4"] {
            let extension = Extension::new(name).with("endian", "little");
            let registry = Registry::core().with_registered_data_types();
            registry.bind_data_type(&extension).unwrap_err();
            registry.bind_data_type(&Extension::new(name)).unwrap();
        }
    }
}
