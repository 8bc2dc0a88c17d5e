//! Labels of the overview: alarms, figures and charts.

labels! {
    /// The overview.
    Overview {
        title: "Overview", "نمای کلی";
        alarms: "Alarms", "هشدارها";
        no_alarms: "No alarms.", "هشداری نیست.";
        alarm_share:
            "Only {share}% of the codes sent in the last hour were verified. Usual at this time: {usual}%.",
            "در یک ساعت گذشته فقط {share}٪ کدهای ارسال‌شده تأیید شد. مقدار معمول این ساعت: {usual}٪.";
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
        queue_empty: "No message is waiting.", "پیامی در صف نیست.";
        locked: "Locked recipients", "گیرندگان قفل‌شده";
        providers: "Providers", "سرویس‌دهنده‌ها";
        sent: "Sent", "ارسال‌شده";
        verified: "Verified", "تأییدشده";
        failed: "Failed", "ناموفق";
        refused: "Refused", "ردشده";
        see_all: "See all", "دیدن همه";
        updated: "As of {time}", "وضعیت در {time}";
        refresh: "Refresh", "تازه‌سازی";
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
        compared: "compared with the period before", "در مقایسه با بازهٔ پیشین";
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
    }
}
