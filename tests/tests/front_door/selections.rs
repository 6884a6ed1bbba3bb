//! Selections, and the views that they make.

use super::*;

#[test]
fn selections_of_every_form_mean_what_ndarray_says() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "a");
    let model = numbers((9, 14));
    array.write(.., &model).unwrap();
    let slice = |slice: ndarray::ArrayViewD<'_, i32>| slice.to_owned();
    let expected = slice(model.slice(s![2..5, 3]).into_dyn());
    assert_eq!(array.read::<i32>(s![2..5, 3]).unwrap(), expected);
    assert_eq!(array.read::<i32>((2..5, 3)).unwrap(), expected);
    assert_eq!(array.read::<i32>((2_u64..5, 3_u64)).unwrap(), expected);
    assert_eq!(array.read::<i32>((2..=4, -11)).unwrap(), expected);
    assert_eq!(array.read::<i32>((-7..-4, 3)).unwrap(), expected);
    assert_eq!(
        array.read::<i32>((("x", 3), ("y", 2..5))).unwrap(),
        expected
    );
    assert_eq!(array.read::<i32>((vec![2, 3, 4], 3)).unwrap(), expected);
    assert_eq!(array.read::<i32>((vec![2, -6, 4], 3)).unwrap(), expected);
    assert_eq!(
        array.read::<i32>(points([[2, 3], [3, 3], [4, 3]])).unwrap(),
        expected
    );
    let mut mask = Array2::from_elem((9, 14), false);
    mask.slice_mut(s![2..5, 3]).fill(true);
    assert_eq!(array.read::<i32>(&mask).unwrap(), expected);
    let rows = (0..9)
        .map(|row| (2..5).contains(&row))
        .collect::<Vec<bool>>();
    assert_eq!(array.read::<i32>((rows, 3)).unwrap(), expected);
    assert_eq!(
        array.read::<i32>(2..4).unwrap(),
        slice(model.slice(s![2..4, ..]).into_dyn())
    );
    assert_eq!(
        array.read::<i32>([2..4, 5..9]).unwrap(),
        slice(model.slice(s![2..4, 5..9]).into_dyn())
    );
    assert_eq!(
        array.read::<i32>((7.., ndarray::NewAxis, ..3)).unwrap(),
        slice(model.slice(s![7.., ndarray::NewAxis, ..3]).into_dyn())
    );
    assert_eq!(
        array.read::<i32>([("x", 5)]).unwrap(),
        slice(model.column(5).into_dyn())
    );
    assert_eq!(
        array.read::<i32>(&Selection::all()).unwrap(),
        model.clone().into_dyn()
    );
    let no_points: [[u64; 2]; 0] = [];
    assert_eq!(array.read::<i32>(points(no_points)).unwrap().len(), 0);
}

#[test]
fn selections_that_do_not_fit_are_refused_with_the_node() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "group/a");
    let kind = |error: zarr::Error| {
        assert_eq!(error.node().unwrap().as_str(), "group/a", "{error}");
        assert!(error.to_string().contains("group/a"), "{error}");
        error.kind()
    };
    let refused = [
        array.read::<i32>((0, 14)).unwrap_err(),
        array.read::<i32>((0, -15)).unwrap_err(),
        array.read::<i32>((vec![0, -10], 0)).unwrap_err(),
        array.read::<i32>((vec![0], 0, 0)).unwrap_err(),
        array.read::<i32>(3..10).unwrap_err(),
        array.read::<i32>([0, 0, 0]).unwrap_err(),
        array.read::<i32>([("z", 0)]).unwrap_err(),
        array.read::<i32>([("x", 0), ("x", 1)]).unwrap_err(),
        array.read::<i32>((("x", 0), 1)).unwrap_err(),
        array.read::<i32>((vec![0], ndarray::NewAxis)).unwrap_err(),
        array.read::<i32>(points([[0, 0, 0]])).unwrap_err(),
        array
            .read::<i32>(Array2::from_elem((9, 13), true))
            .unwrap_err(),
        array.read::<Array1<i32>>(..).unwrap_err(),
        array.write((0, 0..2), &[1, 2, 3]).unwrap_err(),
        array.write((0..2, 0..2), array![1, 2, 3]).unwrap_err(),
        array.chunk([3, 0]).unwrap_err(),
        array.chunk([0]).unwrap_err(),
        array.inner_chunk([5, 0]).unwrap_err(),
        array.view((vec![1], ..)).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(kind(error), ErrorKind::Selection);
    }
    assert_eq!(
        kind(array.read::<f32>(..).unwrap_err()),
        ErrorKind::ElementType
    );
    assert_eq!(
        kind(array.write(.., "text").unwrap_err()),
        ErrorKind::ElementType
    );
}

#[test]
fn views_compose_as_slices_of_slices_do() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[11, 12, 13], "int32").with_chunk_shape(&[3, 4, 5]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .unwrap();
    let model = Array3::from_shape_fn((11, 12, 13), |(z, y, x)| (1000 * z + 50 * y + x) as i32);
    array.write(.., &model).unwrap();
    let mut rng = random::rng(11);
    let mut slice = |len: usize| {
        let (a, b) = (rng.random_range(0..=len), rng.random_range(0..=len));
        let step = [-3, -2, -1, 1, 1, 2, 3][rng.random_range(0..7)];
        ndarray::Slice::new(a.min(b) as isize, Some(a.max(b) as isize), step)
    };
    for _ in 0..200 {
        let outer = [11, 12, 13].map(&mut slice);
        let mut expected = model.view().into_dyn();
        outer
            .iter()
            .enumerate()
            .for_each(|(axis, &slice)| expected.slice_axis_inplace(Axis(axis), slice));
        let view = array.view(outer).unwrap();
        let shape = expected.shape().to_vec();
        assert_eq!(
            view.shape(),
            shape.iter().map(|&len| len as u64).collect::<Vec<_>>()
        );
        assert_eq!(view.read::<i32>(..).unwrap(), expected, "{outer:?}");
        let inner = [slice(shape[0]), slice(shape[1]), slice(shape[2])];
        inner
            .iter()
            .enumerate()
            .for_each(|(axis, &slice)| expected.slice_axis_inplace(Axis(axis), slice));
        assert_eq!(
            view.read::<i32>(inner).unwrap(),
            expected,
            "{outer:?} {inner:?}"
        );
        let within = view.view(inner).unwrap();
        assert_eq!(
            within.read::<i32>(..).unwrap(),
            expected,
            "{outer:?} {inner:?}"
        );
        if expected.is_empty() {
            continue;
        }
        let last = within.view(-1).unwrap();
        let expected = expected.index_axis(Axis(0), expected.len_of(Axis(0)) - 1);
        assert_eq!(last.read::<i32>(..).unwrap(), expected);
        assert_eq!(
            last.read::<i32>((.., vec![0])).unwrap(),
            expected.slice_axis(Axis(1), (0..1).into())
        );
        assert_eq!(
            last.read::<Scalar<i32>>((0, -1)).unwrap(),
            expected[[0, expected.len_of(Axis(1)) - 1]]
        );
        assert_eq!(
            last.read::<i32>(points([[0, 0]])).unwrap().sum(),
            expected[[0, 0]]
        );
        let mask = expected.map(|value| value % 2 == 0);
        let even = expected
            .iter()
            .copied()
            .filter(|value| value % 2 == 0)
            .collect::<Vec<_>>();
        assert_eq!(
            last.read::<i32>(mask).unwrap().into_raw_vec_and_offset().0,
            even
        );
    }
}
