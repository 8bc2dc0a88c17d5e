//! Labels of API tokens.

labels! {
    /// The tokens of a user.
    Token {
        title: "Tokens", "توکن‌ها";
        new: "New token", "توکن جدید";
        once:
            "Copy it now. It is shown this one time.",
            "همین حالا رونوشت بگیرید. فقط همین یک بار نمایش داده می‌شود.";
        stored: "I have stored it", "نگه‌داری کردم";
        prefix: "Begins with", "آغاز توکن";
        owner: "User", "کاربر";
        created: "Created", "ساخته‌شده";
        last_used: "Last used", "آخرین استفاده";
        never: "Never", "هرگز";
        expires: "Valid until", "معتبر تا";
        no_expiration: "Without end", "بدون پایان";
        name: "Name of the token", "نام توکن";
        name_hint:
            "What the token is for, such as shop-backend. It cannot be changed later.",
            "توکن برای چیست، مانند shop-backend. بعداً تغییر نمی‌کند.";
        validity: "Validity", "اعتبار";
        days_90: "90 days", "۹۰ روز";
        one_year: "One year", "یک سال";
        until: "Until", "تا";
        bad_name: "A name has 1 to 64 characters and is not a token.", "نام ۱ تا ۶۴ نویسه دارد و خودِ توکن نیست.";
        bad_expiry:
            "Choose a time that is at least a minute and at most ten years ahead.",
            "زمانی از یک دقیقه تا ده سال آینده انتخاب کنید.";
        of_user: "New token of {user}", "توکن تازهٔ {user}";
        make: "Make token", "ساخت توکن";
        revoke: "Revoke", "باطل کردن";
        revoke_q: "Revoke token {prefix}?", "توکن {prefix} باطل شود؟";
        revoke_note:
            "Programs that use it are refused from their next request on. This cannot be undone.",
            "برنامه‌هایی که از آن استفاده می‌کنند از درخواست بعدی رد می‌شوند. این کار برگشت‌پذیر نیست.";
        revoke_own:
            "Your session was started with this token and ends with it.",
            "نشست شما با این توکن آغاز شده است و با آن پایان می‌یابد.";
        empty:
            "This user has no token and cannot sign in.",
            "این کاربر توکنی ندارد و نمی‌تواند وارد شود.";
    }
}
