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
        last_30_days: "Last 30 days", "۳۰ روز گذشته";
        zone: "Days in {zone}", "روزها به وقت {zone}";
        reading: "That is {date}.", "یعنی {date}.";
        bad_order: "The first day is after the last one.", "روز آغاز پس از روز پایان است.";
        state: "State", "وضعیت";
        provider: "Provider", "سرویس‌دهنده";
        channel: "Channel", "کانال";
        purpose: "Purpose", "کاربرد";
        recipient_kind: "Sent to", "نوع گیرنده";
        with_mobile: "Mobile numbers", "شماره‌های موبایل";
        with_email: "E-mail addresses", "ایمیل‌ها";
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
        by_mobile: "Mobile number", "شمارهٔ موبایل";
        by_email: "E-mail", "ایمیل";
        ascending: "ascending", "صعودی";
        descending: "descending", "نزولی";
    }
}

labels! {
    /// The pages of a list.
    Page {
        next: "Older", "قدیمی‌تر";
        prev: "Newer", "تازه‌تر";
        /// For lists that are not ordered by time.
        forward: "Next page", "صفحهٔ بعد";
        first: "First page", "صفحهٔ نخست";
        navigation: "Pages", "صفحه‌ها";
        size: "Rows per page", "سطر در هر صفحه";
    }
}
