//! Labels of signing in and of the session.

labels! {
    /// The sign-in page.
    SignIn {
        title: "Sign in", "ورود";
        user: "User name", "نام کاربری";
        token: "Token", "توکن";
        submit: "Sign in", "ورود";
        hint:
            "Paste your token. It is exchanged for a session and is not kept here.",
            "توکن خود را بچسبانید. به نشست تبدیل می‌شود و اینجا نگه‌داری نمی‌شود.";
        lost:
            "No token at hand? An admin can make a sign-in link: otpd user link NAME",
            "توکن ندارید؟ مدیر می‌تواند پیوند ورود بسازد: otpd user link NAME";
        wrong:
            "This token is not known, was revoked, or its user is disabled.",
            "این توکن شناخته نشد، باطل شده یا کاربر آن غیرفعال است.";
        missing: "Enter the user name and the token.", "نام کاربری و توکن را وارد کنید.";
        slow:
            "Too many tries from your address. Try again in {seconds} seconds.",
            "از نشانی شما تلاش‌های زیادی شد. {seconds} ثانیه دیگر دوباره امتحان کنید.";
        no_cookie:
            "Your browser did not keep the cookie. Over plain HTTP this works only on the address otpd listens on; use HTTPS.",
            "مرورگر شما کوکی را نگه نداشت. با HTTP ساده فقط روی همان نشانیِ otpd کار می‌کند؛ از HTTPS استفاده کنید.";
        plain_http:
            "This page uses plain HTTP. Others on the network can read your token. Use HTTPS.",
            "این صفحه با HTTP ساده باز شده است. دیگران در شبکه می‌توانند توکن شما را بخوانند. از HTTPS استفاده کنید.";
        link_expired:
            "This sign-in link was used already or is older than 10 minutes. An admin can make a new one: otpd user link NAME",
            "این پیوند ورود استفاده شده یا بیش از ۱۰ دقیقه از ساخت آن گذشته است. مدیر می‌تواند پیوند تازه‌ای بسازد: otpd user link NAME";
        signed_out: "You are signed out.", "از کنسول خارج شدید.";
    }
}

labels! {
    /// The end of a session, as shown on every page.
    Session {
        expired:
            "Your session ended. Sign in again; what you typed is kept.",
            "نشست شما پایان یافت. دوباره وارد شوید؛ آنچه نوشته‌اید حفظ می‌شود.";
        /// For the script, which puts in the minutes.
        ends_script: "Your session ends in {m} minutes.", "نشست شما {m} دقیقه دیگر پایان می‌یابد.";
        ended: "Your session has ended.", "نشست شما پایان یافت.";
        stay: "Stay signed in", "ادامهٔ نشست";
        not_saved:
            "Nothing was saved yet. Check the form and save again.",
            "هنوز چیزی ذخیره نشده است. فرم را بررسی و دوباره ذخیره کنید.";
    }
}
