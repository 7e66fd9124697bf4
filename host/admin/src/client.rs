//! The asking side.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::{Error, MAX_LINE, Reply, Request, socket};

const PATIENCE: Duration = Duration::from_secs(30);
/// A backup copies as much as there is.
const BACKUP_PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// Asks the process that owns the data folder; `None` where none does.
pub fn ask(data: &Path, request: &Request) -> Result<Option<Reply>, Error> {
    let place = socket(data);
    let mut stream = match UnixStream::connect(&place) {
        Ok(stream) => stream,
        // No socket, or one that a killed process left behind.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(Error::Socket {
                place,
                reason: error.to_string(),
            });
        }
    };
    exchange(&mut stream, request)
        .map(Some)
        .map_err(|reason| Error::Answer { place, reason })
}

fn exchange(stream: &mut UnixStream, request: &Request) -> Result<Reply, String> {
    let text = |error: std::io::Error| error.to_string();
    let patience = match request {
        Request::Backup { .. } => BACKUP_PATIENCE,
        _ => PATIENCE,
    };
    stream.set_read_timeout(Some(patience)).map_err(text)?;
    let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    line.push(b'\n');
    stream.write_all(&line).map_err(text)?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_LINE))
        .read_line(&mut answer)
        .map_err(text)?;
    serde_json::from_str(&answer).map_err(|error| error.to_string())
}
