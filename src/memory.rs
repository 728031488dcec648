//! Zeroed memory for columns and texts: allocated once at its final size, on huge pages when it is large.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed};
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use arrow_buffer::{ArrowNativeType, Buffer};
use memmap2::{MmapMut, MmapOptions};

/// From here on memory comes as pages of its own; ordinary fresh memory costs a page fault each 4 KiB.
const LARGE: usize = 4 << 20;
const HUGE_PAGE: usize = 2 << 20;

/// `length` values, all zero at first.
pub struct Zeroed<T: ArrowNativeType> {
    place: Place<T>,
    length: usize,
}

enum Place<T> {
    Heap(Vec<T>),
    /// The values begin `offset` bytes into the map, on a huge page's boundary.
    Pages {
        map: MmapMut,
        offset: usize,
    },
}

impl<T: ArrowNativeType> Zeroed<T> {
    /// # Errors
    /// [`io::ErrorKind::OutOfMemory`] when there is not so much memory to be had.
    pub fn new(length: usize) -> io::Result<Self> {
        let bytes = length.saturating_mul(size_of::<T>());
        if bytes >= LARGE {
            let place = pages(bytes).ok_or(io::ErrorKind::OutOfMemory)?;
            return Ok(Self { place, length });
        }
        Ok(Self { place: Place::Heap(zeros(length)?), length })
    }

    /// The values as an Arrow buffer; nothing is copied.
    #[must_use]
    pub fn into_buffer(self) -> Buffer {
        let length = self.length;
        self.into_buffer_of(length)
    }

    /// The first `length` values as an Arrow buffer. Pages that were never touched cost nothing but addresses, so a
    /// store may be made as large as its values could ever be; few values are copied, lest each keep a huge page.
    #[must_use]
    pub fn into_buffer_of(self, length: usize) -> Buffer {
        let length = length.min(self.length);
        match self.place {
            Place::Heap(mut values) => {
                values.truncate(length);
                values.shrink_to_fit();
                Buffer::from_vec(values)
            }
            Place::Pages { map, offset } => {
                let bytes = length * size_of::<T>();
                if bytes < LARGE {
                    // SAFETY: as in `deref`, for fewer values.
                    let values = unsafe { std::slice::from_raw_parts(map.as_ptr().add(offset).cast::<T>(), length) };
                    return Buffer::from_vec(values.to_vec());
                }
                let Some(start) = NonNull::new(map.as_ptr().wrapping_add(offset).cast_mut()) else {
                    return Buffer::from_vec(Vec::<T>::new());
                };
                // SAFETY: `pages` mapped at least `offset + bytes`; the buffer's owner keeps the map alive, and
                // nobody can write to it any more, since `self` is consumed.
                unsafe { Buffer::from_custom_allocation(start, bytes, Arc::new(map)) }
            }
        }
    }
}

/// Whether addresses are free, so that more may be reserved than will be used; on clusters they may be counted.
#[must_use]
pub fn addresses_are_free() -> bool {
    static STRICT: OnceLock<bool> = OnceLock::new();
    // With 2 the system hands out no more than it has.
    let is_strict = || std::fs::read("/proc/sys/vm/overcommit_memory").is_ok_and(|mode| mode.starts_with(b"2"));
    let is_free = |resource| {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `limit` is a valid place for the answer.
        let known = unsafe { libc::getrlimit(resource, &raw mut limit) } == 0;
        known && limit.rlim_cur == libc::RLIM_INFINITY
    };
    is_free(libc::RLIMIT_AS) && is_free(libc::RLIMIT_DATA) && !*STRICT.get_or_init(is_strict)
}

/// Zeros from the allocator, which need not be written again when they are fresh from the system.
fn zeros<T: ArrowNativeType>(length: usize) -> io::Result<Vec<T>> {
    let layout = Layout::array::<T>(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout has a size.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    // SAFETY: so many values were allocated with their own layout, and zeros are a value of every native type.
    Ok(unsafe { Vec::from_raw_parts(start.cast(), length, length) })
}

/// Makes room for `more` values, or says that there is no memory for them.
///
/// # Errors
/// [`io::ErrorKind::OutOfMemory`].
pub fn reserve<T>(values: &mut Vec<T>, more: usize) -> io::Result<()> {
    values.try_reserve_exact(more).map_err(|_| io::ErrorKind::OutOfMemory.into())
}

/// Pages of zeros, their use as huge pages advised where the system has them.
fn pages<T>(bytes: usize) -> Option<Place<T>> {
    let map = MmapOptions::new().len(bytes.checked_add(HUGE_PAGE)?).no_reserve_swap().map_anon().ok()?;
    let start = map.as_ptr().addr();
    let offset = start.next_multiple_of(HUGE_PAGE) - start;
    #[cfg(target_os = "linux")]
    {
        // Advice only: refused, the memory works the same, slower.
        let _ = map.advise_range(memmap2::Advice::HugePage, offset, bytes);
    }
    Some(Place::Pages { map, offset })
}

impl<T: ArrowNativeType> Deref for Zeroed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.place {
            Place::Heap(values) => values,
            // SAFETY: as in `deref_mut`.
            Place::Pages { map, offset } => unsafe {
                std::slice::from_raw_parts(map.as_ptr().add(*offset).cast(), self.length)
            },
        }
    }
}

impl<T: ArrowNativeType> DerefMut for Zeroed<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.place {
            Place::Heap(values) => values,
            // SAFETY: `pages` mapped `offset + length * size_of::<T>()` bytes at least, on a boundary of 2 MiB; zeros
            // are a value of every native type, and the map is borrowed as long as the slice.
            Place::Pages { map, offset } => unsafe {
                std::slice::from_raw_parts_mut(map.as_mut_ptr().add(*offset).cast(), self.length)
            },
        }
    }
}

/// A buffer over bytes that somebody else owns.
///
/// # Safety
/// `bytes` must stay where they are, unchanged, until `owner` is dropped.
pub unsafe fn borrowed(bytes: &[u8], owner: Arc<dyn arrow_buffer::alloc::Allocation>) -> Buffer {
    // SAFETY: the caller's promise.
    unsafe { Buffer::from_custom_allocation(NonNull::from(bytes).cast(), bytes.len(), owner) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_are_zero_and_move_without_a_copy() {
        for length in [0usize, 3, 1 << 20] {
            let mut values = Zeroed::<f64>::new(length).expect("memory");
            assert!(values.iter().all(|&value| value == 0.0));
            if let Some(last) = values.last_mut() {
                *last = 2.5;
            }
            let address = values.as_ptr().addr();
            let buffer = values.into_buffer();
            assert_eq!(buffer.len(), length * 8);
            assert!(length == 0 || buffer.as_ptr().addr() == address);
        }
    }
}
