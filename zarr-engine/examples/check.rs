//! Temporary: drives the check until zarrctl does.
use zarr_engine::check::{CheckOptions, check};
fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let deep = arguments.iter().any(|a| a == "--deep");
    let hierarchy = zarr_engine::open(arguments.last().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let report = runtime.block_on(check(&hierarchy, CheckOptions { deep }));
    println!("{}", serde_json::to_string(&report).unwrap());
}
