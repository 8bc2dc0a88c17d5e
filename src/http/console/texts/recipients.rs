//! Labels of recipients and limits.

labels! {
    /// The page of recipients that are locked or paused.
    Recipient {
        title: "Recipients", "گیرندگان";
        find: "Mobile number or e-mail", "شمارهٔ موبایل یا ایمیل";
        locked: "Locked until staff frees it", "قفل تا آزادسازی توسط پشتیبان";
        paused: "Paused until {time}", "متوقف تا {time}";
        open: "May send and verify", "ارسال و تأیید ممکن است";
        free: "Free recipient", "آزادسازی گیرنده";
        free_note:
            "Its failures and its sends are counted from zero again. The present code gets no guesses back.",
            "شمارش خطاها و ارسال‌های آن از صفر آغاز می‌شود. حدس‌های کد کنونی برنمی‌گردد.";
        failures: "Failures in a row", "خطاهای پی‌درپی";
        failures_hour: "Failures in the last hour", "خطاهای یک ساعت گذشته";
        sends_hour: "Sent in the last hour", "ارسال‌های یک ساعت گذشته";
        sends_day: "Sent in the last 24 hours", "ارسال‌های ۲۴ ساعت گذشته";
        per_hour: "Sends in an hour", "ارسال در ساعت";
        per_day: "Sends in a day", "ارسال در روز";
        of_limit: "{n} of {limit}", "{n} از {limit}";
        no_limit: "{n}, no limit", "{n}، بدون سقف";
        intro:
            "Recipients that are locked or paused. Freeing one is written to the audit trail.",
            "گیرندگانی که قفل یا متوقف شده‌اند. آزادسازی در سابقهٔ رویدادها ثبت می‌شود.";
        empty_title: "Nobody is locked", "هیچ گیرنده‌ای قفل نیست";
        appear:
            "A recipient appears here after several failures in a row, or when a limit pauses it.",
            "گیرنده پس از چند خطای پی‌درپی یا با رسیدن به یک سقف اینجا دیده می‌شود.";
        has_more: "Only the first {n} are shown.", "فقط {n} گیرندهٔ نخست نشان داده می‌شود.";
        count_one: "{n} recipient", "{n} گیرنده";
        count: "{n} recipients", "{n} گیرنده";
        failures_count: "{n} failures in a row", "{n} خطای پی‌درپی";
        notice_locked:
            "The recipient of this code is locked: until staff frees it, it gets no code and none is accepted.",
            "گیرندهٔ این کد قفل است: تا آزادسازی توسط پشتیبان، نه کدی برایش ارسال می‌شود و نه کدی از او پذیرفته می‌شود.";
        notice_paused:
            "The recipient of this code is paused until {time}.",
            "گیرندهٔ این کد تا {time} متوقف است.";
        empty: "Nobody is locked.", "هیچ گیرنده‌ای قفل نیست.";
        none: "No recipient matches.", "گیرنده‌ای پیدا نشد.";
    }
}

labels! {
    /// The limits, in plain words.
    Limits {
        sends_per_recipient_hour: "Messages per recipient and hour", "پیام‌های هر گیرنده در ساعت";
        sends_per_recipient_day: "Messages per recipient and day", "پیام‌های هر گیرنده در روز";
        sends_per_token_minute: "Messages per token and minute", "پیام‌های هر توکن در دقیقه";
        sends_per_client_hour: "Messages per end user and hour", "پیام‌های هر کاربر نهایی در ساعت";
        sms_per_day: "SMS per day", "پیامک در روز";
        calls_per_day: "Calls per day", "تماس در روز";
        bale_per_day: "Bale messages per day", "پیام بله در روز";
        emails_per_day: "E-mails per day", "ایمیل در روز";
        failures_per_recipient_hour: "Failures per recipient and hour", "خطاهای هر گیرنده در ساعت";
        failures_per_token_hour: "Failures per token and hour", "خطاهای هر توکن در ساعت";
        failures_per_client_hour: "Failures per end user and hour", "خطاهای هر کاربر نهایی در ساعت";
        consecutive_failures: "Failures in a row", "خطاهای پی‌درپی";
    }
}
