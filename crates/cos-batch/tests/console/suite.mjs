// Every flow of the console in Chromium. Started by the test in main.rs, which prepares a folder and says where things are.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer as createSite } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const { MODULES, BROWSER, PROGRAM, ROOT, SHOTS } = process.env;
const require = createRequire(join(MODULES, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SOURCE = "photos-1250000000";
const TARGET = "archive-1250000000";
// A guard against hanging, far above what anything takes: each wait is for something that comes, and ends when it does.
const PATIENCE = Number(process.env.PATIENCE ?? 300_000);

// ---- the server

let server = null;
let port = 0;

const freePort = async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
};

const start = async () => {
  const words = ["serve", "--data", join(ROOT, "data"), "--credentials", join(ROOT, "keys.toml"), "--config",
    join(ROOT, "config.toml"), "--listen", `127.0.0.1:${port}`, "--log", "warn"];
  server = spawn(PROGRAM, words, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.startsWith("listening on ")) return;
  }
  throw new Error("the server did not start");
};

const kill = async () => {
  const ended = once(server, "exit");
  server.kill("SIGKILL");
  await ended;
};

// ---- what holds on every page

const troubles = [];
const watch = (page) => {
  page.setDefaultTimeout(PATIENCE);
  page.on("dialog", (dialog) => { troubles.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("pageerror", (error) => troubles.push(`a script failed: ${error}`));
  page.on("console", (message) => {
    if (/Content.Security.Policy|Refused to/.test(message.text())) troubles.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).host !== `127.0.0.1:${port}`) troubles.push(`a request elsewhere: ${request.url()}`);
  });
  return page;
};

const audit = async (page, name) => {
  if (!(await page.evaluate("typeof axe !== 'undefined'"))) await page.evaluate(axe);
  const found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  for (const violation of found.violations) {
    const nodes = violation.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join("\n  ");
    troubles.push(`axe on ${name}: ${violation.id}: ${violation.help}\n  ${nodes}`);
  }
  const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  if (wide > 0) troubles.push(`${name} is ${wide} pixels too wide`);
};

const shoot = async (page, name) => {
  await audit(page, name);
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
};

const address = (path) => `http://127.0.0.1:${port}${path}`;

const signIn = async (page, id = "AKIDone", secret = "secretOfTheFirst") => {
  await page.getByLabel("Key ID").fill(id);
  await page.getByLabel("Secret key").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
};

const statusOf = (page) => page.locator("#status");

