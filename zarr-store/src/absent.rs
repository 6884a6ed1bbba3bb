//! The single rule for absent objects.

use object_store::Error;

/// Whether an error of a read says that the object does not exist. Any other error, future ones
/// included, is an error and never a fill value: a refused access, a failing server, a missing
/// bucket.
pub(crate) fn absent(error: &Error) -> bool {
    match error {
        Error::NotFound { source, .. } => !says_something_else(&source.to_string()),
        Error::Generic { .. }
        | Error::InvalidPath { .. }
        | Error::NotSupported { .. }
        | Error::AlreadyExists { .. }
        | Error::Precondition { .. }
        | Error::NotModified { .. }
        | Error::NotImplemented { .. }
        | Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::UnknownConfigurationKey { .. } => false,
        // The enum may grow, and one variant exists only with a feature of `object_store`.
        _ => false,
    }
}

/// Whether a 404 says in its body that the bucket or container is missing, which says nothing about
/// the object, or whether the error is a 405, which `object_store` reports as absence.
fn says_something_else(body: &str) -> bool {
    [
        "status code: 405",
        "NoSuchBucket",
        "ContainerNotFound",
        "The specified bucket does not exist",
    ]
    .iter()
    .any(|code| body.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_definite_404_of_the_object_is_absent() {
        let not_found = |body: &str| Error::NotFound {
            path: "k".into(),
            source: body.to_owned().into(),
        };
        let path = || "k".to_owned();
        assert!(absent(&not_found("404: NoSuchKey")));
        assert!(!absent(&not_found("404: <Code>NoSuchBucket</Code>")));
        assert!(!absent(&not_found("status code: 405")));
        for error in [
            Error::Generic {
                store: "s",
                source: "404".into(),
            },
            Error::PermissionDenied {
                path: path(),
                source: "403".into(),
            },
            Error::Unauthenticated {
                path: path(),
                source: "401".into(),
            },
            Error::NotModified {
                path: path(),
                source: "304".into(),
            },
            Error::Precondition {
                path: path(),
                source: "412".into(),
            },
            Error::AlreadyExists {
                path: path(),
                source: "409".into(),
            },
            Error::NotSupported {
                source: "200".into(),
            },
            Error::NotImplemented {
                operation: path(),
                implementer: path(),
            },
        ] {
            assert!(!absent(&error), "{error}");
        }
    }
}
