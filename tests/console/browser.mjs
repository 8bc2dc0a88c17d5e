// Chromium, signed in to the console.
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function launch() {
  const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => fs.existsSync(path));
  return chromium.launch({
    executablePath: found,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP otp.test 127.0.0.1"],
  });
}

// A browser context with preferences. Errors of the console and reports of the security policy are collected in `faults`.
export async function open(browser, base, { language = "en", theme = "light", width = 1280, state, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, storageState: state, ...more });
  await context.addCookies([
    { name: "otpd_language", value: language, url: `${base}/console` },
    { name: "otpd_theme", value: theme, url: `${base}/console` },
  ]);
  const page = await context.newPage();
  page.faults = [];
  page.expected = [];
  page.on("console", (message) => {
    const isExpected = page.expected.some((status) => message.text().includes(`status of ${status}`));
    if (message.type() === "error" && !isExpected) page.faults.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.faults.push(`${page.url()}: ${error}`));
  page.at = (path) => page.goto(base + path);
  return page;
}

export async function signIn(page, user, token, next = "") {
  await page.at(`/console/sign-in${next && `?next=${encodeURIComponent(next)}`}`);
  await page.fill("#user", user);
  await page.fill("#token", token);
  await Promise.all([page.waitForURL((url) => !url.pathname.endsWith("/sign-in")), page.keyboard.press("Enter")]);
}

// The violations of the accessibility rules, and a page that is wider than the window.
export async function violations(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((rules) => axe.run({ runOnly: rules }), RULES);
  const found = violations.map((one) => `${page.url()} ${one.id}: ${one.nodes[0].html.slice(0, 160)}`);
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return tooWide > 0 ? [...found, `${page.url()} is ${tooWide} px wider than the window`] : found;
}

// Every combination of language, theme and width.
export const LOOKS = ["fa", "en"].flatMap((language) =>
  ["light", "dark"].flatMap((theme) => [360, 1280].map((width) => ({ language, theme, width }))));
