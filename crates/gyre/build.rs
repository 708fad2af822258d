//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    // At a fixed address: moving 70,000 pointers to another one is a quarter of the page faults of a small build, and
    // takes longer than rendering it. Stack, heap and libraries stay where the system puts them.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bin=gyre=-no-pie");
    }
}
