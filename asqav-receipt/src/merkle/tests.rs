//! Trees against the vectors of transparency-dev/merkle and against themselves
//! built another way.

use super::*;

/// RFC 6962 §2.1, as it is written there: recursively.
fn defined<H: TreeHash>(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => H::empty(),
        [leaf] => *leaf,
        _ => {
            let split = (1..).map(|bit| 1 << bit).take_while(|size| *size < leaves.len()).last().unwrap_or(1);
            H::node(&defined::<H>(&leaves[..split]), &defined::<H>(&leaves[split..]))
        }
    }
}

fn leaves(count: u8) -> Vec<[u8; 32]> {
    (0..count).map(|n| Sha3Tree::leaf(&[n])).collect()
}

#[test]
fn the_frontier_follows_the_definition() {
    let mut frontier = Frontier::<Sha3Tree>::new();
    for (size, data) in (0..=70).zip(0_u8..) {
        assert_eq!(frontier.root(), defined::<Sha3Tree>(&leaves(size)), "{size}");
        let taken_up = Frontier::<Sha3Tree>::from_parts(frontier.size(), frontier.roots().to_vec());
        assert_eq!(taken_up.unwrap(), frontier);
        frontier.push(&[data]);
    }
    assert_eq!(Frontier::<Sha3Tree>::from_parts(3, vec![[0; 32]]), None);
}

#[test]
fn many_leaves_at_once_are_as_one_by_one() {
    let all = leaves(70);
    for begun in 0..=35 {
        for added in 0..=35 {
            let mut frontier = Frontier::<Sha3Tree>::new();
            all[..begun].iter().for_each(|leaf| frontier.push_leaf(*leaf));
            frontier.extend(&all[begun..begun + added]);
            let mut one_by_one = Frontier::<Sha3Tree>::new();
            all[..begun + added].iter().for_each(|leaf| one_by_one.push_leaf(*leaf));
            assert_eq!(frontier, one_by_one, "{begun} and {added}");
        }
    }
    for size in 0..=70 {
        let levels = Levels::<Sha3Tree>::new(all[..size].to_vec());
        assert_eq!(levels.root(), defined::<Sha3Tree>(&all[..size]), "{size}");
        assert_eq!(root::<Sha3Tree>(&all[..size]), levels.root(), "{size}");
    }
    let data: Vec<_> = (0..70_u8).map(|n| [n]).collect();
    let data: Vec<&[u8]> = data.iter().map(<[u8; 1]>::as_slice).collect();
    assert_eq!(Sha3Tree::leaves(&data), all);
    assert_eq!(Sha256Tree::leaves(&data)[69], Sha256Tree::leaf(&[69]));
}

