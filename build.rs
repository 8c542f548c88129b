//! Tells the dynamic linker what cargo does not say about the shared library by itself: its name, and
//! that it stays loaded. A program that is linked with libpmqtt asks for `libpmqtt.so.0.2`, and so never
//! loads an incompatible one.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");

    let series = series();
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpmqtt.so.{series}");
            // A look-up may still hang in the resolver when a program unloads the library: its code has
            // to stay in memory.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        Ok("macos") => {
            println!(
                "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libpmqtt.{series}.dylib"
            );
        }
        _ => {}
    }
}

/// The versions that have one ABI. cmake/cargo.cmake and cargo-c have the same rule.
fn series() -> String {
    let (major, minor) = (
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
    );
    match major {
        "0" => format!("{major}.{minor}"),
        _ => major.into(),
    }
}
