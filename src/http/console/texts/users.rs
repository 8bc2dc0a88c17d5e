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
        withdraw: "Take away", "گرفتن مجوز";
        save_permissions: "Save permissions", "ذخیرهٔ مجوزها";
        sessions: "Sessions", "نشست‌ها";
        no_sessions: "No session is open.", "نشستی باز نیست.";
        end_sessions: "End all sessions", "پایان همهٔ نشست‌ها";
        end_session: "End session", "پایان نشست";
        add: "Add user", "افزودن کاربر";
        empty: "No users yet.", "هنوز کاربری نیست.";
        itself: "This is you", "خود شما";
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
