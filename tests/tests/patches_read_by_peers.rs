//! Other implementations read patched shards bit for bit.

#![expect(clippy::unwrap_used, reason = "tests")]

use ndarray::{ArrayD, IxDyn};
use rand::Rng;
use zarr::{CompactOptions, Hierarchy, InnerOrder, Store, registry};
use zarr_tests::patched::{assert_equal, patching, sharded, write};
use zarr_tests::{python, random};

#[tokio::test]
async fn zarr_python_tensorstore_and_zarrs_read_patched_shards() {
    let folder = tempfile::tempdir().unwrap();
    let mut checks = Vec::new();
    for seed in 0..12_u64 {
        let mut rng = random::rng(seed);
        let name = format!("array-{seed}");
        let store = Store::local(folder.path().join(&name)).unwrap();
        let shape = [rng.random_range(8..=24), rng.random_range(8..=24)];
        let metadata = sharded(&mut rng, &shape.map(|len: usize| len as u64));
        let hierarchy = Hierarchy::new(patching(store.clone(), 0), registry());
        let array = hierarchy.create_array("a", metadata).await.unwrap();
        let mut model = ArrayD::<u16>::zeros(IxDyn(&shape));
        for step in 0..6 {
            let selection = random::selection(&mut rng, &shape);
            write(&array, &selection, &mut model, &mut rng).await;
            if step == 2 && seed % 3 == 0 {
                let order = Some(InnerOrder::Morton);
                let options = CompactOptions { percent: 0, order };
                array.compact(options).await.unwrap();
            }
        }
        assert_equal(&array, &model).await;
        let elements = format!("{name}.bin");
        let bytes = model.iter().flat_map(|element| element.to_ne_bytes());
        std::fs::write(folder.path().join(&elements), bytes.collect::<Vec<u8>>()).unwrap();
        checks.push(serde_json::json!({
            "array": format!("{name}/a"), "dtype": "uint16", "shape": shape, "elements": elements,
            "readers": ["zarr-python", "tensorstore", "zarrs"],
        }));
        assert!(store.requests().bytes_copied > 0 || seed > 0);
    }
    let text = serde_json::to_string(&checks).unwrap();
    std::fs::write(folder.path().join("check.json"), text).unwrap();
    let said = python::run("peers.py", &["check", folder.path().to_str().unwrap()]);
    assert_eq!(said.lines().count(), 3 * 12, "{said}");
}
