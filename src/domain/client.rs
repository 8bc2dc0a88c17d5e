//! The end user of a calling back-end, identified by network address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::error::InvalidValue;

/// An IPv4 address, or the /64 network of an IPv6 address, because one end user usually controls a whole /64. `Debug`
/// hides it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// Parses an address without a port, a zone or brackets. Surrounding white space is removed. An IPv4-mapped IPv6
    /// address (`::ffff:192.0.2.1`) is the IPv4 address.
    ///
    /// # Errors
    /// The contract's text (`docs/api.md`, "End users").
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        text.trim().parse().map(Self::containing).map_err(|_| "Enter a valid IPv4 or IPv6 address.".into())
    }

    /// Returns the network that contains an address.
    pub fn containing(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }

    /// The key under which limits count the client.
    pub fn key(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientNetwork(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_an_address_have_the_same_key() {
        for (text, key) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:201", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:0DB8:0001:0002::", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("::1", "::"),
        ] {
            assert_eq!(ClientNetwork::parse(text).map(|client| client.key()), Ok(key.to_owned()), "{text}");
        }
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in [
            "",
            "x",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.01",
            "192.0.2.1:80",
            "192.0.2.1/32",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "2001:db8::1::2",
            "192.0.2.1, 192.0.2.2",
            "localhost",
            "1",
        ] {
            assert_eq!(ClientNetwork::parse(text), Err("Enter a valid IPv4 or IPv6 address.".into()), "{text}");
        }
        assert_eq!(format!("{:?}", ClientNetwork::parse("192.0.2.1").unwrap()), "ClientNetwork(***)");
    }
}
