//! Labels of filters, sorting and paging, which all lists share.

labels! {
    /// The filters of a list.
    Filter {
        title: "Filters", "فیلترها";
        apply: "Apply", "اعمال";
        clear: "Clear filters", "پاک کردن فیلترها";
        remove: "Remove filter: {filter}", "برداشتن فیلتر: {filter}";
        any: "All", "همه";
        from: "From", "از";
        to: "To", "تا";
        day: "Day", "روز";
        today: "Today", "امروز";
        yesterday: "Yesterday", "دیروز";
        last_7_days: "Last 7 days", "۷ روز گذشته";
        zone: "Days in {zone}", "روزها به وقت {zone}";
        reading: "That is {date}.", "یعنی {date}.";
        state: "State", "وضعیت";
        provider: "Provider", "سرویس‌دهنده";
        channel: "Channel", "کانال";
        purpose: "Purpose", "کاربرد";
        actor: "Who", "چه کسی";
        action: "What", "چه کاری";
        active: "Active filters", "فیلترهای فعال";
    }
}

labels! {
    /// The order of a list.
    Sort {
        label: "Sort by", "ترتیب";
        newest: "Newest first", "تازه‌ترین اول";
        oldest: "Oldest first", "قدیمی‌ترین اول";
        expiring_first: "Expiring first", "زودترین انقضا اول";
        expiring_last: "Expiring last", "دیرترین انقضا اول";
        updated_first: "Changed last", "آخرین تغییر اول";
    }
}

labels! {
    /// The pages of a list.
    Page {
        next: "Older", "قدیمی‌تر";
        prev: "Newer", "تازه‌تر";
        first: "First page", "صفحهٔ نخست";
        navigation: "Pages", "صفحه‌ها";
    }
}
