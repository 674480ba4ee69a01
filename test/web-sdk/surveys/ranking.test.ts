/** Ranking by dragging, with a mouse and with a finger; how it is answered by buttons is tested with every element. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "../chromium.ts";
import { look, useStage } from "../stage.ts";
import type { Visit } from "./browser.ts";
import { block, open, showing, text } from "./showing.ts";

const NAMES = ["Light", "Looks", "Price", "Power use"];
const ranking = {
  ...open("order"),
  type: "ranking",
  required: true,
  choices: NAMES.map((name, index) => ({ id: `c${index}`, label: text(name) })),
};

const rows = (page: Page) => page.locator("[data-drag-row]");
const ranked = (page: Page) => page.locator("ol [data-drag-row] .mo-grow").allInnerTexts();

/** The middle of a row's grip. */
async function gripOf(page: Page, row: number): Promise<{ x: number; y: number }> {
  const box = await rows(page).nth(row).locator(".mo-grip").boundingBox();
  if (box === null) throw new Error(`row ${row} has no grip`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

describeInBrowser("a ranking", () => {
  const stage = useStage();
  const { show, next } = showing(stage);

  async function rankAll(visit: Visit): Promise<void> {
    for (const name of NAMES) await visit.page.getByRole("button", { name: `Rank ${name}` }).click();
  }
  const labels = async (page: Page) => (await ranked(page)).map((words) => words.split("\n").at(-1));

  test("is put in order with a mouse, also by what is not ranked yet", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    const id = await show(visit, { blocks: [block("b1", ranking)] });
    const { page } = visit;
    await page.getByRole("button", { name: "Rank Light" }).click();
    await page.getByRole("button", { name: "Rank Looks" }).click();
    await dragByMouse(page, 3, 0); // Power use, which is not ranked, to the top
    expect(await labels(page)).toEqual(["Power use", "Light", "Looks"]);
    await dragByMouse(page, 0, 2);
    expect(await labels(page)).toEqual(["Light", "Looks", "Power use"]);
    await next(visit);
    await page.getByText("Thank you!").waitFor();
    expect(await stage.responsesTo(id)).toMatchObject([{ data: { order: ["Light", "Looks", "Power use"] } }]);
  });

  test("is put in order with a finger, while the page stands still", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl, {
      ...{ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    });
    await show(visit, { blocks: [block("b1", ranking)] });
    const { page } = visit;
    await rankAll(visit);
    const devtools = await page.context().newCDPSession(page);
    const from = await gripOf(page, 2);
    const to = await gripOf(page, 0);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: { x: number; y: number }[]) =>
      devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
    await touch("touchStart", [from]);
    for (const share of [0.25, 0.5, 0.75, 1]) await touch("touchMove", [{ x: from.x, y: from.y + (to.y - 6 - from.y) * share }]);
    await page.locator(".mo-dragged").waitFor();
    expect(await look(page, "ranking dragged phone", ".mortar-survey")).toEqual([]);
    await touch("touchEnd", []);
    expect(await labels(page)).toEqual(["Price", "Light", "Looks", "Power use"]);
    expect(await page.evaluate("window.scrollY")).toBe(0);
  });

  test("stays as it was when Escape ends the dragging, which does not close the survey", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(visit, { blocks: [block("b1", ranking)] });
    const { page } = visit;
    await rankAll(visit);
    const from = await gripOf(page, 0);
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x, from.y + 120, { steps: 4 });
    await page.locator(".mo-dragged").waitFor();
    await page.keyboard.press("Escape");
    await page.mouse.up();
    expect(await labels(page)).toEqual(NAMES);
    expect(await page.getByRole("dialog").count()).toBe(1);
  });

  test("takes a tap on a grip for a tap on its row", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(visit, { blocks: [block("b1", ranking)] });
    const grip = await gripOf(visit.page, 1);
    await visit.page.mouse.click(grip.x, grip.y);
    expect(await labels(visit.page)).toEqual(["Looks"]);
  });

  test("is moved by keyboard, and the buttons at its ends do nothing", async () => {
    const visit = await stage.browsing.visit(stage.server.baseUrl);
    await show(visit, { blocks: [block("b1", ranking)] });
    const { page } = visit;
    await rankAll(visit);
    await page.getByRole("button", { name: "Move Price up" }).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    expect(await labels(page)).toEqual(["Price", "Light", "Looks", "Power use"]);
    expect(await page.getByRole("button", { name: "Move Price up" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Take Light out of the ranking" }).press("Space");
    expect(await labels(page)).toEqual(["Price", "Looks", "Power use"]);
  });

  async function dragByMouse(page: Page, row: number, to: number): Promise<void> {
    const start = await gripOf(page, row);
    const end = await gripOf(page, to);
    await page.mouse.move(start.x, start.y);
    await page.mouse.down();
    await page.mouse.move(end.x, end.y + (to < row ? -8 : 8), { steps: 6 });
    await page.mouse.up();
  }
});
