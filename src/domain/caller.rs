//! The caller of a request, and what it may do.

use std::sync::Arc;

use crate::domain::audit::Origin;
use crate::domain::user::{Permission, Role};
use crate::error::{Error, Result};

/// The user of a request, as stored when the request arrived. The ids are internal and never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user_id: i64,
    /// The token of the request, or of the sign-in. A session without a token has its own id with a minus sign, which
    /// no token has, so that limits and lists count it by itself.
    pub token_id: i64,
    pub role: Role,
    pub permissions: Vec<Permission>,
    /// The user and its request, for the audit trail.
    pub origin: Arc<Origin>,
}

impl Caller {
    /// Returns an error unless the caller has `permission`.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Staff if self.permissions.contains(&permission) => Ok(()),
            Role::Staff | Role::User => Err(Error::permission_denied()),
        }
    }

    /// Returns an error unless the caller is an admin.
    pub fn require_admin(&self) -> Result<()> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Staff | Role::User => Err(Error::permission_denied()),
        }
    }

    /// Returns an error unless the caller is an admin or staff. Used for methods without a permission code.
    pub fn require_staff(&self) -> Result<()> {
        match self.role {
            Role::Admin | Role::Staff => Ok(()),
            Role::User => Err(Error::permission_denied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role, permissions: Vec<Permission>) -> Caller {
        Caller { user_id: 1, token_id: 1, role, permissions, origin: Origin::system() }
    }

    #[test]
    fn each_role_has_the_permissions_of_the_contract() {
        for held in Permission::ALL.iter().copied() {
            for required in Permission::ALL.iter().copied() {
                let allowed = |role| caller(role, vec![held]).require(required).is_ok();
                assert!(allowed(Role::Admin));
                assert_eq!(allowed(Role::Staff), held == required);
                assert!(!allowed(Role::User));
            }
        }
        let staff_like = |role| caller(role, vec![]).require_staff().is_ok();
        assert_eq!([Role::Admin, Role::Staff, Role::User].map(staff_like), [true, true, false]);
        let admin_like = |role| caller(role, Permission::ALL.to_vec()).require_admin().is_ok();
        assert_eq!([Role::Admin, Role::Staff, Role::User].map(admin_like), [true, false, false]);
    }
}
