//! Tells the crate what it is built by and for, which `tomoset --version` says.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(compiler).arg("--version").output();
    let words = answer.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    println!("cargo::rustc-env=TOMOSET_RUSTC={}", words.lines().next().unwrap_or("unknown rustc"));
    println!("cargo::rustc-env=TOMOSET_TARGET={}", env::var("TARGET").unwrap_or_default());
}
