//! What the dynamic linker has to know of the shared library, which cargo does not say by itself: its
//! name (a program that is linked with libpmqtt asks for `libpmqtt.so.0`, and so never loads an
//! incompatible one), and that it stays loaded.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");

    let major = env!("CARGO_PKG_VERSION_MAJOR");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpmqtt.so.{major}");
            // A look-up may still hang in the resolver when a program unloads the library: its
            // code has to stay where it is.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        Ok("macos") => {
            println!(
                "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libpmqtt.{major}.dylib"
            );
        }
        _ => {}
    }
}
