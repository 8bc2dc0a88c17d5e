use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use super::*;

fn token() -> ApiToken {
    ApiToken::generate(&mut UnwrapErr(SysRng))
}

#[test]
fn a_token_has_a_prefix_random_characters_and_a_checksum() {
    let token = token();
    assert_eq!(token.reveal().len(), 54);
    assert!(token.reveal().starts_with("otpd_"));
    assert!(token.reveal()[5..].bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(token.prefix(), &token.reveal()[..12]);
    assert_eq!(ApiToken::parse(token.reveal()), Some(token.clone()));
    assert_ne!(token, self::token());
}

#[test]
fn one_wrong_character_fails_the_checksum() {
    let token = token();
    for at in 5..token.reveal().len() {
        let mut bytes = token.reveal().as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        assert_eq!(ApiToken::parse(std::str::from_utf8(&bytes).unwrap()), None, "at {at}");
    }
    assert_eq!(ApiToken::parse("otpd_"), None);
    assert_eq!(ApiToken::parse("otpd_ééé"), None);
}

#[test]
fn the_checksum_is_the_crc_in_base62() {
    assert_eq!(checksum("123456789"), "3jZRME", "CRC-32 of the standard's check string is 0xCBF43926");
    assert_eq!(checksum(""), "000000");
}

#[test]
fn a_chosen_token_must_be_long_and_not_repetitive() {
    let good = "correct-horse-battery-staple-0123";
    assert_eq!(ApiToken::chosen(good).unwrap().reveal(), good);
    assert_eq!(ApiToken::chosen(good).unwrap().prefix(), "correc");
    for bad in ["short", &"ab".repeat(40), &format!("{good} x"), &format!("{good}é"), &format!("otpd_{good}")] {
        assert!(ApiToken::chosen(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_token_is_identified_by_its_listed_prefix_or_its_full_text() {
    let token = token();
    let whole = token.reveal();
    let prefix = |text: &str| Ok(TokenName::Prefix(text.to_owned()));
    assert_eq!(TokenName::parse(whole), Ok(TokenName::Whole(token.clone())));
    assert_eq!(TokenName::parse(&whole[..12]), prefix(&whole[..12]));
    let chosen = "correct-horse-battery-staple-0123";
    assert_eq!(TokenName::parse(chosen), Ok(TokenName::Whole(ApiToken::chosen(chosen).unwrap())));
    assert_eq!(TokenName::parse(&chosen[..6]), prefix("correc"));
    // SQL wildcards have no special meaning.
    assert_eq!(TokenName::parse("%%%%%%"), prefix("%%%%%%"));
    for bad in [
        "",
        " ",
        "%",
        "_",
        "*",
        "otpd_",
        &whole[..11],
        &whole[..13],
        &whole[..53],
        &chosen[..5],
        &chosen[..7],
        &chosen[..31],
        "otpd_ééééé",
    ] {
        assert!(TokenName::parse(bad).is_err(), "{bad}");
    }
    for bad in ["توکن", "corre ", "corre\n", "otpd_abc\0efg"] {
        assert!(TokenName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn debug_output_does_not_contain_the_secret() {
    let token = token();
    assert_eq!(format!("{token:?} {:?}", token.hash()), "ApiToken(***) TokenHash(***)");
    assert_eq!(format!("{:?}", TokenName::parse(token.reveal()).unwrap()), "Whole(ApiToken(***))");
}

#[test]
fn the_hash_is_sha_256() {
    let hash = ApiToken::parse("abc").unwrap().hash();
    assert_eq!(hash.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert!(hash.is(hash.as_bytes()));
    assert!(!hash.is(&hash.as_bytes()[..31]));
    assert!(!hash.is(&[0; 32]));
}