// A flow that fails does not keep the others from being gone through.
let failures = 0;
const flow = async (name, work) => {
  const begin = Date.now();
  let error = null;
  await work().catch((reason) => { error = reason; });
  if (error || troubles.length > 0) {
    failures += 1;
    console.log(`FAILED ${name}\n${error?.stack ?? ""}\n${troubles.splice(0).join("\n")}`);
    if (server.exitCode !== null || server.signalCode !== null) await start();
    await page.screenshot({ path: join(SHOTS, `failed-${failures}.png`) }).catch(() => {});
    return;
  }
  console.log(`ok ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
};

// ---- the flows

port = await freePort();
await start();
const browser = await chromium.launch({
  executablePath: BROWSER,
  args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--force-color-profile=srgb"],
});
const desktop = { viewport: { width: 1280, height: 800 }, locale: "en-US", acceptDownloads: true };
const context = await browser.newContext(desktop);
const page = watch(await context.newPage());

await flow("a door that opens to the right key only", async () => {
  await page.goto(address("/"));
  await page.waitForURL("**/console/sign-in**");
  await shoot(page, "sign-in");
  await signIn(page, "AKIDone", "wrong");
  await page.getByRole("alert").waitFor();
  await shoot(page, "sign-in-wrong");
  await signIn(page);
  await page.getByRole("heading", { name: "No jobs here yet" }).waitFor();
  await shoot(page, "jobs-empty");
});

await flow("buckets: looking around, hostile names, a manifest uploaded and one made", async () => {
  await page.getByRole("link", { name: "Buckets" }).first().click();
  await page.getByRole("heading", { name: "Buckets" }).waitFor();
  assert.equal(await page.getByText("secrets-1251111111").count(), 0, "a bucket of somebody else is not shown");
  await shoot(page, "buckets");
  await page.getByRole("link", { name: SOURCE }).click();
  await page.getByRole("link", { name: "odd/" }).click();
  assert.equal(await page.locator("tbody input[type=checkbox]").count(), 5);
  await page.getByText("<img src=x onerror=alert(1)>.txt").waitFor();
  await page.getByText("\\u{202e}fdp.exe\\u{202c}").waitFor();
  await shoot(page, "bucket-hostile");
  await page.getByLabel("Select all on this page").check();
  await page.getByLabel("Write it to").fill("lists/odd.csv");
  await page.getByRole("button", { name: "Make a manifest" }).click();
  await page.waitForURL("**/console/new?**");
  await page.getByText("The manifest was written").waitFor();
  const written = readFileSync(join(ROOT, "data/buckets", SOURCE, "lists/odd.csv"), "utf8").trim().split("\n");
  assert.equal(written.length, 5);
  assert.ok(written.every((row) => /^photos-1250000000,odd\/[A-Za-z0-9%._~-]+$/.test(row)), written.join("\n"));
  assert.match(await page.locator("#draft").innerText(), /name the bucket that the copies go to|target/i);

  await page.goto(address(`/console/buckets/${SOURCE}`));
  writeFileSync(join(ROOT, "mine.csv"), `${SOURCE},2026/night/00001.jpg\n`);
  await page.getByLabel("File", { exact: true }).setInputFiles(join(ROOT, "mine.csv"));
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByText("The file was uploaded").waitFor();
  assert.equal(readFileSync(join(ROOT, "data/buckets", SOURCE, "mine.csv"), "utf8"), `${SOURCE},2026/night/00001.jpg\n`);
  await page.goto(address(`/console/buckets/${SOURCE}?prefix=2026/night/`));
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByText("00100.jpg").waitFor();
  await shoot(page, "bucket");
});

let night = "";
await flow("a job is made while one types, looked at and confirmed", async () => {
  await page.goto(address("/console/new"));
  await page.getByLabel("Target bucket").fill("No_Bucket");
  await page.locator("#w-target", { hasText: /\w/ }).waitFor();
  await page.getByLabel("Target bucket").fill(TARGET);
  await page.getByLabel("Bucket of the manifest").fill(SOURCE);
  await page.getByLabel("Key of the manifest").fill("lists/nihgt.csv");
  await page.locator("#w-manifest_key", { hasText: /\w/ }).waitFor();
  await shoot(page, "new-wrong");
  await page.getByLabel("Key of the manifest").fill("lists/night.csv");
  await page.locator("#draft pre", { hasText: "<COSPutObjectCopy>" }).waitFor();
  await page.getByLabel("Description").fill("Night <b>archive</b> of 2026");
  await page.getByLabel("Report to bucket").fill(TARGET);
  await page.getByLabel("Prefix of the report").fill("reports");
  await page.locator("#draft pre", { hasText: "<Prefix>reports</Prefix>" }).waitFor();
  await page.getByRole("button", { name: "Check" }).click();
  await page.locator("#checked", { hasText: "911 rows" }).waitFor();
  await shoot(page, "new");
  await page.getByRole("button", { name: "Create suspended" }).click();
  await page.waitForURL("**/confirm?done=created");
  await page.getByRole("button", { name: "Confirm and run" }).waitFor();
  const text = await page.locator("#before").innerText();
  for (const part of ["911", SOURCE, TARGET, "lists/night.csv", "Requests", "00000.jpg"]) assert.ok(text.includes(part), part);
  await shoot(page, "confirm");
  night = page.url().match(/jobs\/([^/]+)\//)[1];
  await page.getByRole("button", { name: "Confirm and run" }).click();
  await page.getByText("Confirmed.").waitFor();
});

await flow("a job moves by itself, in two tabs, and outlives its server", async () => {
  await statusOf(page).filter({ hasText: "Active" }).waitFor();
  const done = async () => Number((await page.locator(".tiles dd").nth(1).innerText()).replace(/\D/g, ""));
  const first = await done();
  await page.waitForFunction((first) => {
    const text = document.querySelectorAll(".tiles dd")[1].textContent;
    return Number(text.replace(/\D/g, "")) > first;
  }, first);
  await page.locator(".chart svg").waitFor();
  const other = watch(await context.newPage());
  await other.goto(address("/console/jobs"));
  await other.locator(".jobs li", { hasText: "/s" }).waitFor();
  await other.locator(".live", { hasText: "Live" }).waitFor();
  await shoot(other, "jobs-running");
  // What one tab changes, the other sees.
  await page.getByText(/^Priority 0$/).click();
  await page.getByLabel("Priority", { exact: true }).fill("77");
  await page.getByRole("button", { name: "Change" }).click();
  await page.getByText("The priority was changed").waitFor();
  await other.getByText("Priority 77").waitFor();
  await shoot(page, "job-running");

  await page.bringToFront();
  await page.goto(address(`/console/jobs/${night}`));
  await page.waitForFunction(() => Number(document.body.dataset.loads) > 1);
  await page.screenshot({ path: join(SHOTS, "readme.png") });
  await kill();
  await page.getByText("No answer from the server").waitFor();
  await page.screenshot({ path: join(SHOTS, "job-offline.png") });
  // What was slow so that it could be watched may end now.
  writeFileSync(join(ROOT, "config.toml"), "[engine]\noperations_per_second = 300\n");
  await start();
  await page.locator("#banner").waitFor({ state: "hidden" });
  const after = await done();
  assert.ok(after > first, `${after} after the restart, ${first} before`);
  await other.close();
  await statusOf(page).filter({ hasText: "Complete" }).waitFor();
  assert.equal(await page.locator(".tiles dd.bad").innerText(), "11");
  await page.goto(address(`/console/jobs/${night}`));
  assert.equal(await page.locator("h1").innerText(), "Night <b>archive</b> of 2026");
  await shoot(page, "job-complete");
});

await flow("errors, rows, downloads, and a second try", async () => {
  await page.getByRole("link", { name: "NoSuchKey" }).click();
  await page.getByText("gone-0.jpg").first().waitFor();
  await shoot(page, "rows");
  let saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download as CSV" }).click();
  const csv = readFileSync(await (await saved).path(), "utf8").trim().split("\r\n");
  assert.equal(csv.length, 11, "a header and ten rows of that code");
  await page.goto(address(`/console/jobs/${night}`));
  saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "manifest.json" }).click();
  const report = JSON.parse(readFileSync(await (await saved).path(), "utf8"));
  assert.equal(report.TotalNumberOfTasks, 911);
  saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "0.csv", exact: true }).click();
  assert.match(readFileSync(await (await saved).path(), "utf8"), /^photos-1250000000,/);
  await page.getByRole("link", { name: "Look through 0.csv" }).click();
  await page.getByRole("heading", { name: "Rows of the report" }).waitFor();
  assert.equal(await page.locator(".rows li").count(), 100);
  await shoot(page, "report");
  const seen = await page.locator(".rows li").first().innerText();
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("link", { name: "First page" }).waitFor();
  assert.notEqual(await page.locator(".rows li").first().innerText(), seen);
  await page.goto(address(`/console/jobs/${night}`));

  await page.getByText("Retry failed rows").click();
  await page.screenshot({ path: join(SHOTS, "job-retry.png") });
  await page.getByRole("button", { name: "Make the new job" }).click();
  await page.getByRole("button", { name: "Confirm and run" }).waitFor();
  await page.locator("#before", { hasText: "11" }).waitFor();
  await shoot(page, "confirm-warnings");
  await page.getByRole("button", { name: "Do not run it" }).click();
  await statusOf(page).filter({ hasText: "Cancelled" }).waitFor();
  await page.getByText("Delete", { exact: true }).click();
  await page.getByRole("button", { name: "Delete the job" }).click();
  await page.getByText("The job was deleted").waitFor();
  assert.equal(await page.locator(".jobs li").count(), 1);
});

const make = async (description) => {
  await page.goto(address(`/console/new?manifest_bucket=${SOURCE}&manifest_key=mine.csv&target=${TARGET}`));
  const form = await page.evaluate(() => Object.fromEntries(new FormData(document.querySelector("form.create"))));
  const answers = [];
  for (const words of description) {
    const sent = page.evaluate(async ([form, words, token]) => {
      const body = new URLSearchParams({ ...form, do: "create", description: words, token });
      const answer = await fetch("/console/new", { method: "POST", body });
      return answer.url;
    }, [form, words, `${form.token}${answers.length}`]);
    answers.push(await sent);
  }
  return answers.map((url) => url.match(/jobs\/([^/?]+)/)[1]);
};

await flow("filters, pages, and a cancel", async () => {
  const made = await make(Array.from({ length: 27 }, (_, number) => `job ${number}`));
  await page.goto(address("/console/jobs"));
  assert.equal(await page.locator(".jobs li").count(), 25);
  assert.equal(await page.locator(".job-link").first().innerText(), "job 26", "newest first");
  await page.getByRole("link", { name: "Older jobs" }).click();
  await page.getByText("Night <b>archive</b> of 2026").waitFor();
  await page.getByRole("link", { name: "Complete", exact: true }).click();
  assert.equal(await page.locator(".jobs li").count(), 1);
  await page.getByRole("link", { name: "Failed", exact: true }).click();
  await page.getByRole("heading", { name: "No job has this status" }).waitFor();
  await page.goto(address(`/console/jobs/${made[0]}`));
  await statusOf(page).filter({ hasText: "Suspended" }).waitFor();
  await page.getByText("Cancel", { exact: true }).click();
  await page.getByLabel("Reason").fill("not needed");
  await shoot(page, "job-cancel");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await statusOf(page).filter({ hasText: "Cancelled" }).waitFor();
  await page.getByText("not needed").first().waitFor();
});

await flow("each operation has its own fields, and tags are set", async () => {
  await page.goto(address(`/console/new?manifest_bucket=${SOURCE}&manifest_key=mine.csv`));
  const choose = (name) => page.getByRole("radio", { name }).check();
  const shows = (text) => page.locator("#draft pre", { hasText: text }).waitFor();
  await choose(/^Delete/);
  await shows("<COSDeleteObject");
  await choose(/^Restore/);
  await page.locator("#w-days", { hasText: "whole number" }).waitFor();
  await page.getByLabel("Days readable").fill("7");
  await shows("<ExpirationInDays>7</ExpirationInDays>");
  await shoot(page, "new-restore");
  await choose(/^Tag/);
  await page.getByLabel(/^Tags one in a line/).fill("season=winter\nno tag");
  await page.locator("#w-tags", { hasText: "no tag" }).waitFor();
  await shoot(page, "new-tag-wrong");
  await page.getByLabel(/^Tags one in a line/).fill("season=winter");
  await shows("<Value>winter</Value>");
  await page.getByLabel("Description").fill("tags of winter");
  await page.getByRole("button", { name: "Create suspended" }).click();
  await page.getByRole("button", { name: "Confirm and run" }).click();
  await statusOf(page).filter({ hasText: "Complete" }).waitFor();
  await page.locator("#facts", { hasText: "season=winter" }).waitFor();
});

await flow("a page of another origin can do nothing", async () => {
  const [job] = await make(["not for others"]);
  const site = createSite((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<form method="post" action="${address(`/console/jobs/${job}/delete`)}"><button>Win a prize</button></form>
      <iframe src="${address("/console/jobs")}"></iframe>`);
  }).listen(0, "127.0.0.1");
  await once(site, "listening");
  // Not watched: it is this page's purpose to be elsewhere.
  const lure = await context.newPage();
  await lure.goto(`http://127.0.0.1:${site.address().port}/`);
  const refused = lure.waitForResponse((answer) => answer.request().method() === "POST");
  await lure.getByRole("button", { name: "Win a prize" }).click();
  assert.equal((await refused).status(), 403);
  await lure.close();
  site.close();
  site.closeAllConnections();
  await page.goto(address(`/console/jobs/${job}`));
  await statusOf(page).filter({ hasText: "Suspended" }).waitFor();
});

