//! A receipt on its own, from its line: of a batch, its path is needed.
//!
//! The stored tree has the batch's inner nodes, and two other lines the rest.
//! What comes of that is a receipt whose signature holds under the key that it
//! names, or nothing: then all lines of the batch are read.

use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use asqav_receipt::batch::{Assembler, BatchRoot, BatchedSignature, Member, PathNode, leaf, path_nodes};
use asqav_receipt::canonical::to_vec;
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::LogId;
use asqav_receipt::json::Json;
use asqav_receipt::merkle::{Sha3Tree, inclusion_root};
use asqav_receipt::receipt::{LineSignature, ReceiptSignature, Signature, parse_line, portable};
use asqav_receipt::suite::ML_DSA_65;

use crate::lines::Lines;
use crate::names::segment_name;
use crate::reader::ReadError;
use crate::regular;
use crate::tombstone;
use crate::tree::{Place, StoredTree};

/// The receipt that `line` stands for; `None` if its batch is not whole.
pub(super) fn receipt(
    log_dir: &Path,
    stored: &mut StoredTree,
    line: Vec<u8>,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Ok((payload, LineSignature::Member(member))) = parse_line(&line) else { return Ok(Some(line)) };
    match by_nodes(stored, &payload, &member) {
        Some(receipt) => Ok(Some(receipt)),
        None => by_lines(log_dir, stored, &line, &member),
    }
}

/// By the inner nodes of the batch, the line beside this one and the last one;
/// `None` if they are not there or not what was signed.
fn by_nodes(stored: &mut StoredTree, payload: &Json, member: &Member) -> Option<Vec<u8>> {
    let (place, object) = (member.place, payload.as_object()?);
    let index = place.index_of(object.get("seq")?.as_count()?)?;
    let log_id = LogId::parse(object.get("asqav")?.as_object()?.get("log_id")?.as_str()?).ok()?;
    let key_thumbprint = Sha256Digest::parse_tagged(object.get("key_thumbprint")?.as_str()?)?;
    let sig = match &member.sig {
        Some(sig) => sig.clone(),
        None => line_of_batch(stored, member, place.size() - 1)?.1.sig?,
    };
    let mut path = Vec::new();
    for node in path_nodes(place, index) {
        path.push(match node {
            PathNode::Leaf(at) => leaf(&to_vec(&line_of_batch(stored, member, at)?.0)),
            PathNode::Inner(number) => stored.batch_node(place.first_seq(), number).ok()??,
        });
    }
    let canonical = to_vec(payload);
    let size = u64::from(place.size());
    let root = inclusion_root::<Sha3Tree>(index.into(), size, &leaf(&canonical), &path).ok()?;
    let root = BatchRoot { log_id, place, root: Sha3Digest::from_bytes(root), key_thumbprint };
    // INVARIANT: nothing of the stored tree is handed out unchecked.
    if !stored.key(&key_thumbprint).ok()??.verifies(&root.signing_bytes(), &sig) {
        return None;
    }
    let root = Signature { alg: ML_DSA_65.name, kid: member.kid.clone(), sig }.into();
    Some(portable(&canonical, &ReceiptSignature::Batched(BatchedSignature { root, place, index, path })))
}

/// What stands in the line of leaf `index`, if that is of the same batch.
fn line_of_batch(stored: &mut StoredTree, member: &Member, index: u16) -> Option<(Json, Member)> {
    let line = stored.line(member.place.first_seq() + u64::from(index)).ok()??;
    match parse_line(&line).ok()? {
        (payload, LineSignature::Member(found)) if found.place == member.place && found.kid == member.kid => {
            Some((payload, found))
        }
        _ => None,
    }
}

/// Reads the lines of the batch, at most 2 MiB, and whatever lies between the
/// stored tree's last receipt and them.
fn by_lines(
    log_dir: &Path,
    stored: &mut StoredTree,
    line: &[u8],
    member: &Member,
) -> Result<Option<Vec<u8>>, ReadError> {
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
