//! RFC 8785 against other people's data and other people's code.

use super::*;

/// The files of cyberphone/json-canonicalization.
#[test]
fn agrees_with_the_published_pairs() {
    let Some(folder) = crate::testing::vectors("jcs/testdata") else { return };
    let mut pairs = 0;
    for entry in std::fs::read_dir(folder.join("input")).unwrap() {
        let name = entry.unwrap().file_name();
        let input = std::fs::read(folder.join("input").join(&name)).unwrap();
        let output = std::fs::read(folder.join("output").join(&name)).unwrap();
        let ours = to_vec(&Json::parse(&input).unwrap());
        assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(output).unwrap(), "{name:?}");
        pairs += 1;
    }
    assert_eq!(pairs, 6);
}

/// 100,000 numbers: bit patterns over the whole range of exponents, and the
/// neighbours of the places where ECMAScript changes its notation.
#[test]
fn numbers_are_spelled_as_by_another_canonicaliser() {
    let edges = [1e21, 1e-7, 1e-6, 9_007_199_254_740_991.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.0, 1e20];
    let near = edges
        .iter()
        .flat_map(|edge| (0..3).map(move |step| f64::from_bits(edge.to_bits().wrapping_sub(step))));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let random = std::iter::repeat_with(move || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        f64::from_bits(state.wrapping_mul(0x2545_f491_4f6c_dd1d))
    });
    for number in near.chain(random).filter(|number| number.is_finite()).take(100_000) {
        let ours = to_vec(&Json::Float(number));
        let theirs = serde_json_canonicalizer::to_vec(&number).unwrap();
        assert_eq!(ours, theirs, "{number:e}");
        // And the text means the same number again, for us and for others.
        let text = std::str::from_utf8(&ours).unwrap();
        assert_eq!(text.parse::<f64>().unwrap(), number, "{number:e}");
    }
}

#[test]
fn integers_are_spelled_as_rust_spells_them() {
    let edges = [0, 1, -1, 9, 10, 99, 100, 101, i64::MAX, i64::MIN, 9_007_199_254_740_991];
    for value in edges.into_iter().chain((0..63).flat_map(|bit| [1 << bit, -(1 << bit) - 1])) {
        let mut out = Vec::new();
        write_integer(value, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
    }
}

/// RFC 8785 appendix B: bit pattern and spelling.
#[test]
fn numbers_of_the_standards_appendix() {
    for (bits, text) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
    ] {
        {
            assert_eq!(to_vec(&Json::Float(f64::from_bits(bits))), text.as_bytes(), "{bits:x}");
        }
    }
    assert_eq!(to_vec(&Json::parse(b"-0").unwrap()), b"0");
}

#[test]
fn members_are_ordered_by_utf16_and_texts_escaped_least() {
    let value =
        Json::parse("{\"\u{fb33}\":1,\"\u{10000}\":2,\"\\u20ac\":3,\"\\r\":4,\"1\":5}".as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(to_vec(&value)).unwrap(),
        "{\"\\r\":4,\"1\":5,\"\u{20ac}\":3,\"\u{10000}\":2,\"\u{fb33}\":1}"
    );
    let text = Json::from("\u{0}\u{1f}\u{7f}\u{8}\t\n\u{c}\r\"\\/\u{2028}é");
    assert_eq!(
        String::from_utf8(to_vec(&text)).unwrap(),
        "\"\\u0000\\u001f\u{7f}\\b\\t\\n\\f\\r\\\"\\\\/\u{2028}é\""
    );
}

/// What is looked at by blocks is the same as byte by byte, wherever an escape
/// stands.
#[test]
fn escapes_are_found_at_every_place() {
    for len in 0..100 {
        let plain = "\u{e4}".repeat(len / 2) + &"a".repeat(len % 2);
        assert_eq!(plain_len(plain.as_bytes()), plain.len());
        for escape in ['"', '\\', '\u{1f}', '\0'] {
            let text = format!("{plain}{escape}{plain}");
            assert_eq!(plain_len(text.as_bytes()), plain.len(), "{text:?}");
            let mut written = Vec::new();
            write_string(&text, &mut written);
            let read: String = serde_json::from_slice(&written).unwrap();
            assert_eq!(read, text);
        }
    }
}
