//! A receipt on its own, from its line: of a batch, the other lines are needed.

use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use asqav_receipt::batch::Assembler;
use asqav_receipt::receipt::{LineSignature, parse_line};

use crate::lines::Lines;
use crate::names::segment_name;
use crate::reader::ReadError;
use crate::regular;
use crate::tombstone;
use crate::tree::{Place, StoredTree};

/// The receipt that `line` stands for; `None` if its batch is not whole.
///
/// Reads the lines of the batch, at most 2 MiB, and whatever lies between the
/// stored tree's last receipt and them.
pub(super) fn receipt(
    log_dir: &Path,
    stored: &mut StoredTree,
    line: Vec<u8>,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Ok((_, LineSignature::Member(member))) = parse_line(&line) else { return Ok(Some(line)) };
    let from = member.place.first_seq().min(stored.size());
    let place = stored.place(from)?.unwrap_or(Place::START);
    let mut left = member.place.last_seq() - from + 1;
    let mut assembler = Assembler::default();
    for segment in place.segment.. {
        let (mut file, path) = match regular::open(log_dir, &segment_name(segment)) {
            Ok(opened) => opened,
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let Some(leaves) = tombstone::leaves(log_dir, segment)? else { break };
                left = left.saturating_sub(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
                continue;
            }
            Err(error) => return Err(error),
        };
        let io = |source| ReadError::Io { path: path.clone(), source };
        let offset = if segment == place.segment { place.offset } else { 0 };
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        while left > 0
            && let Some(piece) = lines.next_piece().map_err(io)?
            && piece.complete
        {
            left -= 1;
            let mut ready = assembler.push(piece.bytes).into_iter();
            if let Some(found) = ready.find(|ready| ready.line == line && ready.receipt != line) {
                return Ok(Some(found.receipt));
            }
        }
        if left == 0 {
            break;
        }
    }
    Ok(None)
}
