//! A file of zeros, allocated, mapped and touched: the memory that a journal segment lives in.
//!
//! This is the one place of the benches with `unsafe`, since mapping a file is a promise about other processes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use memmap2::MmapMut;

/// Makes a file without a name in `folder`, filled with `bytes` zeros, and maps it with every page touched.
///
/// # Errors
/// When the folder does not exist or the disk is full.
pub fn create(folder: &Path, bytes: usize) -> io::Result<MmapMut> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let zeros = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(zeros.len());
        file.write_all(&zeros[..part])?;
        left -= part;
    }
    // SAFETY: the file has no name, so no other process can open, change or shorten it while it is mapped.
    let mut memory = unsafe { MmapMut::map_mut(&file)? };
    memory.fill(0);
    Ok(memory)
}
