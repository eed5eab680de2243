use proptest::prelude::*;

use super::*;

fn finds(detector: &Detector, text: &str) -> bool {
    any_finds(std::slice::from_ref(detector), Seen::Text(text)).unwrap()
}

fn check(detector: &Detector, yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(finds(detector, text), "{detector:?} must find something in {text:?}");
    }
    for text in no {
        assert!(!finds(detector, text), "{detector:?} must find nothing in {text:?}");
    }
}

#[test]
fn card_numbers_have_a_check_digit() {
    let yes = [
        "4111111111111111",
        "pay 4111 1111 1111 1111 now",
        "4111-1111-1111-1111",
        "378282246310005",
        "5555555555554444,",
        "on 2024 4012 8888 8888 1881.",
        "6011000990139424",
        "x:3566002020360505",
        "2223003122003222",
    ];
    let no = [
        "4111111111111112",
        "4111 1111 1111 1112",
        "411111111111111",
        "14111111111111111",
        "41111111111111111111111",
        "A4111111111111111",
        "1234567812345670",
        "4111  1111  1111  1111",
        "",
    ];
    check(&Detector::card(), &yes, &no);
}

#[test]
fn ibans_have_check_digits() {
    let yes = [
        "CH9300762011623852957",
        "CH93 0076 2011 6238 5295 7",
        "to DE89 3704 0044 0532 0130 00, thanks",
        "gb82 west 1234 5698 7654 32",
        "NO9386011117947",
        "(MT84MALT011000012345MTLCAST001S)",
    ];
    let no = [
        "CH9400762011623852957",
        "CH9300762011623852958",
        "DE89 3704 0044 0532 0130 01",
        "XCH9300762011623852957",
        "CH93007620",
        "9300762011623852957CH",
        "",
    ];
    check(&Detector::iban(), &yes, &no);
}

#[test]
fn addresses_have_a_host_with_a_dot() {
    let yes = ["a@example.com", "<jörg.müller+x@bücher.example>", "mail a.b@c.d.example.", "o'x@a-b.io"];
    let no =
        ["@example.com", "a@localhost", "a @ example.com", "a@.com", "a@b..c", "1@1.2", "npm i @scope/x.y"];
    check(&Detector::email(), &yes, &no);
}

#[test]
fn secrets_begin_as_their_issuers_say() {
    let tail = |prefix: &str, len: usize| format!("{prefix}{}", "aB3".repeat(len).get(..len).unwrap());
    let yes = [
        tail("AKIA", 16),
        format!("token={}", tail("ghp_", 36)),
        tail("xoxb-", 24),
        tail("sk-ant-api03-", 60),
        tail("sk_live_", 24),
        tail("AIza", 35),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.".to_owned(),
        "-----BEGIN PRIVATE KEY-----\nMIG".to_owned(),
        "x\n-----BEGIN RSA PRIVATE KEY-----".to_owned(),
    ];
    let no = [
        tail("AKIA", 15),
        format!("x{}", tail("ghp_", 36)),
        "sk-learn".to_owned(),
        "eyJhbGciOiJub25lIn0".to_owned(),
        "-----BEGIN PUBLIC KEY-----".to_owned(),
        "-----BEGIN CERTIFICATE-----".to_owned(),
        String::new(),
    ];
    let texts = |list: &[String]| list.iter().map(|text| (*text).clone().leak() as &str).collect::<Vec<_>>();
    check(&Detector::secret(), &texts(&yes), &texts(&no));
}

#[test]
fn values_are_looked_at_through_and_through() {
    let card = [Detector::card()];
    for text in [
        r#""4111\u00311111 1111 1111""#,
        "4111111111111111",
        "4111111111111111.0",
        "4.111111111111111e15",
        r#"[1,{"a":["4111-1111-1111-1111"]}]"#,
        r#"{"4111111111111111":null}"#,
    ] {
        let text = text.replace("4111\\u00311111", "4111 \\u0031111");
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(any_finds(&card, Seen::of(&json).unwrap()), Ok(true), "{text}");
    }
    let json = Json::parse(br#"{"a":[4111,"1111",true],"b":"1111 1111"}"#).unwrap();
    assert_eq!(any_finds(&card, Seen::of(&json).unwrap()), Ok(false));
}

struct Failing;

impl Detect for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn version(&self) -> u32 {
        7
    }

    fn finds(&self, text: &str) -> Result<bool, DetectError> {
        if text == "fail" { Err(DetectError::new("away")) } else { Ok(text == "yes") }
    }
}

#[test]
fn what_is_found_outweighs_what_cannot_be_said() {
    let detectors = [Detector::new(Failing), Detector::email()];
    let on = |text: &str| any_finds(&detectors, Seen::of(&Json::parse(text.as_bytes()).unwrap()).unwrap());
    assert_eq!(on(r#"["fail","no"]"#), Err(Why::Detector));
    assert_eq!(on(r#"["fail","yes"]"#), Ok(true));
    assert_eq!(on(r#"["fail","a@b.example"]"#), Ok(true));
    let long = format!("{:?}", "x".repeat(MAX_SCANNED + 1));
    assert_eq!(on(&long), Err(Why::TooLong));
    assert_eq!(on(&format!(r#"[{long},"yes"]"#)), Ok(true));
}

#[test]
fn names_mean_one_detector() {
    struct Named(&'static str);
    impl Detect for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn version(&self) -> u32 {
            1
        }
        fn finds(&self, _: &str) -> Result<bool, DetectError> {
            Ok(false)
        }
    }
    for wrong in ["", "card", "Card", "a b", "a\"b", "é", &"a".repeat(65)] {
        assert!(Detector::new(Named(wrong.to_owned().leak())).check().is_err(), "{wrong}");
    }
    assert!(Detector::new(Named("card-2")).check().is_ok());
    for known in ["card", "email", "iban", "secret"] {
        let detector = Detector::built_in(known).unwrap();
        assert_eq!((detector.name(), detector.check()), (known, Ok(())));
    }
    assert_eq!(Detector::built_in("cards"), None);
    assert_ne!(Detector::card(), Detector::iban());
}

proptest! {
    /// Of the ten last digits, exactly one checks (Luhn), and one of the 97
    /// pairs of check digits.
    #[test]
    fn check_digits_are_unique(digits in "[2-6][0-9]{14}", account in "[0-9A-Z]{11,30}") {
        let cards = (0..10).filter(|last| finds(&Detector::card(), &format!("{digits}{last}"))).count();
        prop_assert_eq!(cards, 1);
        let ibans = (2..99).filter(|pair| finds(&Detector::iban(), &format!("CH{pair:02}{account}"))).count();
        prop_assert_eq!(ibans, 1);
    }
}
