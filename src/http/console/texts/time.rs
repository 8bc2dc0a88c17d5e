//! Labels of relative times.

labels! {
    /// Relative times. [`Texts::ago`](super::Texts::ago) and [`Texts::left`](super::Texts::left) choose among them.
    Time {
        now: "just now", "همین حالا";
        second_ago: "{n} second ago", "{n} ثانیه پیش";
        seconds_ago: "{n} seconds ago", "{n} ثانیه پیش";
        minute_ago: "{n} minute ago", "{n} دقیقه پیش";
        minutes_ago: "{n} minutes ago", "{n} دقیقه پیش";
        hour_ago: "{n} hour ago", "{n} ساعت پیش";
        hours_ago: "{n} hours ago", "{n} ساعت پیش";
        day_ago: "{n} day ago", "{n} روز پیش";
        days_ago: "{n} days ago", "{n} روز پیش";
        none_left: "no time left", "زمانی نمانده";
        second_left: "{n} second left", "{n} ثانیه مانده";
        seconds_left: "{n} seconds left", "{n} ثانیه مانده";
        minute_left: "{n} minute left", "{n} دقیقه مانده";
        minutes_left: "{n} minutes left", "{n} دقیقه مانده";
        hour_left: "{n} hour left", "{n} ساعت مانده";
        hours_left: "{n} hours left", "{n} ساعت مانده";
        day_left: "{n} day left", "{n} روز مانده";
        days_left: "{n} days left", "{n} روز مانده";
        zone: "Times in {zone}", "ساعت‌ها به وقت {zone}";
    }
}
