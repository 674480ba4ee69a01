import fastify from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { createCodedErrorPresenter } from "./coded-error.ts";
import { createErrorHandler } from "./errors.ts";
import { createOverloadGuard, type OverloadOptions } from "./overload.ts";

const apps: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** An app with a route that answers when it is let go, one that blocks, and one that is served always. */
function open(options: Partial<OverloadOptions> = {}) {
  const guard = createOverloadGuard({ maxRunning: 4, waiting: () => 0, maxWaiting: 10, ...options });
  const app = fastify({ trustProxy: true });
  apps.push(app);
  app.setErrorHandler(createErrorHandler(createCodedErrorPresenter()));
  guard.protect(app);
  const held = new Set<() => void>();
  app.get("/held", () => new Promise((resolve) => held.add(() => resolve("done"))));
  app.get("/always", { config: { servedAlways: true } }, async () => "alive");
  app.get("/quick", async () => "quick");
  const get = (url: string, address = "10.0.0.1") => app.inject({ url, headers: { "x-forwarded-for": address } });
  const letGo = () => {
    for (const resolve of held) resolve();
  };
  return { app, guard, get, held, letGo };
}

describe("createOverloadGuard", () => {
  it("refuses one request too many with 503 and Retry-After in the contract's shape, and serves on as some end", async () => {
    const { guard, get, held, letGo } = open();
    const running = ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"].map((address) => get("/held", address));
    await expect.poll(() => held.size).toBe(4);
    const refused = await get("/quick", "10.0.0.3");
    expect(refused.statusCode).toBe(503);
    expect(refused.headers["retry-after"]).toBe("2");
    expect(refused.json()).toEqual({ code: "service_unavailable", message: "Too many requests are being answered", details: {} });
    expect((await get("/always")).statusCode).toBe(200);
    expect(guard.refused()).toBe(1);
    letGo();
    for (const answer of running) expect((await answer).statusCode).toBe(200);
    expect((await get("/quick", "10.0.0.3")).statusCode).toBe(200);
  });

  it("leaves room to others than one address", async () => {
    const { get, held, letGo } = open();
    const running = [get("/held"), get("/held"), get("/held")];
    await expect.poll(() => held.size).toBe(3);
    expect((await get("/quick")).statusCode).toBe(503);
    expect((await get("/quick", "10.0.0.2")).statusCode).toBe(200);
    letGo();
    await Promise.all(running);
  });

  it("refuses while too many statements wait for the database", async () => {
    let waiting = 11;
    const { get } = open({ waiting: () => waiting });
    expect((await get("/quick")).statusCode).toBe(503);
    waiting = 10;
    expect((await get("/quick")).statusCode).toBe(200);
  });

  it("lets in only as many as it answers in half a second when for a second all had to wait for longer", async () => {
    const { app, get, held, letGo } = open({ maxRunning: 1_000 });
    app.get("/waits", () => new Promise((resolve) => setTimeout(resolve, 600, "late")));
    await app.ready();
    await Promise.all([get("/waits"), get("/waits")]);
    await new Promise((resume) => setTimeout(resume, 600)); // the second is over
    const running = Array.from({ length: 64 }, () => get("/held"));
    await expect.poll(() => held.size).toBe(64);
    expect((await get("/quick")).statusCode).toBe(503);
    letGo();
    await Promise.all(running);
    expect((await get("/quick")).statusCode).toBe(200);
  });

  it("lets fewer in when the event loop was late for half a second, however fast each of them is answered", async () => {
    const { app, get, held, letGo } = open({ maxRunning: 1_000 });
    await app.ready();
    await new Promise((resume) => setTimeout(resume, 550)); // a window without requests is over
    for (let ticks = 0; ticks < 4; ticks++) {
      expect((await get("/quick")).statusCode).toBe(200);
      block(300);
      await new Promise((resume) => setTimeout(resume, 0));
    }
    const running = Array.from({ length: 64 }, () => get("/held"));
    await expect.poll(() => held.size).toBe(64);
    expect((await get("/quick")).statusCode).toBe(503);
    letGo();
    await Promise.all(running);
    expect((await get("/quick")).statusCode).toBe(200);
  });

  it("refuses while the event loop is late for longer than a moment", async () => {
    const { app, get, held, letGo } = open({ maxRunning: 100 });
    await app.ready();
    const running = Array.from({ length: 16 }, () => get("/held"));
    await expect.poll(() => held.size).toBe(16);
    block(700);
    expect((await get("/quick")).statusCode).toBe(200); // a moment
    await new Promise((resume) => setTimeout(resume, 150));
    block(700);
    await new Promise((resume) => setImmediate(resume));
    await new Promise((resume) => setTimeout(resume, 0)); // the tick that is late
    block(700);
    expect((await get("/quick")).statusCode).toBe(503);
    await new Promise((resume) => setTimeout(resume, 250));
    expect((await get("/quick")).statusCode).toBe(200);
    letGo();
    await Promise.all(running);
  });
});

function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
