//! Users, roles and permissions.

use std::fmt;
use std::str::FromStr;

use strum::{EnumString, FromRepr, IntoStaticStr, VariantArray};

/// A permission of the API. The value is its number on the API page (`docs/api.md`, "Endpoints").
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRepr, IntoStaticStr, VariantArray)]
#[repr(u16)]
pub enum Permission {
    #[strum(serialize = "create")]
    CreateOtp = 2851,
    #[strum(serialize = "view")]
    ViewOtp = 2852,
    #[strum(serialize = "update")]
    UpdateOtp = 2853,
    #[strum(serialize = "delete")]
    DeleteOtp = 2854,
    #[strum(serialize = "send")]
    SendOtp = 2855,
    #[strum(serialize = "verify")]
    VerifyOtp = 2856,
}

impl Permission {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub fn code(self) -> u16 {
        self as u16
    }

    /// The name that the command line accepts in place of the code.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns code and name, such as `2852 (view)`.
    pub fn code_and_name(self) -> String {
        format!("{} ({})", self.code(), self.name())
    }
}

impl FromStr for Permission {
    type Err = String;

    /// Parses a code or a name.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let named = |permission: &&Self| permission.name().eq_ignore_ascii_case(text);
        let by_name = || Self::ALL.iter().find(named).copied();
        text.parse().ok().and_then(Self::from_repr).or_else(by_name).ok_or_else(|| {
            let all: Vec<String> = Self::ALL.iter().map(|permission| permission.code_and_name()).collect();
            format!("a permission is one of {}", all.join(", "))
        })
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())
    }
}

/// The role of a user. An admin has all permissions, staff has the granted ones, and a plain user has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_role)]
pub enum Role {
    Admin,
    Staff,
    User,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_role(_: &str) -> &'static str {
    "expected admin, staff or user (no permissions)"
}

/// A user name: 1 to 64 ASCII letters, digits and `. _ @ + -`. Such a name is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// The name of the admin that the first start creates.
    pub fn admin() -> Self {
        Self("admin".to_owned())
    }

    /// A name from the store, already validated.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err("a name has 1 to 64 letters, digits or . _ @ + - and does not begin with a dash")
        }
    }
}

/// A stored user. `id` is internal and never shown.
#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub name: UserName,
    pub role: Role,
    pub is_active: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_codes_match_the_contract() {
        let codes: Vec<u16> = Permission::ALL.iter().map(|permission| permission.code()).collect();
        assert_eq!(codes, [2851, 2852, 2853, 2854, 2855, 2856]);
        assert_eq!("2853".parse(), Ok(Permission::UpdateOtp));
        assert_eq!(Permission::UpdateOtp.code_and_name(), "2853 (update)");
    }

    #[test]
    fn permissions_are_parsed_from_codes_and_names() {
        let names: Vec<&str> = Permission::ALL.iter().map(|permission| permission.name()).collect();
        assert_eq!(names, ["create", "view", "update", "delete", "send", "verify"]);
        for permission in Permission::ALL.iter().copied() {
            for text in [permission.code().to_string(), permission.name().to_owned(), permission.name().to_uppercase()]
            {
                assert_eq!(text.parse(), Ok(permission), "{text}");
                assert_eq!(format!(" {text} ").parse(), Ok(permission), "{text}");
            }
        }
        for bad in ["", " ", "2857", "2850", "0", "-1", "all", "view,send", "99999999"] {
            let accepted = "a permission is one of 2851 (create), 2852 (view), 2853 (update), 2854 (delete), 2855 (send), \
                            2856 (verify)";
            assert_eq!(bad.parse::<Permission>(), Err(accepted.to_owned()), "{bad}");
        }
    }

    #[test]
    fn a_name_is_short_and_prints_safely() {
        for good in ["a", "support", "ali.reza@example.com", "x_1+y", &"n".repeat(64)] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "-a", "علی", "a\n", "a/b", &"n".repeat(65)] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
    }
}