await flow("another account sees nothing of it", async () => {
  const others = await browser.newContext(desktop);
  const other = watch(await others.newPage());
  await other.goto(address(`/console/jobs/${night}`));
  await signIn(other, "AKIDtwo", "secretOfTheSecond");
  await other.getByText("there is no job with this id").waitFor();
  await shoot(other, "not-found");
  for (const path of [`/console/jobs/${night}/rows`, `/console/jobs/${night}/rows.csv`, `/console/buckets/${SOURCE}`,
    `/console/buckets/${SOURCE}/download?key=mine.csv`, `/console/jobs/${night}/confirm`]) {
    const status = await other.evaluate(async (path) => (await fetch(path)).status, path);
    assert.ok(status === 404 || status === 403, `${path}: ${status}`);
  }
  await other.goto(address("/console/jobs"));
  await other.getByRole("heading", { name: "No jobs here yet" }).waitFor();
  await others.close();
});

await flow("everything that matters works without script", async () => {
  const plain = await browser.newContext({ ...desktop, javaScriptEnabled: false });
  const bare = watch(await plain.newPage());
  await bare.goto(address("/console/new"));
  await signIn(bare);
  await bare.waitForURL("**/console/new");
  await bare.getByLabel("Bucket of the manifest").fill(SOURCE);
  await bare.getByLabel("Key of the manifest").fill("mine.csv");
  await bare.getByRole("button", { name: "Create suspended" }).click();
  await bare.getByRole("alert").filter({ hasText: "name the bucket that the copies go to" }).waitFor();
  await bare.getByLabel("Target bucket").fill(TARGET);
  await bare.getByLabel("Description").fill("without script");
  await bare.getByRole("button", { name: "Create suspended" }).click();
  await bare.waitForURL("**/confirm?done=created");
  await bare.getByRole("button", { name: "Confirm and run" }).click();
  await statusOf(bare).filter({ hasText: "Complete" }).waitFor();
  await plain.close();
});

