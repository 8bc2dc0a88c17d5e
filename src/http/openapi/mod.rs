//! The API description: `/openapi.json` (OpenAPI 3.1) and `/docs` (Swagger UI, served from the binary without requests
//! to other hosts). The handlers use the vocabulary (`responses`, `schemas`). Only `description` knows the handlers.

pub(super) mod description;
pub(super) mod docs;
pub(super) mod responses;
pub(super) mod schemas;
pub(super) mod send_schemas;
mod webhooks;
