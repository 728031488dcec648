//! Python's bytes as buffers, without a copy.
#![allow(unsafe_code)]

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow_buffer::Buffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::memory::borrowed;

/// The bytes of a `bytes` object as a buffer that keeps the object alive.
pub fn shared(data: &Bound<'_, PyBytes>) -> Buffer {
    let owner = Arc::new(AssertUnwindSafe(data.clone().unbind()));
    // SAFETY: a `bytes` object neither moves nor changes, and the buffer's owner holds a reference to it.
    unsafe { borrowed(data.as_bytes(), owner) }
}
