//! What a build without some features says.

#[cfg(not(feature = "s3"))]
#[test]
fn a_scheme_without_its_feature_is_unsupported() {
    let error = zarr_engine::open("s3://bucket/data").expect_err("the feature is off");
    assert_eq!(error.kind(), zarr_engine::ErrorKind::Unsupported);
    assert_eq!(error.key(), None);
    assert!(error.to_string().contains("feature \"s3\""), "{error}");
}
