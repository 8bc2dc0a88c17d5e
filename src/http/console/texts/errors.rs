//! Labels of error pages.

labels! {
    /// Error pages, and what a page shows if an action failed.
    Error {
        title: "This did not work", "انجام نشد";
        bad_request:
            "otpd does not understand this request.",
            "این درخواست برای otpd قابل فهم نیست.";
        /// 403
        forbidden:
            "You may not do this. It needs permission {code}.",
            "اجازهٔ این کار را ندارید. مجوز {code} لازم است.";
        admins_only: "Only admins may do this.", "فقط مدیران اجازهٔ این کار را دارند.";
        /// 403: `console.allowed_addresses`
        address:
            "The console is not open to your address {address}.",
            "کنسول برای نشانی شما ({address}) باز نیست.";
        /// 404
        not_found: "This does not exist, or no longer.", "چنین چیزی نیست یا دیگر نیست.";
        /// 409
        conflict:
            "The state changed meanwhile. Look again before you repeat it.",
            "در این فاصله وضعیت تغییر کرده است. پیش از تکرار دوباره نگاه کنید.";
        /// 413
        too_large: "This is too large.", "حجم این درخواست بیش از حد است.";
        /// 429
        too_many:
            "Too many requests. Try again in {seconds} seconds.",
            "درخواست‌ها زیاد شده‌اند. {seconds} ثانیه دیگر دوباره امتحان کنید.";
        limit: "A limit is reached: {limit}.", "به سقف رسیده‌اید: {limit}.";
        /// 500
        internal:
            "A fault in otpd. Its log has the cause under the request id.",
            "خطایی در otpd رخ داد. علت آن در گزارش، زیر شناسهٔ درخواست ثبت شده است.";
        /// 503
        unavailable:
            "otpd is busy. What you sent may have been done; look before you repeat it.",
            "otpd مشغول است. شاید درخواست شما انجام شده باشد؛ پیش از تکرار بررسی کنید.";
        unavailable_read:
            "otpd is busy. Load the page again in a moment.",
            "otpd مشغول است. کمی بعد صفحه را دوباره باز کنید.";
        origin:
            "This form came from another address ({origin}); otpd is known here as {host}.",
            "این فرم از نشانی دیگری آمده است ({origin})؛ otpd اینجا با نام {host} شناخته می‌شود.";
        origin_hint:
            "Behind a proxy, set server.trusted_proxies or console.origin.",
            "پشت پروکسی، تنظیم server.trusted_proxies یا console.origin را مشخص کنید.";
        no_origin: "none", "بدون نشانی";
        id: "Request", "درخواست";
        id_hint: "Name this id when you ask for help.", "هنگام درخواست کمک این شناسه را بگویید.";
        home: "To the overview", "به نمای کلی";
    }
}
