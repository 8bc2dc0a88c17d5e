use serde_json::Value;

use crate::helpers::OTPS;

/// A xorshift64* generator with a fixed seed: every run sends the same requests.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        Self(0x6f74_7064)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Returns a value for any parameter or field.
    fn value(&mut self) -> String {
        const VALUES: [&str; 40] = [
            "",
            "0",
            "1",
            "-1",
            "42",
            "9223372036854775807",
            "99999999999999999999",
            "1.5",
            "1e9",
            "NaN",
            "true",
            "false",
            "null",
            "2025-12-30",
            "2025-02-30",
            "0000-01-01",
            "9999-12-31",
            "20311230T143910Z",
            "2025-12-30T14:39:10Z",
            "09123456789",
            "+989123456789",
            "a@b.com",
            "a@b@c",
            "\u{6f0}\u{6f9}\u{6f1}\u{6f2}",
            "\0",
            "%",
            "_",
            "'",
            "\"",
            "\\",
            ";--",
            "*",
            "a b",
            "id",
            "-ttl,valid_to,code",
            "--id",
            ",",
            "\u{200c}",
            "\u{1f600}",
            "\u{130}",
        ];
        match self.below(12) {
            0 => (0..self.below(40)).map(|_| char::from_u32(self.below(0x3000) as u32).unwrap_or('?')).collect(),
            1 => self.pick(&VALUES).repeat(self.below(200)),
            2 => (0..self.below(30)).map(|_| self.pick(&VALUES).to_owned() + " ").collect(),
            _ => self.pick(&VALUES).to_owned(),
        }
    }

    fn name(&mut self) -> &'static str {
        self.pick(&[
            "limit",
            "offset",
            "search",
            "ordering",
            "id_min",
            "id_max",
            "created_date",
            "created_from",
            "created_to",
            "updated_date",
            "updated_from",
            "updated_to",
            "has_mobile_number",
            "has_email",
            "is_allow",
            "mobile_number",
            "email",
            "code",
            "valid_to",
            "purpose",
            "language",
            "id",
            "nonsense",
            "",
        ])
    }

    /// Returns a query string. Some have up to 3,000 parameters or a value of up to 60,000 characters.
    fn query(&mut self) -> String {
        let count = if self.one_in(50) { self.below(3000) } else { self.below(6) };
        let mut query = form_urlencoded::Serializer::new(String::new());
        for _ in 0..count {
            query.append_pair(self.name(), &self.value());
        }
        let mut query = query.finish();
        match self.below(40) {
            0 => {
                let long = self.pick(&["a", "%25", "ttl,", "-id,", "a+", "%"]).repeat(self.below(20_000));
                query = format!("{}={long}", self.name());
            }
            1 => query += "&%ff=%zz&%",
            2 => query = query.replace('=', ""),
            _ => {}
        }
        // `http::Uri` rejects longer targets.
        query.truncate(60_000);
        query
    }

    fn path(&mut self) -> String {
        let rest = match self.below(12) {
            0..4 => String::new(),
            4 => self.below(20).to_string(),
            5 => format!("{}/deliveries", self.below(20)),
            6 => self.pick(&["send", "verify/", "reset"]).to_owned(),
            7 => form_urlencoded::byte_serialize(self.value().as_bytes()).collect::<String>().replace('+', "%20"),
            8 => self.pick(&["%ff", "%00", "..", "%2e%2e/", "1%2f", "-1", "1e3", "//", "%d9%a1"]).to_owned(),
            _ => {
                return self
                    .pick(&["/healthz", "/readyz", "/metrics", "/dev/inbox", "/openapi.json", "/nowhere"])
                    .to_owned();
            }
        };
        format!("{OTPS}{rest}")
    }

    fn json(&mut self) -> String {
        let value = |random: &mut Self| match random.below(8) {
            0 => random.pick(&["null", "true", "[]", "{}", "[[]]", "1.5", "-0.0", "1e400", "12.0"]).to_owned(),
            1 => random.below(10_000_000).to_string(),
            _ => Value::String(random.value()).to_string(),
        };
        let mut fields: Vec<String> =
            (0..self.below(5)).map(|_| format!("{:?}:{}", self.name(), value(self))).collect();
        if self.one_in(2) {
            let recipients =
                [r#""mobile_number":"09123456789","email":null"#, r#""email":"a@b.com","mobile_number":null"#];
            let valid_to = r#""valid_to":"2099-01-01""#;
            fields =
                vec![self.pick(&recipients).to_owned(), format!(r#""code":{}"#, self.below(1000)), valid_to.to_owned()];
        }
        match self.below(10) {
            0 => value(self),
            1 => fields.join(","),
            _ => format!("{{{}}}", fields.join(",")),
        }
    }

    /// Returns the raw bytes of a request, and its HTTP method.
    pub fn request(&mut self, token: &str) -> (Vec<u8>, &'static str) {
        let (verb, target) = match self.below(6) {
            0 | 1 => ("GET", format!("{OTPS}?{}", self.query())),
            2 => ("POST", format!("{OTPS}{}", self.pick(&["", "send", "verify"]))),
            3 => ("PATCH", format!("{OTPS}{}", self.below(20))),
            _ => {
                (self.pick(&["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "X"]), self.path() + "?" + &self.query())
            }
        };
        let mut head = format!("{verb} {target} HTTP/1.1\r\nHost: otpd\r\n");
        match self.below(12) {
            0 => head += "Authorization: Token wrong\r\n",
            1 => head += "Authorization: Basic x\r\n",
            _ => head += &format!("Authorization: Token {token}\r\n"),
        }
        let media_type = self.pick(&["application/json", "application/x-www-form-urlencoded", "text/plain", ""]);
        head += &format!("Content-Type: {media_type}\r\n");
        let visible = |text: String| text.chars().filter(char::is_ascii_graphic).take(300).collect::<String>();
        for name in ["Idempotency-Key", "X-Request-ID", "Accept-Encoding", "X-Forwarded-For", "Forwarded", "Range"] {
            if self.one_in(8) {
                head += &format!("{name}: {}\r\n", visible(self.value()));
            }
        }
        let body = match self.below(6) {
            0 => String::new(),
            1 => self.query(),
            2 => self.value(),
            _ => self.json(),
        };
        if !body.is_empty() && self.one_in(4) {
            head += &format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        } else {
            head += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        }
        (head.into_bytes(), verb)
    }
}
