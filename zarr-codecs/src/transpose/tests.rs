#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::testing::{binder, extension, spec};

fn codec(order: &[usize], shape: &[u64], data_type: &str) -> Arc<dyn ArrayToArray> {
    let extension = Extension::new("transpose").with("order", order);
    bind(&extension, &spec(shape, data_type), &binder()).unwrap()
}

/// Returns the position of the element at `indices` in a C-order array of `shape`.
fn place(shape: &[u64], indices: &[u64]) -> usize {
    let place = shape
        .iter()
        .zip(indices)
        .fold(0, |place, (&len, &index)| place * len + index);
    usize::try_from(place).unwrap()
}

fn indices(shape: &[u64]) -> Vec<Vec<u64>> {
    shape.iter().fold(vec![vec![]], |found, &len| {
        let longer = |indices: &Vec<u64>| {
            let indices = indices.clone();
            (0..len).map(move |index| [&indices[..], &[index]].concat())
        };
        found.iter().flat_map(longer).collect()
    })
}

proptest! {
    #[test]
    fn elements_move_with_their_indices(
        (shape, order) in prop::collection::vec(0_u64..5, 0..5).prop_flat_map(|shape| {
            let order: Vec<usize> = (0..shape.len()).collect();
            (Just(shape), Just(order).prop_shuffle())
        }),
    ) {
        let codec = codec(&order, &shape, "uint16");
        let encoded_shape = codec.encoded().shape.clone();
        let len = u16::try_from(shape.iter().product::<u64>()).unwrap();
        let decoded: Vec<u8> = (0..len).flat_map(u16::to_ne_bytes).collect();
        let encoded = codec.encode(ChunkData::Fixed(decoded.clone())).unwrap();
        for indices in indices(&shape) {
            let moved: Vec<u64> = order.iter().map(|&axis| indices[axis]).collect();
            let (from, to) = (place(&shape, &indices), place(&encoded_shape, &moved));
            prop_assert_eq!(&encoded.fixed().unwrap()[2 * to..][..2], &decoded[2 * from..][..2]);
        }
        prop_assert_eq!(codec.decode(encoded).unwrap(), ChunkData::Fixed(decoded));
    }
}

#[test]
fn shape_and_axes_follow_the_order() {
    let codec = codec(&[2, 0, 1], &[3, 4, 5], "int8");
    assert_eq!(*codec.encoded().shape, [5, 3, 4]);
    assert_eq!(codec.axis_order(), Some(&[2, 0, 1][..]));
}

#[test]
fn elements_of_any_size_move_with_their_offsets() {
    let codec = codec(&[1, 0], &[2, 2], "int8");
    let decoded = ChunkData::Variable {
        offsets: vec![0, 1, 1, 3, 6],
        bytes: b"abbccc".to_vec(),
    };
    let encoded = codec.encode(decoded.clone()).unwrap();
    let expected = ChunkData::Variable {
        offsets: vec![0, 1, 3, 3, 6],
        bytes: b"abbccc".to_vec(),
    };
    assert_eq!(encoded, expected);
    assert_eq!(codec.decode(encoded).unwrap(), decoded);
}

#[test]
fn other_sizes_are_refused() {
    let codec = codec(&[1, 0], &[2, 3], "int16");
    for size in [0, 11, 13] {
        codec.encode(ChunkData::Fixed(vec![0; size])).unwrap_err();
        codec.decode(ChunkData::Fixed(vec![0; size])).unwrap_err();
    }
    let offsets = vec![0, 0];
    let bytes = vec![];
    codec
        .decode(ChunkData::Variable { offsets, bytes })
        .unwrap_err();
}

#[test]
fn bad_orders_are_refused() {
    let cases = [
        r#""A""#,
        r#""f""#,
        "[0]",
        "[0, 1, 2]",
        "[0, 0]",
        "[1, 2]",
        "[-1, 0]",
        "[0, 1.0]",
        r#"["0", "1"]"#,
        "null",
        "[]",
    ];
    for case in cases {
        let json = format!(r#"{{"name": "transpose", "configuration": {{"order": {case}}}}}"#);
        let error = bind(&extension(&json), &spec(&[2, 3], "int8"), &binder()).unwrap_err();
        assert!(error.to_string().starts_with("configuration"), "{error}");
    }
    for configuration in ["{}", r#"{"order": [0, 1], "more": 1}"#] {
        let json = format!(r#"{{"name": "transpose", "configuration": {configuration}}}"#);
        bind(&extension(&json), &spec(&[2, 3], "int8"), &binder()).unwrap_err();
    }
    bind(
        &extension(r#"{"name": "transpose"}"#),
        &spec(&[2, 3], "int8"),
        &binder(),
    )
    .unwrap_err();
}

#[test]
fn orders_of_a_draft_are_for_tolerant_readers() {
    for (order, axes) in [("C", [0, 1, 2]), ("F", [2, 1, 0])] {
        let extension = Extension::new("transpose").with("order", order);
        let spec = spec(&[2, 3, 4], "int8");
        let bound = bind(&extension, &spec, &binder()).unwrap();
        assert_eq!(bound.axis_order(), Some(&axes[..]));
        let strict = crate::registry().with_strictness(Strictness::Strict);
        let error = bind(&extension, &spec, &Binder::new(&strict)).unwrap_err();
        assert!(
            error.to_string().contains("a list of dimensions"),
            "{error}"
        );
    }
}
