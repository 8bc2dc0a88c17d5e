//! The pages of the console: method, path, access and handler. The middleware checks the access.

use actix_web::http::Method;
use actix_web::{Route, web};

use crate::domain::caller::Caller;
use crate::domain::user::Permission;
use crate::http::console::{
    account, assets, audit, audit_csv, code, code_delete, code_form, codes, messages, overview, providers, recipients,
    sign_in, switches, token_form, user, user_new, user_questions, users,
};
use crate::http::routing::read;

/// What a request needs to reach a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// A session.
    Session,
    /// A session of a user with this permission.
    Permission(Permission),
    /// A session of an admin.
    Admin,
}

impl Access {
    /// What a caller lacks: a permission, or the role admin (`None`). The outer `None`: nothing.
    pub(super) fn missing(self, caller: &Caller) -> Option<Option<Permission>> {
        match self {
            Self::Permission(permission) if caller.require(permission).is_err() => Some(Some(permission)),
            Self::Admin if caller.require_admin().is_err() => Some(None),
            Self::Open | Self::Session | Self::Permission(_) | Self::Admin => None,
        }
    }
}

/// A page, or an action of a page.
pub struct Page {
    /// `GET` (also HEAD) or `POST`.
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
    /// Whether a request keeps the session open. Requests that a script repeats do not.
    pub is_activity: bool,
    pub(super) route: fn() -> Route,
}

const fn get(path: &'static str, access: Access, route: fn() -> Route) -> Page {
    Page { method: "GET", path, access, is_activity: true, route }
}

const fn post(path: &'static str, access: Access, route: fn() -> Route) -> Page {
    Page { method: "POST", path, access, is_activity: true, route }
}

/// The first page of the console.
pub(super) const OVERVIEW: &str = "/console/";
/// The page that is shown instead to users who may not see the first one.
pub(super) const ACCOUNT: &str = "/console/account";

const CREATE: Access = Access::Permission(Permission::CreateOtp);
const VIEW: Access = Access::Permission(Permission::ViewOtp);
const UPDATE: Access = Access::Permission(Permission::UpdateOtp);
const DELETE: Access = Access::Permission(Permission::DeleteOtp);
const SEND: Access = Access::Permission(Permission::SendOtp);

/// All pages.
pub static PAGES: &[Page] = &[
    get("/console/assets/{file}", Access::Open, || read().to(assets::asset)),
    get("/console/sign-in", Access::Open, || read().to(sign_in::show)),
    post("/console/sign-in", Access::Open, || web::post().to(sign_in::submit)),
    post("/console/language", Access::Open, || web::post().to(switches::language)),
    post("/console/theme", Access::Open, || web::post().to(switches::switch_theme)),
    post("/console/shortcuts", Access::Open, || web::post().to(switches::shortcuts)),
    get(OVERVIEW, VIEW, || read().to(overview::show)),
    get("/console/codes", VIEW, || read().to(codes::list)),
    post("/console/codes/search", VIEW, || web::post().to(codes::search)),
    Page { is_activity: false, ..get("/console/codes/newer", VIEW, || read().to(codes::newer)) },
    get("/console/codes/new", CREATE, || read().to(code_form::show_new)),
    post("/console/codes/new", CREATE, || web::post().to(code_form::create)),
    get("/console/codes/{id}", VIEW, || read().to(code::show)),
    post("/console/codes/{id}/uncover", VIEW, || web::post().to(code::uncover)),
    post("/console/codes/{id}/expire", UPDATE, || web::post().to(code::expire)),
    post("/console/codes/{id}/resend", SEND, || web::post().to(code::resend)),
    get("/console/codes/{id}/edit", UPDATE, || read().to(code_form::show_edit)),
    post("/console/codes/{id}/edit", UPDATE, || web::post().to(code_form::save)),
    get("/console/codes/{id}/delete", DELETE, || read().to(code_delete::ask)),
    post("/console/codes/{id}/delete", DELETE, || web::post().to(code_delete::delete)),
    get("/console/audit", Access::Admin, || read().to(audit::list)),
    get("/console/audit.csv", Access::Admin, || read().to(audit_csv::download)),
    post("/console/audit/search", Access::Admin, || web::post().to(audit::search)),
    get("/console/account", Access::Session, || read().to(account::show)),
    post("/console/account/end-others", Access::Session, || web::post().to(account::end_others)),
    get("/console/messages", VIEW, || read().to(messages::list)),
    get("/console/recipients", VIEW, || read().to(recipients::list)),
    post("/console/recipients/search", VIEW, || web::post().to(recipients::search)),
    post("/console/recipients/free", UPDATE, || web::post().to(recipients::free)),
    get("/console/providers", Access::Admin, || read().to(providers::list)),
    post("/console/providers/check", Access::Admin, || web::post().to(providers::check)),
    get("/console/users", Access::Admin, || read().to(users::list)),
    get("/console/users/new", Access::Admin, || read().to(user_new::show)),
    post("/console/users/new", Access::Admin, || web::post().to(user_new::add)),
    get("/console/users/{name}", Access::Admin, || read().to(user::show)),
    post("/console/users/{name}/role", Access::Admin, || web::post().to(user_questions::save_role)),
    post("/console/users/{name}/permissions", Access::Admin, || web::post().to(user::save_permissions)),
    post("/console/users/{name}/enable", Access::Admin, || web::post().to(user::enable)),
    post("/console/users/{name}/end-sessions", Access::Admin, || web::post().to(user::end_sessions)),
    get("/console/users/{name}/disable", Access::Admin, || read().to(user_questions::ask_disable)),
    post("/console/users/{name}/disable", Access::Admin, || web::post().to(user_questions::disable)),
    get("/console/users/{name}/remove", Access::Admin, || read().to(user_questions::ask_remove)),
    post("/console/users/{name}/remove", Access::Admin, || web::post().to(user_questions::remove)),
    get("/console/users/{name}/revoke", Access::Admin, || read().to(user_questions::ask_revoke)),
    post("/console/users/{name}/revoke", Access::Admin, || web::post().to(user_questions::revoke)),
    get("/console/users/{name}/token", Access::Admin, || read().to(token_form::show)),
    post("/console/users/{name}/token", Access::Admin, || web::post().to(token_form::add)),
    post("/console/session", Access::Session, || web::post().to(sign_in::stay)),
    post("/console/sign-out", Access::Session, || web::post().to(sign_in::sign_out)),
];

/// The page of a method and a path pattern.
pub(super) fn page_of(method: &Method, pattern: &str) -> Option<&'static Page> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    PAGES.iter().find(|page| page.method == method && page.path == pattern)
}

/// The path to show after the sign-in, for a form that was sent to `path`: the page of the form, or of the object.
pub(super) fn resumed_path(pattern: &str, path: &str) -> String {
    let (mut pattern, mut path) = (pattern, path.trim_end_matches('/'));
    while page_of(&Method::GET, pattern).is_none() {
        match (pattern.rsplit_once('/'), path.rsplit_once('/')) {
            (Some((parent, _)), Some((rest, _))) if parent.len() > "/console".len() => (pattern, path) = (parent, rest),
            _ => return "/console/".to_owned(),
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_one_path_stand_together() {
        let mut paths: Vec<&str> = PAGES.iter().map(|page| page.path).collect();
        paths.dedup();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }
}
