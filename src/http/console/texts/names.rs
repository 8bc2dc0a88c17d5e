//! The labels of values of the domain.

use super::Texts;
use crate::domain::attempt::Outcome;
use crate::domain::limit::Limit;
use crate::domain::message::Channel;
use crate::domain::outbox::MessageState;
use crate::domain::provider_state::{Health, ProviderState};
use crate::domain::purpose::Purpose;
use crate::domain::user::{Permission, Role};
use crate::domain::verification::Verdict;
use crate::error::Reason;

impl Texts {
    pub fn permission(&self, permission: Permission) -> &'static str {
        match permission {
            Permission::CreateOtp => self.perm.create,
            Permission::ViewOtp => self.perm.view,
            Permission::UpdateOtp => self.perm.update,
            Permission::DeleteOtp => self.perm.delete,
            Permission::SendOtp => self.perm.send,
            Permission::VerifyOtp => self.perm.verify,
        }
    }

    pub fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Admin => self.user.admin,
            Role::Staff => self.user.staff,
            Role::User => self.user.plain,
        }
    }

    pub fn channel(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Sms => self.channels.sms,
            Channel::Call => self.channels.call,
            Channel::Bale => self.channels.bale,
            Channel::Email => self.channels.email,
        }
    }

    pub fn message_state(&self, state: MessageState) -> &'static str {
        match state {
            MessageState::Queued => self.msg.queued,
            MessageState::Sending => self.msg.sending,
            MessageState::Sent => self.msg.sent,
            MessageState::Delivered => self.msg.delivered,
            MessageState::Undelivered => self.msg.undelivered,
            MessageState::Blocked => self.msg.blocked,
            MessageState::Unknown => self.msg.unknown,
            MessageState::Failed => self.msg.failed,
            MessageState::Expired => self.msg.expired,
            MessageState::Cancelled => self.msg.cancelled,
        }
    }

    /// `None`: the attempt is in progress.
    pub fn outcome(&self, outcome: Option<Outcome>) -> &'static str {
        match outcome {
            Some(Outcome::Sent) => self.outcomes.sent,
            Some(Outcome::Retry) => self.outcomes.retry,
            Some(Outcome::Next) => self.outcomes.next,
            Some(Outcome::BadRecipient) => self.outcomes.bad_recipient,
            Some(Outcome::Misconfigured) => self.outcomes.misconfigured,
            Some(Outcome::Unknown) => self.outcomes.unknown,
            Some(Outcome::Interrupted) => self.outcomes.interrupted,
            None => self.outcomes.in_progress,
        }
    }

    /// Returns the class of a provider's badge and its label.
    pub fn provider_state(&self, provider: &ProviderState) -> (&'static str, &'static str) {
        match provider.health {
            Health::Sound if provider.is_failing() => ("tone-bad", self.provider.often_fails),
            Health::Sound => ("sound", self.provider.sound),
            Health::OnTrial => ("trial", self.provider.trial),
            Health::Resting(_) => ("resting", self.provider.resting),
        }
    }

    pub fn limit(&self, limit: Limit) -> &'static str {
        match limit {
            Limit::SendsPerRecipientHour => self.limits.sends_per_recipient_hour,
            Limit::SendsPerRecipientDay => self.limits.sends_per_recipient_day,
            Limit::SendsPerTokenMinute => self.limits.sends_per_token_minute,
            Limit::SendsPerClientHour => self.limits.sends_per_client_hour,
            Limit::SmsPerDay => self.limits.sms_per_day,
            Limit::CallsPerDay => self.limits.calls_per_day,
            Limit::BalePerDay => self.limits.bale_per_day,
            Limit::EmailsPerDay => self.limits.emails_per_day,
            Limit::FailuresPerRecipientHour => self.limits.failures_per_recipient_hour,
            Limit::FailuresPerTokenHour => self.limits.failures_per_token_hour,
            Limit::FailuresPerClientHour => self.limits.failures_per_client_hour,
        }
    }

    /// Returns the label of the limit with this setting. Other settings are returned as they are.
    pub fn limit_of<'a>(&self, setting: &'a str) -> &'a str {
        let limit = Limit::ALL.iter().find(|limit| limit.setting() == setting);
        match limit {
            Some(limit) => self.limit(*limit),
            None if setting == "otp.max_consecutive_failures" => self.limits.consecutive_failures,
            None => setting,
        }
    }

    pub fn reason(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::WrongCode => self.verdicts.wrong_code,
            Reason::Expired => self.verdicts.expired,
            Reason::NotFound => self.verdicts.not_found,
            Reason::Used => self.verdicts.used,
            Reason::TooManyAttempts => self.verdicts.too_many_attempts,
            Reason::TooSoon => self.verdicts.too_soon,
            Reason::RateLimited => self.verdicts.rate_limited,
        }
    }

    /// Returns the label of a recorded verdict. `None`: a newer version recorded it.
    pub fn verdict(&self, verdict: &str) -> Option<&'static str> {
        Verdict::ALL.into_iter().find(|known| known.as_str() == verdict).map(|known| match known {
            Verdict::Right => self.verdicts.right,
            Verdict::Refused(reason) => self.reason(reason),
        })
    }

    /// Returns the label of a usual purpose. Other purposes are returned as they are.
    pub fn purpose<'a>(&self, purpose: &'a Purpose) -> &'a str {
        match purpose.as_str() {
            "login" => self.purpose.login,
            "signup" | "register" => self.purpose.signup,
            "reset" | "password_reset" | "password-reset" => self.purpose.reset,
            "payment" => self.purpose.payment,
            "verify" => self.purpose.verify,
            other => other,
        }
    }

    /// Returns the label of an action of the audit trail, such as `otp.create`. Unknown actions, which a newer version
    /// may have recorded, are returned as they are.
    pub fn action<'a>(&self, action: &'a str) -> &'a str {
        let actions = &self.actions;
        match action {
            "otp.create" => actions.otp_create,
            "otp.update" => actions.otp_update,
            "otp.delete" => actions.otp_delete,
            "otp.read" => actions.otp_read,
            "otp.send" => actions.otp_send,
            "otp.verify" => actions.otp_verify,
            "recipient.reset" => actions.recipient_reset,
            "user.add" => actions.user_add,
            "user.grant" => actions.user_grant,
            "user.revoke" => actions.user_revoke,
            "user.disable" => actions.user_disable,
            "user.enable" => actions.user_enable,
            "user.role" => actions.user_role,
            "user.remove" => actions.user_remove,
            "token.add" => actions.token_add,
            "token.revoke" => actions.token_revoke,
            "session.start" => actions.session_start,
            "session.end" => actions.session_end,
            "restore" => actions.restore,
            other => other,
        }
    }
}
