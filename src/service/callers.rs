//! The caller of a request.

use std::sync::Arc;

use crate::domain::audit::{ActorKind, Origin};
use crate::domain::caller::Caller;
use crate::domain::timestamp::Timestamp;
use crate::domain::token_details::is_expired;
use crate::error::{Error, Kind, Result};
use crate::service::source::RequestSource;
use crate::store::tokens::{AuthenticatedToken, TokenWithPermissions};

/// Returns the user of a token and the time of the last use of the token.
pub(super) fn caller_of(
    found: Option<TokenWithPermissions>,
    source: RequestSource,
    now: Timestamp,
) -> Result<(Caller, Option<Timestamp>)> {
    let refused = |detail| Error::new(Kind::Unauthenticated, detail);
    let found = found.filter(|(token, _)| !is_expired(token.expires_at, now));
    let (token, permissions) = found.ok_or_else(|| refused("Invalid token."))?;
    let AuthenticatedToken { user_id, token_id, role, last_used_at, .. } = token;
    if !token.is_active {
        return Err(refused("User inactive or deleted."));
    }
    let origin = Arc::new(Origin {
        kind: ActorKind::User,
        name: token.user_name,
        token_prefix: Some(token.prefix),
        request_id: source.request_id,
        address: source.address,
    });
    Ok((Caller { user_id, token_id, role, permissions, origin }, last_used_at))
}
