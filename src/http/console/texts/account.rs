//! Labels of the account page: own sessions, language, theme and shortcuts.

labels! {
    /// The account page.
    Account {
        title: "My account", "حساب من";
        sessions: "My sessions", "نشست‌های من";
        this_session: "This session", "همین نشست";
        started: "Started", "آغاز";
        last_seen: "Last seen", "آخرین فعالیت";
        address: "Address", "نشانی";
        browser: "Browser", "مرورگر";
        /// Instead of the token of the sign-in.
        by_link: "signed in with a link", "ورود با پیوند";
        end_others: "End the other sessions", "پایان نشست‌های دیگر";
        no_others: "No other session is open.", "نشست دیگری باز نیست.";
        permissions: "My permissions", "مجوزهای من";
        settings: "Settings", "تنظیمات";
        language: "Language", "زبان";
        persian: "فارسی", "فارسی";
        english: "English", "English";
        theme: "Appearance", "ظاهر";
    }
}

labels! {
    /// The colours of the pages.
    Theme {
        auto: "As my device", "مطابق دستگاه";
        light: "Light", "روشن";
        dark: "Dark", "تیره";
    }
}

labels! {
    /// The keyboard shortcuts.
    Shortcuts {
        title: "Keyboard shortcuts", "میان‌برهای صفحه‌کلید";
        on: "Shortcuts on", "میان‌برها روشن";
        off: "Shortcuts off", "میان‌برها خاموش";
        search: "Search", "جستجو";
        new: "New code", "کد جدید";
        next: "Next row", "سطر بعد";
        prev: "Previous row", "سطر پیش";
        open: "Open row", "باز کردن سطر";
    }
}
