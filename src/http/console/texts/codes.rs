//! Labels of the list of codes, and of the fields of a code.

labels! {
    /// The list of codes.
    Codes {
        title: "Codes", "کدها";
        search: "Number, e-mail or whole code", "شماره، ایمیل یا کد کامل";
        search_button: "Search", "جستجو";
        search_chip: "Search: {text}", "جستجو: {text}";
        search_expired:
            "This search is no longer kept. Search again.",
            "این جستجو دیگر نگه‌داری نمی‌شود. دوباره جستجو کنید.";
        new: "New code", "کد جدید";
        count_one: "{n} code", "{n} کد";
        count: "{n} codes", "{n} کد";
        count_over: "more than {n} codes", "بیش از {n} کد";
        empty:
            "No codes yet. They appear here as soon as one is created or sent.",
            "هنوز کدی نیست. به محض ساخت یا ارسال، اینجا دیده می‌شود.";
        none:
            "Nothing matches. Remove a filter, or search by the whole number.",
            "چیزی پیدا نشد. یک فیلتر را بردارید یا با شمارهٔ کامل جستجو کنید.";
        newer_one: "{n} newer code — show", "{n} کد تازه‌تر — نمایش";
        newer: "{n} newer codes — show", "{n} کد تازه‌تر — نمایش";
        /// For the script, which puts in the minutes and seconds.
        left_script: "{t} left", "{t} مانده";
        empty_title: "No codes yet", "هنوز کدی نیست";
        none_title: "Nothing matches", "چیزی پیدا نشد";
        deleted_hint:
            "The audit trail shows who deleted a code.",
            "سابقهٔ رویدادها نشان می‌دهد چه کسی کد را حذف کرده است.";
    }
}

labels! {
    /// The fields of a code, as headings of columns and labels of inputs.
    Columns {
        id: "ID", "شناسه";
        code: "Code", "کد";
        recipient: "Recipient", "گیرنده";
        mobile: "Mobile number", "شمارهٔ موبایل";
        email: "E-mail", "ایمیل";
        valid_to: "Valid until", "معتبر تا";
        ttl: "Time left", "زمان باقی‌مانده";
        state: "State", "وضعیت";
        purpose: "Purpose", "کاربرد";
        created: "Created", "ساخته‌شده";
        updated: "Updated", "تغییر";
        attempts: "Guesses left", "حدس‌های باقی‌مانده";
        actions: "Actions", "کارها";
        channel: "Channel", "کانال";
        consumed: "Used at", "زمان استفاده";
    }
}

labels! {
    /// The state of a code.
    State {
        usable: "Usable", "قابل استفاده";
        expired: "Expired", "منقضی";
        used: "Used", "استفاده‌شده";
        spent: "Out of guesses", "بدون حدس باقی‌مانده";
    }
}

labels! {
    /// What a code is for. Operators choose further purposes, which are shown as they are.
    Purpose {
        login: "Sign-in", "ورود";
        signup: "Registration", "ثبت‌نام";
        reset: "Password reset", "بازیابی گذرواژه";
        payment: "Payment", "پرداخت";
        verify: "Confirmation of a contact", "تأیید شماره یا ایمیل";
    }
}
