//! The list of messages.

use crate::domain::caller::Caller;
use crate::domain::message_list::{MessagePage, MessageQuery};
use crate::error::Result;
use crate::service::Service;
use crate::store::message_list;

impl Service {
    /// Returns a page of the matching messages with their last attempts, newest first.
    pub async fn list_messages(&self, caller: &Caller, query: MessageQuery) -> Result<MessagePage> {
        self.store.read_list(caller.token_id, move |db| message_list::list(db, &query)).await
    }
}
