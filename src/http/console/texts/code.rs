//! Labels of one code: its page, its timeline and its deletion.

labels! {
    /// The page of a code.
    Code {
        title: "Code {id}", "کد {id}";
        path: "Path", "مسیر";
        fields: "Details", "جزئیات";
        message: "Message", "پیام";
        show: "Show code", "نمایش کد";
        hide: "Hide", "پنهان کردن";
        copy: "Copy", "رونوشت";
        copied: "Copied", "رونوشت شد";
        show_note:
            "Showing a code is written to the audit trail.",
            "نمایش کد در سابقهٔ رویدادها ثبت می‌شود.";
        expire: "Expire now", "اکنون منقضی شود";
        edit: "Edit", "ویرایش";
        delete: "Delete", "حذف";
        send: "Send a code", "ارسال کد";
        resend: "Send again", "ارسال دوباره";
        messages: "Messages of this code", "پیام‌های این کد";
        delete_q: "Delete code {id}?", "کد {id} حذف شود؟";
        delete_note:
            "The code and its messages are gone for good. To make it unusable, expire it instead.",
            "کد و پیام‌های آن برای همیشه پاک می‌شوند. برای بی‌اثر کردن، آن را منقضی کنید.";
        lost_messages_one:
            "{n} message with all its attempts",
            "{n} پیام با همهٔ تلاش‌های ارسال آن";
        lost_messages:
            "{n} messages with all their attempts",
            "{n} پیام با همهٔ تلاش‌های ارسال آن‌ها";
        lost_waiting:
            "A message is still waiting. It will not be sent.",
            "پیامی هنوز در صف است. دیگر ارسال نمی‌شود.";
        lost_kept:
            "The audit trail keeps a record of this code.",
            "سابقهٔ رویدادها وجود این کد را نگه می‌دارد.";
        expire_instead: "Expire instead", "به جای حذف منقضی شود";
    }
}

labels! {
    /// What happened to a code, oldest first.
    Timeline {
        title: "What happened", "چه گذشت";
        created: "Created", "ساخته شد";
        created_by: "Created by {who}", "ساخته شد توسط {who}";
        requested: "Sending was requested", "ارسال درخواست شد";
        queued: "Message waits for a provider", "پیام در صف سرویس‌دهنده است";
        attempt: "Attempt with {provider}", "تلاش با {provider}";
        attempt_took: "took {ms} ms", "{ms} میلی‌ثانیه طول کشید";
        guess_wrong: "Wrong guess", "حدس نادرست";
        guess_refused: "Guess refused", "حدس پذیرفته نشد";
        verified: "Verified", "تأیید شد";
        expired: "Expired", "منقضی شد";
        spent: "Out of guesses", "حدس‌ها تمام شد";
        changed_by: "Changed by {who}", "تغییر توسط {who}";
        shown_to: "Shown to {who}", "نمایش داده شد به {who}";
        provider_id: "Id at the provider", "شناسه نزد سرویس‌دهنده";
        reason: "Reason", "علت";
        empty: "Nothing is recorded yet.", "هنوز چیزی ثبت نشده است.";
    }
}
