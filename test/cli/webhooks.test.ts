import { execFile } from "node:child_process";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runProcess } from "../support/child-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { ENCRYPTION_KEY, type Harness, startHarness } from "../webhooks/harness.ts";
import { type Receiver, startReceiver } from "../webhooks/receiver.ts";

const folder = makeTemporaryFolder();
let harness: Harness;
let receiver: Receiver;
let variables: Record<string, string>;
beforeAll(async () => {
  harness = await startHarness();
  receiver = await startReceiver((response) => response.writeHead(receiver.received.length === 1 ? 410 : 204).end());
  variables = {
    DATABASE_URL: harness.url,
    DATA_DIR: folder.path,
    ENCRYPTION_KEY,
    WEBHOOK_ALLOWED_CIDRS: "127.0.0.0/8",
  };
});
afterAll(async () => {
  await receiver.close();
  await harness.close();
  folder.remove();
});

function mortar(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, ...variables };
    execFile(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

it("mortar worker delivers, mortar webhooks shows and replays, and SIGTERM ends the worker with status 0", async () => {
  const { id } = await harness.makeWebhook(receiver.url);
  const { responseId } = await harness.fire();
  const worker = runProcess("src/cli/main.ts", ["worker"], variables);
  await worker.waitFor(/Mortar delivers webhooks/);
  await receiver.waitFor(1);
  await expect.poll(async () => (await mortar("webhooks", "deliveries", id)).stdout, { timeout: 20_000 }).toContain("410 gone");

  const listed = await mortar("webhooks", "deliveries", id, "--status", "failed", "--json");
  const [delivery] = JSON.parse(listed.stdout);
  expect(delivery).toMatchObject({ webhookId: id, responseId, status: "failed", log: [{ status: 410, error: "gone" }] });
  const replayed = await mortar("webhooks", "replay", id, delivery.id);
  expect(replayed).toEqual({ status: 0, stdout: "1 delivery will be made again\n", stderr: "" });
  await receiver.waitFor(2);
  expect(receiver.received[1]?.headers["webhook-id"]).toBe(delivery.id);
  expect((await mortar("webhooks", "replay", id, "--from", "2026-01-01T00:00:00Z")).stdout).toBe(
    "0 deliveries will be made again\n",
  );
  const all = await mortar("webhooks", "replay", id, "--from", "2026-01-01T00:00:00Z", "--delivered-too");
  expect(all.stdout).toBe("1 delivery will be made again\n");
  await receiver.waitFor(3);

  worker.process.kill("SIGTERM");
  expect(await worker.exited).toBe(0);
}, 90_000);

it("mortar webhooks tries a webhook out, changes its secret and tells how it fares", async () => {
  const good = await startReceiver();
  const { id, secret } = await harness.makeWebhook(good.url);
  const tried = await mortar("webhooks", "test", id, "--event", "contactCreated");
  expect(tried).toMatchObject({ status: 0, stderr: "" });
  expect(tried.stdout).toMatch(/^contactCreated [0-9a-f]{64}: 204 after \d+ ms\n$/);
  expect(JSON.parse(good.received[0]?.body ?? "")).toMatchObject({ webhookId: id, event: "contactCreated" });

  const rotated = await mortar("webhooks", "rotate-secret", id, "--overlap-seconds", "60");
  expect(rotated.stdout).toMatch(/^whsec_\S{44}\n$/);
  expect(rotated.stdout.trim()).not.toBe(secret);
  expect(rotated.stderr).toMatch(/^the secret before signs beside it until \S+Z\n$/);
  await mortar("webhooks", "test", id);
  const { body = "", headers = {} } = good.received[1] ?? {};
  const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  for (const each of [secret ?? "", rotated.stdout.trim()]) expect(new Webhook(each).verify(body, texts)).toBeDefined();

  await harness.db.prisma.webhook.updateMany({ where: { id }, data: { disabledAt: new Date() } });
  expect(JSON.parse((await mortar("webhooks", "status", id)).stdout)).toMatchObject({ webhookId: id, isEnabled: false });
  expect((await mortar("webhooks", "enable", id)).stdout).toBe("it is on\n");
  expect(JSON.parse((await mortar("webhooks", "status", id)).stdout)).toMatchObject({ isEnabled: true, waiting: 0 });

  await good.close();
  const failed = await mortar("webhooks", "test", id);
  expect(failed).toMatchObject({ status: 1, stdout: "" });
  expect(failed.stderr).toMatch(/^mortar: it did not arrive. responseCreated [0-9a-f]{64}: connection_refused after \d+ ms\n$/);
  expect((await mortar("webhooks", "rotate-secret", id, "--overlap-seconds", "-1")).status).toBe(2);
}, 90_000);

it("what is called wrongly ends with status 2, and what is not there with 1", async () => {
  const { id } = await harness.makeWebhook(receiver.url);
  const [neither, both, limit, time, missing] = await Promise.all([
    mortar("webhooks", "replay", id),
    mortar("webhooks", "replay", id, "0".repeat(64), "--from", "2026-01-01T00:00:00Z"),
    mortar("webhooks", "deliveries", id, "--limit", "0"),
    mortar("webhooks", "replay", id, "--from", "yesterday"),
    mortar("webhooks", "deliveries", "cnone"),
  ]);
  expect([neither, both].map(({ status, stderr }) => [status, stderr])).toEqual([
    [2, "mortar: name a delivery's id or a time with --from\n"],
    [2, "mortar: name a delivery's id or a time with --from\n"],
  ]);
  expect([limit.status, time.status]).toEqual([2, 2]);
  expect(missing).toMatchObject({ status: 1, stderr: "mortar: there is no webhook cnone\n" });
}, 60_000);