await flow("by keyboard alone", async () => {
  await page.goto(address("/console/jobs"));
  const at = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.name);
  const tabTo = async (name) => {
    for (let step = 0; step < 60; step += 1) {
      if (await at() === name) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`${name} cannot be reached by keyboard`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await at(), "Skip to content");
  await tabTo("Cancelled");
  await page.keyboard.press("Enter");
  await page.waitForURL("**show=cancelled");
  await tabTo("job 0");
  await page.keyboard.press("Enter");
  await statusOf(page).waitFor();
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#act-delete").getAttribute("open"), "");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#act-delete").getAttribute("open"), null);
  // A job from nothing to its end.
  await page.goto(address(`/console/new?manifest_bucket=${SOURCE}&manifest_key=mine.csv`));
  await tabTo("target");
  await page.keyboard.type(TARGET);
  await tabTo("Create suspended");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/confirm?done=created");
  await page.getByRole("button", { name: "Confirm and run" }).waitFor();
  await tabTo("Confirm and run");
  await page.keyboard.press("Enter");
  await statusOf(page).filter({ hasText: "Complete" }).waitFor();
});

const pages = (jobs) => [["jobs", "/console/jobs"], ["job", `/console/jobs/${night}`], ["rows", `/console/jobs/${night}/rows`],
  ["report", `/console/jobs/${night}/report?file=1`],
  ["confirm", `/console/jobs/${jobs}/confirm`],
  ["new", `/console/new?manifest_bucket=${SOURCE}&manifest_key=lists/night.csv&target=${TARGET}`],
  ["buckets", "/console/buckets"], ["bucket", `/console/buckets/${SOURCE}?prefix=odd/`]];

