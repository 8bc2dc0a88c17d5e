//! A parser for the subset of MIME (RFC 2045 to 2047) in the mails of otpd.

/// The parts of a multipart mail: media type and text of each.
pub fn parts(mail: &str) -> Vec<(String, String)> {
    let (head, body) = mail.split_once("\n\n").unwrap();
    let boundary = head.split_once("boundary=\"").unwrap().1.split('"').next().unwrap();
    let (parts, end) = body.rsplit_once(&format!("--{boundary}--")).unwrap();
    assert_eq!(end.trim(), "");
    parts.split(&format!("--{boundary}\n")).skip(1).map(part).collect()
}

fn part(part: &str) -> (String, String) {
    let (head, body) = part.split_once("\n\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    let bytes = match header("Content-Transfer-Encoding:") {
        "base64" => from_base64(body),
        "quoted-printable" => from_quoted_printable(body),
        "7bit" => body.as_bytes().to_vec(),
        other => panic!("{other} is not implemented"),
    };
    let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    (header("Content-Type:").to_owned(), text.trim_end_matches('\n').to_owned())
}

/// The value of a header that is one encoded word: `=?utf-8?b?…?=`.
pub fn encoded_header(mail: &str, name: &str) -> String {
    let value = mail.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap();
    let word = value.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?=")).unwrap();
    String::from_utf8(from_base64(word)).unwrap()
}

fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = DIGITS.iter().position(|other| *other == digit).unwrap();
        (bits, count) = (bits << 6 | u32::try_from(value).unwrap(), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

fn from_quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'=').then(|| [rest.next().unwrap(), rest.next().unwrap()]);
        bytes.push(match digits {
            Some(digits) => u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(),
            None => byte,
        });
    }
    bytes
}
