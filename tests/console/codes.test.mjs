import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, signIn } from "./browser.mjs";
import { Server } from "./server.mjs";

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function admin(look) {
  const page = await open(browser, server.base, look);
  await signIn(page, "admin", server.token, "/console/codes");
  return page;
}

test("with the keyboard alone: sign in, search, open, uncover, edit, save; the focus is visible", async () => {
  const { id } = await server.create({ mobile_number: "09120000001" });
  const page = await open(browser, server.base, { language: "fa" });
  await page.at("/console/sign-in?next=/console/codes");
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await page.keyboard.type(server.token);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/console/codes");
  await page.keyboard.press("/");
  await page.keyboard.type("۰۹۱۲۰۰۰۰۰۰۱");
  await page.waitForURL(/s=\d+/);
  const isVisible = () => page.evaluate(() => {
    const box = document.activeElement.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const style = getComputedStyle(document.activeElement);
    const isMarked = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return document.activeElement.contains(top) && isMarked;
  });
  const tabTo = async (selector) => {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) {
        assert.ok(await isVisible(), `the focus of ${selector} is not visible`);
        return;
      }
    }
    assert.fail(`${selector} is not reached`);
  };
  await tabTo(`a[href="/console/codes/${id}"]`);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`codes/${id}$`));
  await tabTo(`form[action$="/uncover"] button`);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#code-value");
  assert.equal(await page.textContent("#code-value"), "255315");
  await tabTo(`a[href="/console/codes/${id}/edit"]`);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#mobile");
  await tabTo("#mobile");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("۰۹۱۲ ۰۰۰ ۰۰۰۲");
  await page.keyboard.press("Enter");
  await page.waitForURL(/done=saved/);
  assert.equal((await server.api("GET", id)).json.mobile_number, "09120000002");
  assert.deepEqual(page.faults, []);
});

test("two errors: the focus is on the summary, its links reach the fields, and the values are kept", async () => {
  const page = await admin();
  page.expected = [422];
  await page.at("/console/codes/new");
  await page.fill("#mobile", "0912");
  await page.check("input[value=until]");
  await page.fill("#until", "1404/12/30");
  await page.click("button.primary");
  await page.waitForSelector("#errors");
  assert.equal(await page.evaluate(() => document.activeElement.id), "errors");
  assert.equal(await page.locator("#errors li").count(), 2);
  for (const field of ["mobile", "until"]) {
    await page.click(`#errors a[href="#${field}"]`);
    assert.equal(await page.evaluate(() => document.activeElement.id), field);
    assert.equal(await page.getAttribute(`#${field}`, "aria-invalid"), "true");
  }
  assert.equal(await page.inputValue("#mobile"), "0912");
  assert.equal(await page.inputValue("#until"), "1404/12/30");
  assert.deepEqual(page.faults, []);
});

test("two tabs edit a code: the second one gets 409, and the row is unchanged", async () => {
  const { id } = await server.create({ mobile_number: "09120000010" });
  const first = await admin();
  const second = await first.context().newPage();
  await first.goto(`${server.base}/console/codes/${id}/edit`);
  await second.goto(`${server.base}/console/codes/${id}/edit`);
  await first.fill("#mobile", "09120000011");
  await first.click("button.primary");
  await first.waitForURL(/done=saved/);
  await second.fill("#mobile", "09120000012");
  const [answer] = await Promise.all([second.waitForNavigation(), second.click("button.primary")]);
  assert.equal(answer.status(), 409);
  const text = await second.textContent("table.compare");
  assert.ok(text.includes("09120000011") && text.includes("09120000012"));
  assert.equal((await server.api("GET", id)).json.mobile_number, "09120000011");
  await second.click("button.primary:has-text('Save mine')");
  await second.waitForURL(/done=saved/);
  assert.equal((await server.api("GET", id)).json.mobile_number, "09120000012");
});

test("a session that ends during an edit: after the sign-in the values are there, and nothing is saved twice", async () => {
  const { id, updated_at } = await server.create({ mobile_number: "09120000020" });
  const page = await admin();
  page.expected = [401];
  await page.at(`/console/codes/${id}/edit`);
  await page.fill("#mobile", "09120000021");
  await page.context().clearCookies({ name: "otpd_session" });
  await page.click("button.primary");
  await page.waitForSelector("#token");
  assert.equal((await server.api("GET", id)).json.updated_at, updated_at);
  await page.fill("#user", "admin");
  await page.fill("#token", server.token);
  await page.click("button.primary");
  await page.waitForURL(/draft=/);
  assert.equal(await page.inputValue("#mobile"), "09120000021");
  await page.click("button.primary");
  await page.waitForURL(/done=saved/);
  const updates = server.audit().filter((event) => event.otp === id && event.action === "otp.update");
  assert.equal(updates.length, 1);
  assert.equal((await server.api("GET", id)).json.mobile_number, "09120000021");
});

