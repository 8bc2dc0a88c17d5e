import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LOOKS, launch, open, signIn, violations } from "./browser.mjs";
import { Server } from "./server.mjs";

let server, browser;
const paths = ["/console/", "/console/?period=7d", "/console/messages", "/console/messages?state=failed", "/console/recipients",
  "/console/providers", "/console/audit", "/console/audit?action=otp.update", "/console/account",
  "/console/users", "/console/users/new", "/console/users/admin", "/console/users/admin/token", "/console/sign-in", "/console/sign-in?started=1", "/console/codes", "/console/codes?state=used", "/console/codes/new", "/console/missing"];
before(async () => {
  server = await Server.start();
  browser = await launch();
  const { id } = await server.create({ mobile_number: "09123456789" });
  await server.create({ email: "a.very.long.address.of.one.person.in.a.department@mail.department.company.example.com" });
  await server.api("POST", "send", { mobile_number: "09121111111" });
  await server.api("POST", "verify", { mobile_number: "09123456789", code: 1 });
  await server.api("PATCH", id, { mobile_number: "09351234567" });
  paths.push(`/console/codes/${id}`, `/console/codes/${id}/edit`, `/console/codes/${id}/delete`);
});
after(async () => {
  await browser.close();
  await server.stop();
});

for (const look of LOOKS) {
  test(`no page breaks an accessibility rule or the security policy: ${Object.values(look).join(", ")}`, async () => {
    const page = await open(browser, server.base, look);
    page.expected = [404, 422];
    await signIn(page, "admin", server.token, "/console/codes");
    const found = [];
    for (const path of paths) {
      await page.at(path);
      found.push(...(await violations(page)));
    }
    await page.at("/console/codes/new");
    await page.click("button.primary");
    await page.waitForSelector("#errors");
    found.push(...(await violations(page)));
    assert.deepEqual([...found, ...page.faults], []);
    await page.context().close();
  });
}

test("identifiers and times run from left to right on Persian pages, and are copied as they are stored", async () => {
  const page = await open(browser, server.base, { language: "fa" });
  await signIn(page, "admin", server.token, "/console/codes");
  for (const path of paths.filter((path) => /codes($|\/\d+$)/.test(path))) {
    await page.at(path);
    const wrong = await page.evaluate(() => {
      const wrong = [];
      for (const element of document.querySelectorAll("main [dir=ltr]")) {
        const text = [...element.childNodes].find((node) => node.nodeType === 3 && node.textContent.trim().length > 1);
        if (!text || element.matches("input") || !element.checkVisibility()) continue;
        const range = document.createRange();
        let last = -Infinity, line = null;
        for (let n = 0; n < text.textContent.length; n++) {
          range.setStart(text, n);
          range.setEnd(text, n + 1);
          const box = range.getBoundingClientRect();
          if (box.width === 0) continue;
          if (line !== null && Math.abs(box.y - line) > 4) last = -Infinity;
          if (box.x < last - 0.5) wrong.push(text.textContent);
          [last, line] = [box.x, box.y];
        }
        getSelection().selectAllChildren(element);
        if (getSelection().toString().trim() !== element.textContent.trim()) wrong.push(`selected: ${element.textContent}`);
      }
      return [...new Set(wrong)];
    });
    assert.deepEqual(wrong, [], path);
    assert.doesNotMatch(await page.content(), /[\u200e\u200f\u2066-\u2069]/, path);
  }
});

test("plain HTTP on another host name works, or the page says why not", async () => {
  const page = await open(browser, `http://otp.test:${server.port}`, { language: "en" });
  await page.at("/console/sign-in?next=/console/codes");
  assert.match(await page.textContent("main"), /This page uses plain HTTP/);
  await page.fill("#user", "admin");
  await page.fill("#token", server.token);
  await page.click("button.primary");
  await page.waitForURL(/codes$/);
  assert.equal(await page.textContent("h1"), "Codes");
});
