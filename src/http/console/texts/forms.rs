//! Labels of forms: fields, errors, conflicts and the messages after saving.

labels! {
    /// The fields and buttons of a form.
    Form {
        new_title: "New code", "کد جدید";
        edit_title: "Edit code {id}", "ویرایش کد {id}";
        validity: "Validity", "اعتبار";
        keep: "Keep: {time}", "همان بماند: {time}";
        renew: "Renew: {minutes} minutes from now", "تمدید: {minutes} دقیقه از اکنون";
        renew_seconds: "Renew: {seconds} seconds from now", "تمدید: {seconds} ثانیه از اکنون";
        until: "Until", "تا";
        time: "Time", "ساعت";
        zone: "Times in {zone}", "ساعت‌ها به وقت {zone}";
        reading: "That is {date}.", "یعنی {date}.";
        code_hint: "Empty: otpd makes a code.", "اگر خالی بماند، otpd کد می‌سازد.";
        code_keep: "Empty: the code stays as it is.", "اگر خالی بماند، کد تغییر نمی‌کند.";
        date_hint:
            "1405/09/02 or 2026-11-23, with a time such as 14:30",
            "مانند ۱۴۰۵/۰۹/۰۲ همراه با ساعت، مانند ۱۴:۳۰";
        /// Between the items of a list in a sentence.
        list_separator: ",", "،";
        optional: "optional", "اختیاری";
        /// Shown before an edit is saved.
        waiting:
            "A message with the present code is waiting to be sent. Saving takes it back: it will not be sent.",
            "پیامی با کد کنونی در صف ارسال است. با ذخیره، پس گرفته می‌شود و ارسال نمی‌شود.";
        no_send: "The code is stored but not sent.", "کد ذخیره می‌شود ولی ارسال نمی‌شود.";
        save: "Save", "ذخیره";
        create: "Create code", "ساخت کد";
        cancel: "Cancel", "انصراف";
        errors_one: "{n} field needs a correction", "{n} مورد باید اصلاح شود";
        errors: "{n} fields need a correction", "{n} مورد باید اصلاح شود";
        error_prefix: "Error:", "خطا:";
        one_recipient:
            "Give either a mobile number or an e-mail address.",
            "یا شمارهٔ موبایل بدهید یا ایمیل.";
        bad_mobile:
            "Enter a mobile number such as 09123456789.",
            "شمارهٔ موبایل را مانند 09123456789 وارد کنید.";
        bad_email:
            "Enter an e-mail address such as name@example.com.",
            "ایمیل را مانند name@example.com وارد کنید.";
        bad_code: "Enter digits only.", "فقط رقم وارد کنید.";
        // A date with hyphens after Persian letters would be drawn in the wrong order.
        bad_date:
            "Enter a date such as 2026-11-23 or 1405/09/02.",
            "تاریخ را مانند ۱۴۰۵/۰۹/۰۲ یا 2026/11/23 وارد کنید.";
        bad_user:
            "A name has 1 to 64 English letters, digits or . _ @ + - and does not begin with a hyphen.",
            "نام ۱ تا ۶۴ حرف انگلیسی، رقم یا یکی از . _ @ + - دارد و با خط تیره آغاز نمی‌شود.";
        missing: "This field is required.", "این مورد الزامی است.";
        choose: "Choose one.", "یکی را انتخاب کنید.";
    }
}

labels! {
    /// Two people edited the same code.
    Conflict {
        title:
            "Someone changed this code meanwhile",
            "در این فاصله کس دیگری این کد را تغییر داده است";
        explain:
            "Nothing was saved. Compare both versions and choose one.",
            "چیزی ذخیره نشده است. دو نسخه را مقایسه و یکی را انتخاب کنید.";
        theirs: "Now stored", "اکنون ذخیره‌شده";
        yours: "Yours", "نسخهٔ شما";
        field: "Field", "مورد";
        different: "different", "متفاوت";
        unchanged: "unchanged", "بدون تغییر";
        overwrite: "Save mine", "نسخهٔ من ذخیره شود";
        discard: "Keep what is stored", "همان ذخیره‌شده بماند";
        deleted: "This code was deleted meanwhile.", "در این فاصله این کد حذف شده است.";
        used: "This code was used meanwhile.", "در این فاصله این کد استفاده شده است.";
    }
}

labels! {
    /// Shown on the page after a change.
    Flash {
        saved: "Saved.", "ذخیره شد.";
        created: "Code {id} was created.", "کد {id} ساخته شد.";
        deleted: "Code {id} was deleted.", "کد {id} حذف شد.";
        expired: "Code {id} has expired.", "کد {id} منقضی شد.";
        recipient_freed:
            "The recipient may try again. A code without guesses stays unusable: send a new one.",
            "گیرنده دوباره می‌تواند تلاش کند. کد بدون حدس باقی‌مانده قابل استفاده نمی‌شود؛ کد تازه‌ای بفرستید.";
        resent_to_recipient: "A code is on its way to the recipient.", "کد برای گیرنده در راه است.";
        user_removed: "User {user} was removed.", "کاربر {user} حذف شد.";
        role_saved: "The role of {user} was saved.", "نقش {user} ذخیره شد.";
        user_added: "User {user} was added.", "کاربر {user} افزوده شد.";
        user_disabled: "User {user} is disabled.", "کاربر {user} غیرفعال شد.";
        user_enabled: "User {user} is enabled.", "کاربر {user} فعال شد.";
        permissions_saved: "The permissions of {user} were saved.", "مجوزهای {user} ذخیره شد.";
        sent_twice:
            "The form was sent twice and took effect once. If you have not seen the token, revoke it and add another one.",
            "فرم دو بار فرستاده شد و یک بار اجرا شد. اگر توکن را ندیده‌اید، آن را باطل کنید و توکن دیگری بسازید.";
        token_revoked: "Token {prefix} was revoked.", "توکن {prefix} باطل شد.";
        sessions_ended_one: "{n} session was ended.", "{n} نشست پایان یافت.";
        sessions_ended: "{n} sessions were ended.", "{n} نشست پایان یافت.";
        checked: "The provider {provider} was checked.", "سرویس‌دهندهٔ {provider} بررسی شد.";
    }
}