/// RFC 6962 §2.1: the hash of the empty list, and of its test tree.
#[test]
fn roots_of_certificate_transparency() {
    let hex = |node: [u8; 32]| crate::digest::encode_hex(&node);
    assert_eq!(hex(Sha256Tree::empty()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(
        hex(Sha256Tree::leaf(b"")),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    assert_eq!(Sha3Tree::empty(), Sha3Tree::hash(&[b""]));
    assert_eq!(Sha3Tree::leaf(b"x"), *Sha3Digest::of(b"\0x").as_bytes());
}

#[test]
fn every_leaf_of_every_small_tree_is_provable_and_nothing_else() {
    for size in 1..=17_u8 {
        let leaves = leaves(size);
        let root = root::<Sha3Tree>(&leaves);
        for (index, leaf) in leaves.iter().enumerate() {
            let path = inclusion_path::<Sha3Tree>(&leaves, index).unwrap();
            let verify =
                |at, size, leaf: &_, path: &[_]| verify_inclusion::<Sha3Tree>(at, size, leaf, path, &root);
            let (at, len) = (index as u64, u64::from(size));
            assert_eq!(verify(at, len, leaf, &path), Ok(()), "{index} of {size}");
            assert_eq!(verify(len, len, leaf, &path), Err(ProofError::Range));
            assert_eq!(verify(at, len, &[0; 32], &path), Err(ProofError::Root));
            let longer = [path.as_slice(), &[[0; 32]]].concat();
            assert_eq!(verify(at, len, leaf, &longer), Err(ProofError::Length));
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(verify(at, len, leaf, shorter), Err(ProofError::Length));
                let other = if at == 0 { 1 } else { at - 1 };
                assert!(verify(other, len, leaf, &path).is_err(), "{index} as {other} of {size}");
            }
        }
        assert_eq!(inclusion_path::<Sha3Tree>(&leaves, leaves.len()), None);
    }
}

#[test]
fn every_small_tree_grew_from_each_of_its_beginnings() {
    let all = leaves(17);
    for (new, old) in (1..=17_usize).flat_map(|new| (1..=new).map(move |old| (new, old))) {
        let (old_root, new_root) = (root::<Sha3Tree>(&all[..old]), root::<Sha3Tree>(&all[..new]));
        let path = consistency_path::<Sha3Tree>(&all[..new], old).unwrap();
        let verify = |path: &[_], root: &_| {
            verify_consistency::<Sha3Tree>(old as u64, new as u64, path, root, &new_root)
        };
        assert_eq!(verify(&path, &old_root), Ok(()), "{old} in {new}");
        assert!(verify(&path, &[1; 32]).is_err(), "{old} in {new}, another root");
        let longer = [path.as_slice(), &[[0; 32]]].concat();
        assert!(verify(&longer, &old_root).is_err(), "{old} in {new}, longer");
    }
    assert_eq!(consistency_path::<Sha3Tree>(&all, 18), None);
    assert_eq!(consistency_path::<Sha3Tree>(&all, 0), None);
    let root = [0; 32];
    assert_eq!(verify_consistency::<Sha3Tree>(2, 1, &[], &root, &root), Err(ProofError::Range));
}

/// Whether the proof of a case of transparency-dev/merkle holds.
fn holds(case: &serde_json::Value) -> bool {
    let number = |name: &str| case[name].as_u64();
    let node = |value: &serde_json::Value| {
        // A root of another length becomes another root of ours.
        let mut node = [0; 32];
        let bytes = crate::base64url::decode_standard(value.as_str().unwrap()).unwrap();
        node.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        node
    };
    if case["root"] == "" || case["leafHash"] == "" {
        return false; // Our nodes cannot be empty.
    }
    let proof: Vec<_> = case["proof"].as_array().map_or(Vec::new(), |nodes| nodes.iter().map(node).collect());
    let part = number("start").map(|start| start..number("end").unwrap());
    let result = match (number("leafIdx"), part) {
        (Some(at), part) => {
            let (leaf, root) = (node(&case["leafHash"]), node(&case["root"]));
            match part {
                Some(part) => verify_part_inclusion::<Sha256Tree>(at, part, &leaf, &proof, &root),
                None => {
                    let size = number("treeSize").unwrap();
                    verify_inclusion::<Sha256Tree>(at, size, &leaf, &proof, &root)
                }
            }
        }
        (None, part) => {
            let (root1, root2) = (node(&case["root1"]), node(&case["root2"]));
            match part {
                Some(part) => {
                    let size = number("size").unwrap();
                    verify_part_consistency::<Sha256Tree>(part, size, &proof, &root1, &root2)
                }
                None => {
                    let (size1, size2) = (number("size1").unwrap(), number("size2").unwrap());
                    verify_consistency::<Sha256Tree>(size1, size2, &proof, &root1, &root2)
                }
            }
        }
    };
    result.is_ok()
}

/// The leaves before some size are a part, too, and their proof is the one that
/// the whole tree grew from them.
#[test]
fn a_beginning_is_a_part_with_the_same_proof() {
    let all = leaves(17);
    for (new, old) in (1..=17_usize).flat_map(|new| (1..=new).map(move |old| (new, old))) {
        let (part_root, root) = (root::<Sha3Tree>(&all[..old]), root::<Sha3Tree>(&all[..new]));
        let path = consistency_path::<Sha3Tree>(&all[..new], old).unwrap();
        let verify = |size: usize, path: &[_], part_root: &_| {
            verify_part_consistency::<Sha3Tree>(0..old as u64, size as u64, path, part_root, &root)
        };
        assert_eq!(verify(new, &path, &part_root), Ok(()), "{old} in {new}");
        assert!(verify(new, &path, &[1; 32]).is_err(), "{old} in {new}, another root");
        assert!(verify(new, &[path.as_slice(), &[[0; 32]]].concat(), &part_root).is_err(), "{old} in {new}");
        assert_eq!(verify(old - 1, &path, &part_root), Err(ProofError::Range), "{old} in fewer");
    }
    for none in [3..5_u64, 2..6, 1..u64::MAX] {
        let verified = verify_part_consistency::<Sha3Tree>(none.clone(), u64::MAX, &[], &[0; 32], &[0; 32]);
        assert_eq!(verified, Err(ProofError::Range), "{none:?}");
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn proofs_hold_where_transparency_dev_says_so() {
    let Some(folder) = crate::testing::vectors("merkle/testdata") else { return };
    let (mut applied, mut refused) = (0, 0);
    for path in files(&folder) {
        let case: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let holds = holds(&case);
        assert_eq!(holds, case["wantErr"] == false, "{}", path.display());
        applied += 1;
        refused += usize::from(!holds);
    }
    assert_eq!((applied, refused), (518, 482));
}
