#[expect(dead_code, reason = "no page uses the labels yet")]
mod texts;
