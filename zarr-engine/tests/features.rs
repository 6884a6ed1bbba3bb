//! What a build without some features says.

#[cfg(not(feature = "s3"))]
#[test]
fn a_scheme_without_its_feature_is_unsupported() {
    let error = zarr_engine::open("s3://bucket/data").unwrap_err();
    assert_eq!(error.kind(), zarr_engine::ErrorKind::Unsupported);
    assert!(error.to_string().contains("feature \"s3\""), "{error}");
}