await flow("dark, Chinese, and on a phone", async () => {
  const [waiting] = await make(["one that waits, with a description that is rather long for a phone"]);
  const choose = async (lang, theme) => {
    await page.evaluate(async ([lang, theme]) => {
      await fetch("/console/settings", { method: "POST", body: new URLSearchParams({ lang, theme, next: "/console/jobs" }) });
    }, [lang, theme]);
  };
  for (const [kind, lang, theme, width] of [["dark", "en", "dark", 1280], ["chinese", "zh-CN", "light", 1280],
    ["phone", "en", "light", 390], ["phone-dark-chinese", "zh-CN", "dark", 360]]) {
    await choose(lang, theme);
    await page.setViewportSize({ width, height: width > 600 ? 800 : 844 });
    for (const [name, path] of pages(waiting)) {
      await page.goto(address(path));
      if (name === "new") await page.locator("#draft pre").waitFor();
      await shoot(page, `${kind}-${name}`);
    }
  }
  await page.locator("#settings summary").click();
  await shoot(page, "phone-dark-chinese-settings");
  await choose("en", "auto");
  await page.setViewportSize(desktop.viewport);
});

await flow("language and colors are the browser's own until somebody chooses", async () => {
  const phone = { ...desktop, viewport: { width: 360, height: 780 }, locale: "zh-CN", colorScheme: "dark" };
  const own = await browser.newContext(phone);
  const other = watch(await own.newPage());
  await other.goto(address("/console/new"));
  await other.getByRole("heading", { name: "登录" }).waitFor();
  await shoot(other, "phone-dark-chinese-sign-in");
  await other.getByLabel("密钥 ID").fill("AKIDone");
  await other.locator("input[name=secret]").fill("secretOfTheFirst");
  await other.getByRole("button", { name: "登录" }).click();
  await other.getByRole("button", { name: "创建任务" }).click();
  await other.getByRole("alert").filter({ hasText: "请填写目标存储桶" }).waitFor();
  await shoot(other, "phone-dark-chinese-new-wrong");
  await other.goto(address("/console/jobs/none"));
  await other.getByText("没有此 ID 的任务").waitFor();
  await shoot(other, "phone-dark-chinese-not-found");
  await own.close();
});

await flow("signed out is signed out", async () => {
  await page.goto(address("/console/jobs"));
  const tab = watch(await context.newPage());
  await tab.goto(address("/console/jobs"));
  const [cookie] = (await context.cookies()).filter((cookie) => cookie.name === "cos-batch-session");
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict" && cookie.path === "/console", JSON.stringify(cookie));
  await page.locator("#settings summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await tab.bringToFront();
  await tab.getByText("Your session has ended").waitFor();
  await context.addCookies([cookie]);
  await page.goto(address("/console/jobs"));
  await page.waitForURL("**/sign-in**");
});

await browser.close();
const ended = once(server, "exit");
server.kill("SIGTERM");
await ended;
if (failures > 0) process.exit(1);
console.log("all flows passed");
