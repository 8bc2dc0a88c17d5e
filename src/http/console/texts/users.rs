//! Labels of users and permissions.

labels! {
    /// The pages of users.
    User {
        title: "Users", "کاربران";
        new: "New user", "کاربر جدید";
        name: "Name", "نام";
        role: "Role", "نقش";
        admin: "Admin", "مدیر";
        staff: "Staff", "پشتیبان";
        plain: "No access", "بدون دسترسی";
        admin_note: "May do everything.", "همهٔ کارها را می‌تواند انجام دهد.";
        staff_note:
            "May do what the permissions below allow.",
            "فقط آنچه مجوزهای زیر اجازه می‌دهند.";
        plain_note: "May do nothing.", "هیچ کاری را نمی‌تواند انجام دهد.";
        state: "State", "وضعیت";
        active: "Active", "فعال";
        disabled: "Disabled", "غیرفعال";
        disable: "Disable", "غیرفعال کردن";
        enable: "Enable", "فعال کردن";
        disable_q: "Disable {user}?", "{user} غیرفعال شود؟";
        disable_note:
            "All tokens and sessions of this user stop working at once.",
            "همهٔ توکن‌ها و نشست‌های این کاربر بی‌درنگ از کار می‌افتند.";
        last_admin:
            "The last active admin cannot be disabled.",
            "آخرین مدیر فعال را نمی‌توان غیرفعال کرد.";
        exists: "A user with this name exists already.", "کاربری با این نام از پیش هست.";
        permissions: "Permissions", "مجوزها";
        no_permissions: "No permissions", "بدون مجوز";
        all_permissions: "All permissions", "همهٔ مجوزها";
        grant: "Grant", "دادن مجوز";
        save_permissions: "Save permissions", "ذخیرهٔ مجوزها";
        sessions: "Sessions", "نشست‌ها";
        no_sessions: "No session is open.", "نشستی باز نیست.";
        end_sessions: "End all sessions", "پایان همهٔ نشست‌ها";
        add: "Add user", "افزودن کاربر";
        empty: "No users yet.", "هنوز کاربری نیست.";
        itself: "This is you", "خود شما";
        count_one: "{n} user", "{n} کاربر";
        count: "{n} users", "{n} کاربر";
        last_admin_stays:
            "It cannot be removed or lose its role either. Make another user an admin first.",
            "آن را نمی‌توان حذف کرد و نقشش را نیز نمی‌توان تغییر داد. نخست کاربر دیگری را مدیر کنید.";
        save_role: "Save role", "ذخیرهٔ نقش";
        role_q: "Give up your role?", "از نقش خود دست می‌کشید؟";
        own_role:
            "This is your own account. You will no longer reach users and the audit trail, and another admin would have to make you an admin again.",
            "این حساب خود شماست. دیگر به کاربران و سابقهٔ رویدادها دسترسی ندارید و مدیر دیگری باید دوباره شما را مدیر کند.";
        own_disable:
            "This is your own account. You will be signed out and cannot sign in until another admin enables it.",
            "این حساب خود شماست. از کنسول خارج می‌شوید و تا مدیر دیگری آن را فعال نکند نمی‌توانید وارد شوید.";
        remove: "Remove user", "حذف کاربر";
        remove_q: "Remove {user}?", "{user} حذف شود؟";
        remove_note:
            "Its tokens, sessions and permissions are deleted. This cannot be undone. Its events stay in the audit trail.",
            "توکن‌ها، نشست‌ها و مجوزهای آن پاک می‌شوند. این کار برگشت‌پذیر نیست. رویدادهای آن در سابقه می‌مانند.";
        own_remove:
            "This is your own account. You will be signed out at once.",
            "این حساب خود شماست. بی‌درنگ از کنسول خارج می‌شوید.";
        first_token:
            "The user gets a token. The next page shows it, this one time.",
            "کاربر یک توکن می‌گیرد. صفحهٔ بعد آن را فقط یک بار نشان می‌دهد.";
        staff_only:
            "Permissions apply to the role Staff only.",
            "مجوزها فقط برای نقش پشتیبان کاربرد دارند.";
    }
}

labels! {
    /// The permissions, by what they allow.
    Perm {
        /// 2851
        create: "Create codes", "ساخت کد";
        /// 2852
        view: "View codes", "دیدن کدها";
        /// 2853
        update: "Change codes, free recipients", "تغییر کدها و آزادسازی گیرندگان";
        /// 2854
        delete: "Delete codes", "حذف کد";
        /// 2855
        send: "Send", "ارسال";
        /// 2856
        verify: "Verify", "تأیید";
    }
}