test("pages hold masked codes only, and uncovering writes exactly one otp.read", async () => {
  const { id } = await server.create({ code: 918273645, mobile_number: "09120000030" });
  const page = await admin();
  for (const path of ["/console/codes", `/console/codes/${id}`, `/console/codes/${id}/edit`, `/console/codes/${id}/delete`]) {
    await page.at(path);
    assert.ok(!(await page.content()).includes("918273645"), path);
  }
  await page.at(`/console/codes/${id}`);
  await page.click("form[action$='/uncover'] button");
  await page.waitForSelector("#code-value");
  const reads = server.audit().filter((event) => event.action === "otp.read" && event.otp === id);
  assert.equal(reads.length, 1);
  for (const part of ["918273", "18273645", "8273"]) {
    await page.at("/console/codes");
    await page.fill("#q", part);
    await page.click("form[role=search] button");
    await page.waitForURL(/s=\d+/);
    assert.equal(await page.locator(`a[href="/console/codes/${id}"]`).count(), 0, part);
    assert.ok(!page.url().includes(part));
  }
  await page.fill("#q", "918273645");
  await page.click("form[role=search] button");
  await page.waitForSelector(`a[href="/console/codes/${id}"]`);
  assert.ok(!server.log().includes("918273645"));
  assert.ok(!server.log().includes("09120000030"));
});

test("an uncovered code is hidden after 30 seconds, also without scripts", async () => {
  const { id } = await server.create({ mobile_number: "09120000040" });
  const page = await admin();
  await page.clock.install();
  await page.at(`/console/codes/${id}`);
  const [answer] = await Promise.all([page.waitForNavigation(), page.click("form[action$='/uncover'] button")]);
  assert.equal(answer.headers().refresh, `30; url=/console/codes/${id}`);
  assert.equal(await page.textContent(".secret-code"), "255315");
  await page.clock.fastForward(31000);
  await page.waitForFunction(() => document.querySelector(".secret-code").textContent === "•••••");
});

test("Persian digits and pasted invisible marks are found", async () => {
  const { id } = await server.create({ mobile_number: "09120000050" });
  await server.create({ mobile_number: "09129999999" });
  const page = await admin({ language: "fa" });
  for (const text of ["۰۹۱۲۰۰۰۰۰۵۰", "\u2066+98 912 000 0050\u2069", "٠٩١٢٠٠٠٠٠٥٠", "0912-000-0050\u200f", "0000050"]) {
    await page.at("/console/codes");
    await page.fill("#q", text);
    await page.keyboard.press("Enter");
    await page.waitForURL(/s=\d+/);
    const links = await page.locator("tbody th a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    assert.deepEqual(links, [`/console/codes/${id}`], JSON.stringify(text));
  }
});

test("the countdown follows the clock of the server, also if the clock of the device is wrong by an hour", async () => {
  const valid_to = new Date(Date.now() + 90_000).toISOString();
  const { id } = await server.create({ mobile_number: "09120000060", valid_to });
  for (const hours of [-1, 1]) {
    const page = await admin();
    await page.clock.install({ time: Date.now() + hours * 3600_000 });
    await page.at(`/console/codes/${id}`);
    const left = await page.textContent(".time-left");
    assert.match(left, /^[01]:\d\d left$/);
    await page.clock.runFor(95_000);
    await page.waitForFunction(() => document.querySelector("#state").textContent === "Expired");
    assert.equal(await page.textContent("#announce"), "Expired");
  }
});

test("Back after the sign-out shows no code", async () => {
  const { id } = await server.create({ code: 746352, mobile_number: "09120000070" });
  const page = await admin();
  await page.at(`/console/codes/${id}`);
  await page.click("form[action$='/uncover'] button");
  await page.waitForSelector("#code-value");
  await page.click("details.menu:not(.small-only) > summary:has-text('admin')");
  await page.click("form[action='/console/sign-out'] button");
  await page.waitForURL(/signed_out/);
  await page.goBack().catch(() => null);
  await page.waitForTimeout(500);
  assert.ok(!(await page.content()).includes("746352"));
});

test("every action works without JavaScript", async () => {
  const { id } = await server.create({ mobile_number: "09120000080" });
  const page = await open(browser, server.base, { javaScriptEnabled: false });
  await page.goto(`${server.base}/console/sign-in?next=/console/codes`);
  await page.fill("#user", "admin");
  await page.fill("#token", server.token);
  await page.click("button.primary");
  await page.waitForURL(/codes$/);
  await page.fill("#q", "09120000080");
  await page.click("form[role=search] button");
  await page.click(`a[href="/console/codes/${id}"]`);
  await page.click("form[action$='/uncover'] button");
  assert.equal(await page.textContent("#code-value"), "255315");
  await page.click("a.btn:has-text('Hide')");
  assert.equal(await page.textContent(".secret-code"), "•••••");
  await page.click("a:has-text('Edit')");
  await page.fill("#mobile", "");
  await page.fill("#email", "sara@example.com");
  await page.check("input[value=renew]");
  await page.click("button.primary");
  assert.equal((await server.api("GET", id)).json.email, "sara@example.com");
  await page.click("form[action$='/resend'] button");
  await page.waitForURL(/done=resent/);
  await page.goto(`${server.base}/console/codes/${id}`);
  await page.click("form[action$='/expire'] button");
  assert.equal((await server.api("GET", id)).json.is_allow, false);
  await page.click("a.danger");
  await page.click("button.danger");
  assert.equal((await server.api("GET", id)).status, 404);
  await page.click("button[name=language]:visible");
  assert.equal(await page.getAttribute("html", "lang"), "fa");
});
