//! Labels of messages: the list, the states, and the outcomes of attempts.

labels! {
    /// The list of messages, and the states of a message.
    Msg {
        title: "Messages", "پیام‌ها";
        queued: "Waiting", "در صف";
        sending: "Being handed over", "در حال تحویل";
        sent: "Accepted by the provider", "پذیرفته‌شده توسط سرویس‌دهنده";
        delivered: "Delivered to the phone", "رسیده به گوشی";
        undelivered: "Not delivered", "به گوشی نرسید";
        blocked: "Blocked: the recipient is on a black list", "مسدود: گیرنده در فهرست سیاه است";
        unknown: "Unknown: it may have been sent", "نامشخص: شاید ارسال شده باشد";
        failed: "Failed", "ناموفق";
        expired: "Not sent in time", "به‌موقع ارسال نشد";
        cancelled: "Taken back", "لغوشده";
        sent_note:
            "Accepted by the provider does not mean delivered.",
            "پذیرفته شدن توسط سرویس‌دهنده به معنای رسیدن پیام نیست.";
        state: "State", "وضعیت";
        channel: "Channel", "کانال";
        provider: "Provider", "سرویس‌دهنده";
        reason: "Reason", "علت";
        code: "Code", "کد";
        attempts_one: "{n} attempt", "{n} تلاش";
        attempts_count: "{n} attempts", "{n} تلاش";
        no_attempt: "not tried yet", "هنوز امتحان نشده";
        count_one: "{n} message", "{n} پیام";
        count: "{n} messages", "{n} پیام";
        empty_title: "No messages yet", "هنوز پیامی نیست";
        appear: "They appear here when a code is sent.", "با ارسال کد، اینجا دیده می‌شود.";
        cancelled_reason:
            "The code was changed, used or sent again before.",
            "پیش از آن، کد تغییر کرد، استفاده شد یا دوباره ارسال شد.";
        when: "Requested", "زمان درخواست";
        none: "No message matches. Remove a filter.", "پیامی پیدا نشد. یک فیلتر را بردارید.";
    }
}

labels! {
    /// The channel of a message.
    Channels {
        sms: "SMS", "پیامک";
        call: "Call", "تماس";
        bale: "Bale", "بله";
        email: "E-mail", "ایمیل";
    }
}

labels! {
    /// The outcome of one attempt to hand a message over.
    Outcomes {
        sent: "The provider accepted it.", "سرویس‌دهنده آن را پذیرفت.";
        retry:
            "The provider could not take it now.",
            "سرویس‌دهنده در آن لحظه نتوانست آن را بپذیرد.";
        next:
            "This provider refused it; another may take it.",
            "این سرویس‌دهنده نپذیرفت؛ شاید دیگری بپذیرد.";
        bad_recipient: "The recipient cannot be reached.", "گیرنده در دسترس نیست.";
        misconfigured:
            "The provider refuses everything: a setting or the account has to be corrected.",
            "سرویس‌دهنده همه چیز را رد می‌کند: تنظیم یا حساب باید اصلاح شود.";
        unknown:
            "No clear answer came. The provider may have sent it.",
            "پاسخ روشنی نرسید. شاید سرویس‌دهنده آن را فرستاده باشد.";
        interrupted:
            "otpd ended during the attempt. The provider may have sent it.",
            "otpd در میانهٔ تلاش پایان یافت. شاید سرویس‌دهنده آن را فرستاده باشد.";
        in_progress: "In progress", "در حال انجام";
    }
}
