//! Labels of the audit trail.

labels! {
    /// The page of the audit trail.
    Audit {
        title: "Audit trail", "سابقهٔ رویدادها";
        when: "When", "زمان";
        who: "Who", "چه کسی";
        what: "What", "چه کاری";
        subject: "On what", "روی چه چیزی";
        before: "Before", "پیش از تغییر";
        after: "After", "پس از تغییر";
        address: "Address", "نشانی";
        token: "Token", "توکن";
        request: "Request", "درخواست";
        changes: "Changes", "تغییرها";
        by_command: "Command line", "خط فرمان";
        by_system: "otpd itself", "خود otpd";
        export: "Download as CSV", "دریافت CSV";
        export_limit: "At most {n} rows", "حداکثر {n} سطر";
        empty: "Nothing is recorded yet.", "هنوز رویدادی ثبت نشده است.";
        none: "No event matches. Remove a filter.", "رویدادی پیدا نشد. یک فیلتر را بردارید.";
        count_one: "{n} event", "{n} رویداد";
        count: "{n} events", "{n} رویداد";
        count_over: "more than {n} events", "بیش از {n} رویداد";
        when_utc: "When (UTC)", "زمان (UTC)";
        action: "Action", "نام کار";
        search: "Whole mobile number or e-mail", "شمارهٔ موبایل یا ایمیل کامل";
        search_bad:
            "Enter a whole mobile number or a whole e-mail address.",
            "شمارهٔ موبایل یا ایمیل را کامل وارد کنید.";
        code: "Code ID", "شناسهٔ کد";
        code_bad: "A code ID is a number.", "شناسهٔ کد یک عدد است.";
    }
}

labels! {
    /// Changed fields that have no column or heading of their own elsewhere.
    Fields {
        result: "Result", "نتیجه";
        started: "signed in", "وارد شد";
        refused: "refused", "رد شد";
        link: "made a sign-in link", "پیوند ورود ساخته شد";
        verdict: "Verdict", "نتیجهٔ بررسی";
        token: "Token", "توکن";
        token_name: "Name of the token", "نام توکن";
        codes_consumed: "Codes made unusable", "کدهای ازکارافتاده";
        messages_cancelled: "Messages taken back", "پیام‌های پس‌گرفته‌شده";
        test_recipient: "Test recipient", "گیرندهٔ آزمایشی";
        fixed_code: "fixed code, not sent", "کد ثابت، بدون ارسال";
        tokens_revoked: "Tokens revoked", "توکن‌های باطل‌شده";
    }
}

labels! {
    /// The actions of the audit trail. The name of an action has a dot where the label has its first underscore.
    Actions {
        otp_create: "Created a code", "ساخت کد";
        otp_update: "Changed a code", "تغییر کد";
        otp_delete: "Deleted a code", "حذف کد";
        otp_read: "Showed a code", "نمایش کد";
        otp_send: "Sent a code", "ارسال کد";
        otp_verify: "Checked a code", "بررسی کد";
        recipient_reset: "Freed a recipient", "آزادسازی گیرنده";
        user_add: "Added a user", "افزودن کاربر";
        user_grant: "Granted permissions", "دادن مجوز";
        user_revoke: "Took permissions away", "گرفتن مجوز";
        user_disable: "Disabled a user", "غیرفعال کردن کاربر";
        user_enable: "Enabled a user", "فعال کردن کاربر";
        user_role: "Changed a role", "تغییر نقش";
        user_remove: "Removed a user", "حذف کاربر";
        token_add: "Made a token", "ساخت توکن";
        token_revoke: "Revoked a token", "باطل کردن توکن";
        session_start: "Sign-in", "ورود";
        session_end: "End of a session", "پایان نشست";
        restore: "Restored a backup", "بازگردانی نسخهٔ پشتیبان";
    }
}

labels! {
    /// The verdict on a guess, or why a request was refused.
    Verdicts {
        right: "right", "درست";
        wrong_code: "wrong code", "کد نادرست";
        expired: "expired", "منقضی";
        not_found: "no such code", "کدی نبود";
        used: "already used", "پیش‌تر استفاده شده";
        too_many_attempts: "out of guesses", "بدون حدس باقی‌مانده";
        too_soon: "sent a moment ago", "همین حالا ارسال شده";
        rate_limited: "over a limit", "بیش از سقف";
    }
}
