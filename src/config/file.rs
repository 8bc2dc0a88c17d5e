//! Reads the configuration file and the files that it names. Only regular files of limited size are accepted.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The maximum size in bytes. Configurations, secrets and certificate lists are smaller.
const MAX_BYTES: u64 = 1024 * 1024;

/// Returns the text of a file.
///
/// # Errors
/// The file can't be read, is not UTF-8, is longer than 1 MiB, or is not a regular file (a FIFO or device may be
/// endless).
pub fn read_text(path: &Path) -> io::Result<String> {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_of_limited_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("good"), "text").unwrap();
        assert_eq!(read_text(&path("good")).unwrap(), "text");
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        fs::write(path("long"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
        for (path, cause) in [
            (path("fifo"), "it is not a regular file"),
            (Path::new("/dev/zero").to_owned(), "it is not a regular file"),
            (folder.path().to_owned(), "it is not a regular file"),
            (path("long"), "it is longer than 1 MiB"),
        ] {
            assert_eq!(read_text(&path).unwrap_err().to_string(), cause, "{}", path.display());
        }
    }
}
