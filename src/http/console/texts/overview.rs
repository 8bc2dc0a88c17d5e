//! Labels of the overview: alarms, figures and charts.

labels! {
    /// The overview.
    Overview {
        title: "Overview", "نمای کلی";
        alarms: "Alarms", "هشدارها";
        alarm_share:
            "Only {share}% of the {n} codes sent from {from} to {until} were verified. Usual at this time: {usual}%.",
            "از {n} کد ارسال‌شده از {from} تا {until} فقط {share}٪ تأیید شد. مقدار معمول این ساعت: {usual}٪.";
        alarm_share_hint:
            "Messages may not arrive, or someone requests codes without using them. Look at the providers and the refusals.",
            "شاید پیام‌ها نمی‌رسند یا کسی بدون استفاده کد درخواست می‌کند. سرویس‌دهنده‌ها و درخواست‌های ردشده را ببینید.";
        alarm_provider:
            "Provider {provider} is resting after failures.",
            "سرویس‌دهندهٔ {provider} پس از خطاهای پیاپی در استراحت است.";
        alarm_all_providers:
            "No provider works. Codes are not sent.",
            "هیچ سرویس‌دهنده‌ای کار نمی‌کند. کدها ارسال نمی‌شوند.";
        alarm_limit:
            "{percent}% of today's limit is used: {limit}.",
            "{percent}٪ سقف امروز مصرف شده است: {limit}.";
        alarm_queue:
            "The oldest message has waited for {time}.",
            "قدیمی‌ترین پیام {time} در صف بوده است.";
        queue: "Queue", "صف";
        queue_waiting: "Waiting", "در انتظار";
        queue_sending: "Being handed over", "در حال تحویل";
        queue_oldest: "Oldest", "قدیمی‌ترین";
        locked: "Locked recipients", "گیرندگان قفل‌شده";
        providers: "Providers", "سرویس‌دهنده‌ها";
        sent: "Sent", "ارسال‌شده";
        verified: "Verified", "تأییدشده";
        failed: "Failed", "ناموفق";
        refused: "Refused", "ردشده";
        see_all: "See all", "دیدن همه";
        updated: "As of {time}", "وضعیت در {time}";
        refresh: "Refresh", "تازه‌سازی";
        charts: "Charts", "نمودارها";
        figures: "Key figures", "شاخص‌ها";
        not_sent: "Failed or unknown", "ناموفق یا نامشخص";
        locked_over: "more than {n}", "بیش از {n}";
        see_refused: "See the refusals", "دیدن درخواست‌های ردشده";
        success: "{percent}% successful in the last 24 hours", "{percent}٪ موفق در ۲۴ ساعت گذشته";
    }
}

labels! {
    /// The period of the overview, and the comparison with the period before.
    Period {
        label: "Period", "بازه";
        hour: "1 hour", "۱ ساعت";
        day: "24 hours", "۲۴ ساعت";
        week: "7 days", "۷ روز";
        month: "30 days", "۳۰ روز";
        more: "{percent}% more than in the period before", "{percent}٪ بیشتر از بازهٔ پیشین";
        less: "{percent}% less than in the period before", "{percent}٪ کمتر از بازهٔ پیشین";
        points_more_one:
            "{n} percentage point more than in the period before",
            "{n} واحد درصد بیشتر از بازهٔ پیشین";
        points_more:
            "{n} percentage points more than in the period before",
            "{n} واحد درصد بیشتر از بازهٔ پیشین";
        points_less_one:
            "{n} percentage point less than in the period before",
            "{n} واحد درصد کمتر از بازهٔ پیشین";
        points_less:
            "{n} percentage points less than in the period before",
            "{n} واحد درصد کمتر از بازهٔ پیشین";
        same: "as in the period before", "مانند بازهٔ پیشین";
        no_before: "no data of the period before", "از بازهٔ پیشین داده‌ای نیست";
        before: "Period before", "بازهٔ پیشین";
        current: "This period", "این بازه";
    }
}

labels! {
    /// The charts.
    Chart {
        conversion: "Verified of sent", "تأییدشده از ارسال‌شده";
        volume: "Messages by outcome", "پیام‌ها بر حسب نتیجه";
        time: "Time from sending to verification", "زمان از ارسال تا تأیید";
        providers: "Providers: success and latency", "سرویس‌دهنده‌ها: موفقیت و تأخیر";
        budget: "Sent of today's limit", "مصرف از سقف امروز";
        refused: "Refused: by limit and by cause", "ردشده: بر حسب سقف و علت";
        table: "Show as a table", "نمایش جدول";
        none: "No data in this period.", "در این بازه داده‌ای نیست.";
        p50: "Half within", "نیمی تا";
        p95: "95 of 100 within", "۹۵ از ۱۰۰ تا";
        fallback: "Share of fallbacks", "سهم سرویس‌دهنده‌های جایگزین";
        success: "Success", "موفقیت";
        latency: "Latency", "تأخیر";
        top_tokens: "Most refused tokens", "توکن‌های با بیشترین رد";
        top_prefixes: "Most refused number prefixes", "پیش‌شماره‌های با بیشترین رد";
        no_limit: "no limit", "بدون سقف";
        percent: "{n}%", "{n}٪";
        of: "{n} of {total}", "{n} از {total}";
        hour: "Hour", "ساعت";
        day: "Day", "روز";
        count: "Count", "تعداد";
        zone: "Times in {zone}", "ساعت‌ها به وقت {zone}";
        comma: ",", "،";
        share: "Share", "سهم";
        provider: "Provider", "سرویس‌دهنده";
        attempts: "Attempts", "تلاش‌ها";
        limit: "Limit", "سقف";
        used: "Requested", "درخواست‌شده";
        allowed: "Allowed", "مجاز";
        token: "Token", "توکن";
        prefix: "Prefix", "پیش‌شماره";
        other: "others", "بقیه";
        seconds: "{n} s", "{n} ثانیه";
        minutes: "{n} min", "{n} دقیقه";
        in_seconds: "{name}, seconds", "{name}، ثانیه";
        fallbacks: "{percent}% by fallbacks", "{percent}٪ با جایگزین";
        successful: "Successful", "موفق";
        below: "Below 80%", "زیر ۸۰٪";
        up_to: "Up to 80%", "تا ۸۰٪";
        over: "Over 80%", "بیش از ۸۰٪";
        not_final: "The last value is not final.", "آخرین مقدار هنوز نهایی نیست.";
        last_day: "Requested in the last 24 hours.", "درخواست‌های ۲۴ ساعت گذشته.";
        conversion_says:
            "{now} of the codes sent in this period were verified, {before} in the period before.",
            "{now} کدهای ارسال‌شده در این بازه تأیید شد؛ در بازهٔ پیشین {before}.";
        conversion_says_now:
            "{now} of the codes sent in this period were verified.",
            "{now} کدهای ارسال‌شده در این بازه تأیید شد.";
        volume_says: "Messages of this period: {list}.", "پیام‌های این بازه: {list}.";
        time_says:
            "Half of the verified codes were verified within {p50}, 95 of 100 within {p95}.",
            "نیمی از کدهای تأییدشده تا {p50} و ۹۵ از ۱۰۰ تا {p95} تأیید شدند.";
        providers_says: "Successful attempts by provider: {list}.", "سهم تلاش‌های موفق هر سرویس‌دهنده: {list}.";
        budget_says: "Messages requested in the last 24 hours: {list}.", "پیام‌های درخواست‌شده در ۲۴ ساعت گذشته: {list}.";
        refused_says: "Refused requests by limit: {list}.", "درخواست‌های ردشده بر حسب سقف: {list}.";
    }
}
