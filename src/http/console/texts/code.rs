//! Labels of one code: its page, its timeline and its deletion.

labels! {
    /// The page of a code.
    Code {
        title: "Code {id}", "کد {id}";
        path: "Path", "مسیر";
        fields: "Details", "جزئیات";
        message: "Message", "پیام";
        of_attempts: "{left} of {all}", "{left} از {all}";
        show: "Show code", "نمایش کد";
        hide: "Hide", "پنهان کردن";
        copy: "Copy", "رونوشت";
        copied: "Copied", "رونوشت شد";
        copy_failed:
            "The browser refused to copy. Select the text instead.",
            "مرورگر رونوشت نگرفت. متن را انتخاب کنید.";
        masked: "Code is hidden", "کد پنهان است";
        show_note:
            "Showing a code is written to the audit trail.",
            "نمایش کد در سابقهٔ رویدادها ثبت می‌شود.";
        hides_in: "Hidden again in {seconds} seconds", "{seconds} ثانیه دیگر دوباره پنهان می‌شود";
        hidden_again: "The code is hidden again.", "کد دوباره پنهان شد.";
        expire: "Expire now", "اکنون منقضی شود";
        edit: "Edit", "ویرایش";
        delete: "Delete", "حذف";
        send: "Send a code", "ارسال کد";
        resend: "Send again", "ارسال دوباره";
        resend_note:
            "The recipient gets a new code. This one stops working.",
            "گیرنده کد تازه‌ای می‌گیرد و این کد از کار می‌افتد.";
        resend_wait:
            "Can be sent again in {seconds} seconds.",
            "{seconds} ثانیه دیگر می‌توان دوباره فرستاد.";
        messages: "Messages of this code", "پیام‌های این کد";
        no_messages: "This code was not sent by otpd.", "این کد را otpd نفرستاده است.";
        recipient_codes: "All codes of this recipient", "همهٔ کدهای این گیرنده";
        delete_q: "Delete code {id}?", "کد {id} حذف شود؟";
        delete_note:
            "The code and its messages are gone for good. To make it unusable, expire it instead.",
            "کد و پیام‌های آن برای همیشه پاک می‌شوند. برای بی‌اثر کردن، آن را منقضی کنید.";
        lost: "What is lost", "چه چیزی پاک می‌شود";
        lost_code: "The code for {recipient}", "کد {recipient}";
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
        already_expired:
            "This code can no longer be used anyway.",
            "این کد دیگر قابل استفاده نیست.";
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
        guesses_one: "{n} wrong guess", "{n} حدس نادرست";
        guesses: "{n} wrong guesses", "{n} حدس نادرست";
        verified: "Verified", "تأیید شد";
        expired: "Expired", "منقضی شد";
        spent: "Out of guesses", "حدس‌ها تمام شد";
        changed_by: "Changed by {who}", "تغییر توسط {who}";
        expired_by: "Expired by {who}", "منقضی‌شده توسط {who}";
        shown_to: "Shown to {who}", "نمایش داده شد به {who}";
        provider_id: "Id at the provider", "شناسه نزد سرویس‌دهنده";
        reason: "Reason", "علت";
        empty: "Nothing is recorded yet.", "هنوز چیزی ثبت نشده است.";
    }
}
