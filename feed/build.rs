//! Compiles `proto/market_data_feed_v3.proto` without `protoc`, so a bare Rust toolchain is enough to build.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const PROTO: &str = "proto/market_data_feed_v3.proto";
    println!("cargo:rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    prost_build::Config::new()
        // Maps as B-trees: what the simulator and the tests encode is the same bytes on every run.
        .btree_map(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
