//! Labels of providers.

labels! {
    /// The page of providers.
    Provider {
        title: "Providers", "سرویس‌دهنده‌ها";
        order: "Order", "ترتیب";
        order_note:
            "Providers are tried from top to bottom. The order is in the configuration.",
            "سرویس‌دهنده‌ها از بالا به پایین امتحان می‌شوند. ترتیب آن‌ها در پیکربندی است.";
        name: "Name", "نام";
        kind: "Kind", "نوع";
        state: "State", "وضعیت";
        sound: "Works", "سالم";
        often_fails: "Often fails", "اغلب ناموفق";
        trial: "On trial", "در حال آزمایش";
        resting: "Resting: asked last", "در استراحت: آخر از همه";
        success: "Success rate", "نرخ موفقیت";
        delivered: "{share} delivered", "{share} رسیده";
        p50: "Half within", "نیمی تا";
        p95: "95 of 100 within", "۹۵ از ۱۰۰ تا";
        milliseconds: "{ms} ms", "{ms} میلی‌ثانیه";
        last_error: "Last error", "آخرین خطا";
        no_error: "no error", "بدون خطا";
        account: "Account", "حساب";
        latency: "Time to answer", "زمان پاسخ";
        failing: "There is a problem", "مشکلی هست";
        figures: "Figures of the last 24 hours.", "آمار ۲۴ ساعت گذشته.";
        check: "Check now", "اکنون بررسی شود";
        check_note: "“Check now” asks the provider for the account. It sends no message.",
            "«اکنون بررسی شود» حساب را از سرویس‌دهنده می‌پرسد و پیامی نمی‌فرستد.";
        check_ok: "The provider answers.", "سرویس‌دهنده پاسخ می‌دهد.";
        checked: "Checked {time}", "بررسی: {time}";
        inbox: "Development inbox: nothing is sent", "صندوق آزمایشی: چیزی ارسال نمی‌شود";
        empty:
            "No provider is configured. Codes cannot be sent.",
            "سرویس‌دهنده‌ای تنظیم نشده است. ارسال کد ممکن نیست.";
        setting: "Add one under {setting}.", "یکی را در {setting} اضافه کنید.";
    }
}
