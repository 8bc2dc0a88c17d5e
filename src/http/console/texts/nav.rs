//! Labels of the frame around every page.

labels! {
    /// The program.
    App {
        title: "otpd console", "کنسول otpd";
    }
}

labels! {
    /// The navigation, and what stands beside it on every page.
    Nav {
        overview: "Overview", "نمای کلی";
        codes: "Codes", "کدها";
        messages: "Messages", "پیام‌ها";
        recipients: "Recipients", "گیرندگان";
        providers: "Providers", "سرویس‌دهنده‌ها";
        users: "Users", "کاربران";
        tokens: "Tokens", "توکن‌ها";
        audit: "Audit trail", "سابقهٔ رویدادها";
        account: "My account", "حساب من";
        skip: "Skip to content", "پرش به محتوا";
        sign_out: "Sign out", "خروج";
        /// The other language, in that language.
        language: "فارسی", "English";
        main: "Main navigation", "ناوبری اصلی";
        menu: "Menu", "فهرست";
        administration: "Administration", "مدیریت";
        remove_filter: "remove this filter", "برداشتن این فیلتر";
        none: "none", "ندارد";
    }
}
